//! What presets become: `presets.txt` has every route of them, rule by rule.

use super::load;
use crate::manifest::{Bottle, Route, Upstream};
use core::fmt::Write;
use engine::config::{TokenSource, parse_routes};
use serde_json::{Value, json};

fn bottle(text: &str) -> Bottle {
    let file = format!(r#"{{"bottles": {{"b": {text}}}}}"#);
    let mut manifest = load(&file).expect(text);
    manifest.bottles.remove("b").expect("the bottle")
}

/// All of a route, a line each.
fn shown(route: &Route) -> String {
    let mut text = String::new();
    let upstream = match &route.upstream {
        Upstream::Url(url) => url.as_str(),
        Upstream::NpmRegistryOfHost => "(npm's registry on the host)",
    };
    let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
    let header = route.auth_header.as_deref().unwrap_or("authorization");
    let words = [&route.auth_scheme, &route.auth_user].map(|word| word.as_deref());
    let words: Vec<&str> = words.into_iter().flatten().collect();
    let told = [
        format!("{} -> {upstream} by {}", route.path, route.origin),
        format!("  {header}: {} {:?}", words.join(" "), route.token_ref),
        format!("  roles {roles:?}, passthrough {}", route.tls_passthrough),
    ];
    for line in told {
        writeln!(text, "{line}").expect("a text");
    }
    for name in &route.strip_query {
        writeln!(text, "  query {name}").expect("a text");
    }
    for rule in &route.deny {
        writeln!(text, "  deny {rule}").expect("a text");
    }
    for rule in &route.second_door {
        writeln!(text, "  door {rule}").expect("a text");
    }
    if route.allow_api_writes {
        text.push_str("  writes by the API are allowed\n");
    }
    text.push('\n');
    text
}

const GATE: &str = r#""git_gate": {"repos": {
    "a": {"url": "git@github.com:o/r.git", "identity": "/k", "host_key": "ssh-rsa AAAAB3NzaC1yc2EAAAA"},
    "b": {"url": "ssh://git@git.example.org:2222/o/r.git", "identity": "/k", "host_key": "ssh-rsa AAAAB3NzaC1yc2EAAAA"}}}"#;

#[test]
fn every_preset_becomes_these_routes_in_this_order() {
    let text = format!(
        r#"{{"agent_provider": {{"template": "claude", "auth_token": "CLAUDE"}},
            "cred_proxy": {{"routes": [{{"path": "/own/", "upstream": "https://h", "auth_scheme": "Bearer", "token_ref": "OWN"}}]}},
            "tokens": [
              {{"kind": "gitea", "token_ref": "GITEA", "url": "https://git.example.org:3000/sub/"}},
              {{"kind": "github", "token_ref": "GITHUB"}},
              {{"kind": "npm", "token_ref": "NPM"}}],
            {GATE}}}"#
    );
    let found: String = bottle(&text).routes.iter().map(shown).collect();
    assert!(
        found == include_str!("presets.txt"),
        "presets.txt should be:\n{found}"
    );
}

