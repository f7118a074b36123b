use super::*;
use crate::manifest::Route;
use crate::plan::testing::route;

fn literal(text: &str) -> EnvValue {
    EnvValue::Literal(text.to_owned())
}

/// The lines `NAME=value`, or the errors.
fn made(env: &[(&str, EnvValue)], roles: Vec<RoleVariable>) -> Result<Vec<String>, Vec<String>> {
    let bottle = Bottle {
        env: env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        routes: vec![Route {
            token_ref: TokenRef::Variable("GH_PAT".to_owned()),
            ..route("/gh/", "https://github.com")
        }],
        ..Bottle::default()
    };
    let mut errors = Vec::new();
    let variables = environment("bottles.dev", &bottle, roles, &mut errors);
    let line = |variable: &Variable| match &variable.value {
        EnvValue::Literal(text) => format!("{}={text}", variable.name),
        EnvValue::FromHost(source) => format!("{}=${source}", variable.name),
        EnvValue::Ask(text) => format!("{}=?{text}", variable.name),
    };
    match errors.is_empty() {
        true => Ok(variables.iter().map(line).collect()),
        false => Err(errors.iter().map(PlanError::to_string).collect()),
    }
}

fn role(name: &'static str, fixed: bool) -> RoleVariable {
    RoleVariable {
        name,
        value: "role".to_owned(),
        hidden: false,
        fixed,
    }
}

#[test]
fn the_manifests_own_come_first_and_win_over_switches() {
    let env = [("B", literal("1")), ("S", literal("own"))];
    let roles = vec![role("A", true), role("S", false)];
    assert_eq!(
        made(&env, roles),
        Ok(["B=1", "S=own", "A=role"].map(str::to_owned).to_vec())
    );
}

#[test]
fn what_a_role_must_set_may_not_be_set_elsewhere() {
    let errors = made(&[("A", literal("1"))], vec![role("A", true)]).expect_err("twice");
    assert_eq!(
        errors,
        [
            "bottles.dev.env.A: is set by a route's role too, and the agent would go another way; take it out, or the role"
        ]
    );
}

#[test]
fn the_home_is_not_the_manifests_to_move() {
    let errors = made(&[("HOME", literal("/x"))], Vec::new()).expect_err("a home");
    assert_eq!(
        errors,
        [
            "bottles.dev.env.HOME: is where the agent's files are put, and its image says where; take it out"
        ]
    );
}

#[test]
fn a_token_of_the_bottle_is_no_variable_of_the_agent() {
    let env = [
        ("X", EnvValue::FromHost("GH_PAT".to_owned())),
        ("Y", EnvValue::FromHost("TZ".to_owned())),
    ];
    let errors = made(&env, Vec::new()).expect_err("a token");
    assert_eq!(
        errors,
        [
            "bottles.dev.env.X: GH_PAT is a token of this bottle, and the agent would see it; take one of the two out"
        ]
    );
}

#[test]
fn without_a_proxy_nothing_goes_past_it() {
    assert_eq!(
        made(&[("NO_PROXY", literal("a"))], Vec::new()),
        Ok(vec!["NO_PROXY=a".to_owned()])
    );
}

#[test]
fn where_a_proxy_is_set_the_bottles_names_go_past_it_in_both_cases() {
    const OURS: &str = "cred-proxy,git-gate,localhost,127.0.0.1,::1";
    let proxy = ("https_proxy", literal("http://p:1"));
    assert_eq!(
        made(core::slice::from_ref(&proxy), Vec::new()),
        Ok(vec![
            "https_proxy=http://p:1".to_owned(),
            "HTTPS_PROXY=http://p:1".to_owned(),
            format!("NO_PROXY={OURS}"),
            format!("no_proxy={OURS}"),
        ])
    );
    assert_eq!(
        made(
            &[proxy.clone(), ("no_proxy", literal("x, localhost,"))],
            Vec::new()
        ),
        Ok(vec![
            "https_proxy=http://p:1".to_owned(),
            "no_proxy=x,localhost,cred-proxy,git-gate,127.0.0.1,::1".to_owned(),
            "HTTPS_PROXY=http://p:1".to_owned(),
            "NO_PROXY=x,localhost,cred-proxy,git-gate,127.0.0.1,::1".to_owned(),
        ])
    );
    let from_host = EnvValue::FromHost("P".to_owned());
    assert_eq!(
        made(&[("ALL_PROXY", from_host.clone())], Vec::new()).map(|lines| lines[1].clone()),
        Ok("all_proxy=$P".to_owned())
    );
    let asked = EnvValue::Ask("proxy".to_owned());
    let errors = made(
        &[("HTTP_PROXY", asked), ("NO_PROXY", from_host)],
        Vec::new(),
    );
    assert_eq!(
        errors,
        Err(vec![
            "bottles.dev.env.NO_PROXY: must be a literal, for the bottle's own names are added to it".to_owned(),
            "bottles.dev.env.HTTP_PROXY: is needed in both letter cases; write it as a literal or as ${NAME}".to_owned(),
        ])
    );
}