#[test]
fn an_auth_token_is_the_preset_anthropic() {
    let [short] =
        &bottle(r#"{"agent_provider": {"template": "claude", "auth_token": {"file": "/t"}}}"#)
            .routes[..]
    else {
        panic!("one route");
    };
    let [long] =
        &bottle(r#"{"tokens": [{"kind": "anthropic", "token_ref": {"file": "/t"}}]}"#).routes[..]
    else {
        panic!("one route");
    };
    let same = Route {
        origin: long.origin.clone(),
        ..short.clone()
    };
    assert_eq!(&same, long);
    assert_eq!(short.origin, "bottles.b.agent_provider.auth_token");
}

#[test]
fn an_api_key_has_a_field_of_its_own() {
    let bottle =
        bottle(r#"{"tokens": [{"kind": "anthropic", "token_ref": "K", "header": "x-api-key"}]}"#);
    let route = &bottle.routes[0];
    assert_eq!(route.auth_header.as_deref(), Some("x-api-key"));
    assert_eq!(route.auth_scheme, None);
}

#[test]
fn npm_may_be_told_its_registry() {
    let bottle = bottle(
        r#"{"tokens": [{"kind": "npm", "token_ref": "K", "url": "https://npm.example.org/x/"}]}"#,
    );
    let expected = Upstream::Url("https://npm.example.org/x".to_owned());
    assert_eq!(bottle.routes[0].upstream, expected);
}

/// How many rules each route of a bottle has as its second door.
fn doors(tokens: &str, gate: &str) -> Vec<usize> {
    let routes = bottle(&format!(r#"{{"tokens": [{tokens}], {gate}}}"#)).routes;
    routes.iter().map(|route| route.second_door.len()).collect()
}

fn gate(url: &str) -> String {
    format!(
        r#""git_gate": {{"repos": {{"a": {{"url": "{url}", "identity": "/k", "host_key": "ssh-rsa AAAAB3NzaC1yc2EAAAA"}}}}}}"#
    )
}

#[test]
fn the_second_door_is_closed_where_the_gate_owns_a_repository_of_the_forge() {
    let github = r#"{"kind": "github", "token_ref": "T"}"#;
    let gitea = r#"{"kind": "gitea", "token_ref": "T", "url": "https://git.example.org"}"#;
    for (url, at_github, at_gitea) in [
        ("git@github.com:o/r.git", true, false),
        ("ssh://git@ssh.github.com:443/o/r.git", true, false),
        ("git@git.example.org:o/r.git", false, true),
        ("git@git-ssh.example.org:o/r.git", false, true),
        ("git@elsewhere.example.net:o/r.git", false, false),
    ] {
        let [api, git] = doors(github, &gate(url))[..] else {
            panic!("two routes");
        };
        assert_eq!((api > 0, git), (at_github, 0), "{url}");
        let at = doors(gitea, &gate(url));
        assert_eq!(at.first().map(|rules| *rules > 0), Some(at_gitea), "{url}");
    }
    let none = r#""git_gate": {"repos": {}}"#;
    assert_eq!(doors(github, none), [0, 0]);
    // The API that registers the gate's key is the forge's, whatever its SSH host is called.
    let provisioned = r#""git_gate": {"repos": {"a": {"url": "git@10.0.0.1:o/r.git", "host_key": "ssh-rsa AAAAB3NzaC1yc2EAAAA",
        "provisioned_key": {"provider": "gitea", "token_env": "T", "api_url": "https://git.example.org"}}}}"#;
    assert!(doors(gitea, provisioned)[0] > 0);
}

#[test]
fn who_allows_writes_by_the_api_has_the_door_open_and_it_is_told() {
    let tokens = r#"{"kind": "github", "token_ref": "T", "allow_api_writes": true},
        {"kind": "gitea", "token_ref": "T", "url": "https://git.example.org", "allow_api_writes": true}"#;
    let bottle = bottle(&format!(r#"{{"tokens": [{tokens}], {GATE}}}"#));
    let open: Vec<(&str, usize, bool)> = bottle
        .routes
        .iter()
        .map(|route| {
            (
                route.path.as_str(),
                route.second_door.len(),
                route.allow_api_writes,
            )
        })
        .collect();
    let expected = [
        ("/gh-api/", 0, true),
        ("/gh-git/", 0, false),
        ("/gitea/git.example.org/", 0, true),
    ];
    assert_eq!(open, expected);
    // Keys, hooks and secrets stay closed.
    assert!(bottle.routes.iter().all(|route| !route.deny.is_empty()));
}

/// A route as the engine's own file has it.
fn of_engine(route: &Route) -> Value {
    let Upstream::Url(upstream) = &route.upstream else {
        panic!("a route with a URL");
    };
    let deny: Vec<&String> = route.deny.iter().chain(&route.second_door).collect();
    let mut json = json!({
        "path": route.path, "upstream": upstream, "token_env": "T", "deny": deny,
        "strip_query": route.strip_query, "upgrade": route.upgrade,
    });
    let texts = [
        ("auth_scheme", &route.auth_scheme),
        ("auth_header", &route.auth_header),
        ("auth_user", &route.auth_user),
        ("accept_encoding", &route.accept_encoding),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            json[key] = json!(text);
        }
    }
    if let Some(methods) = &route.methods {
        json["methods"] = json!(methods);
    }
    json
}

#[test]
fn the_engine_takes_every_route_of_the_full_example_and_of_the_presets() {
    let full = load(super::corpus::FULL).expect("the full example");
    let tokens = r#"{"kind": "github", "token_ref": "T"}, {"kind": "npm", "token_ref": "T", "url": "https://npm.example.org"},
        {"kind": "anthropic", "token_ref": "T"}, {"kind": "gitea", "token_ref": "T", "url": "https://git.example.org"}"#;
    let presets = bottle(&format!(r#"{{"tokens": [{tokens}], {GATE}}}"#));
    for bottle in full.bottles.values().chain([&presets]) {
        let routes: Vec<Value> = bottle.routes.iter().map(of_engine).collect();
        let text = json!({ "routes": routes }).to_string();
        let read = parse_routes(text.as_bytes(), &TokenSource::of(|_name| None));
        assert_eq!(read.err(), None, "{text}");
    }
}
