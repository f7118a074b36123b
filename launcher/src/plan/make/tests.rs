use super::*;
use crate::limits::USUAL_PUSH_MIB;
use crate::manifest::{
    AgentOrigin, Egress, EgressRoute, EnvValue, GitUser, Role, Route, Upstream, WorkdirMode,
};
use crate::plan::Redirection;
use crate::plan::testing::{facts, gate, manifest, route};

fn bottle(manifest: &mut Manifest) -> &mut Bottle {
    manifest.bottles.get_mut("dev").expect("dev")
}

fn agent(manifest: &mut Manifest) -> &mut Agent {
    manifest.agents.get_mut("a").expect("a")
}

fn made(manifest: &Manifest, facts: &HostFacts) -> Result<Plan, Vec<String>> {
    Plan::make(manifest, "a", facts, None)
        .map_err(|errors| errors.iter().map(PlanError::to_string).collect())
}

fn file<'p>(plan: &'p Plan, path: &str) -> Option<&'p str> {
    let found = plan.files.iter().find(|file| file.path == Path::new(path));
    found.map(|file| file.content.as_str())
}

fn value<'p>(plan: &'p Plan, name: &str) -> Option<&'p str> {
    let found = plan
        .environment
        .iter()
        .find(|variable| variable.name == name)?;
    match &found.value {
        EnvValue::Literal(text) => Some(text),
        EnvValue::FromHost(_) | EnvValue::Ask(_) => None,
    }
}

/// Every role at once, as the presets bring them.
fn with_all_roles() -> Manifest {
    let with = |path: &str, upstream: &str, roles: &[Role]| Route {
        roles: roles.to_vec(),
        ..route(path, upstream)
    };
    manifest(vec![
        with(
            "/anthropic/",
            "https://api.anthropic.com",
            &[Role::AnthropicBaseUrl],
        ),
        with("/gh-git/", "https://github.com", &[Role::GitInsteadOf]),
        Route {
            upstream: Upstream::NpmRegistryOfHost,
            ..with("/npm/", "", &[Role::NpmRegistry])
        },
        with(
            "/gitea/git.example.org/",
            "https://git.example.org",
            &[Role::GitInsteadOf, Role::TeaLogin],
        ),
    ])
}

#[test]
fn each_role_writes_its_files_and_variables() {
    let mut facts = facts();
    facts.npm_registry = Some(Ok("https://registry.example.org/".to_owned()));
    let plan = made(&with_all_roles(), &facts).expect("a plan");
    assert_eq!(
        value(&plan, "ANTHROPIC_BASE_URL"),
        Some("http://cred-proxy:9099/anthropic")
    );
    assert_eq!(
        file(&plan, ".npmrc"),
        Some("registry=http://cred-proxy:9099/npm/\nreplace-registry-host=always\n")
    );
    assert_eq!(
        file(&plan, ".gitconfig"),
        Some(
            "[url \"http://cred-proxy:9099/gh-git/\"]\n\tinsteadOf = https://github.com/\n\
             [url \"http://cred-proxy:9099/gitea/git.example.org/\"]\n\tinsteadOf = https://git.example.org/\n"
        )
    );
    let tea = file(&plan, ".config/tea/config.yml").expect("tea's file");
    assert!(tea.contains("url: \"http://cred-proxy:9099/gitea/git.example.org\"\n"));
    assert!(
        plan.routes_json
            .contains("\"upstream\": \"https://registry.example.org/\"")
    );
    assert_eq!(
        plan.hosts,
        [
            "api.anthropic.com",
            "git.example.org",
            "github.com",
            "registry.example.org"
        ]
    );
    assert_eq!(plan.slots.len(), 1);
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn each_login_of_tea_has_a_name_of_its_own() {
    let tea = |path: &str, upstream: &str| Route {
        roles: vec![Role::TeaLogin],
        ..route(path, upstream)
    };
    let manifest = manifest(vec![
        tea("/a/", "https://git.example.org"),
        tea("/b/", "https://git.example.org:3000/base"),
        tea("/c/", "https://git.example.org/"),
    ]);
    let plan = made(&manifest, &facts()).expect("a plan");
    let text = file(&plan, ".config/tea/config.yml").expect("tea's file");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  - name: "))
        .collect();
    let expected = [
        r#""git.example.org""#,
        r#""git.example.org:3000""#,
        r#""/c/""#,
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_host_that_the_gate_declares_has_one_way_for_git() {
    let mut manifest = with_all_roles();
    let user = GitUser {
        name: "Bot".to_owned(),
        email: "bot@example.org".to_owned(),
    };
    bottle(&mut manifest).git_gate = Some(GitGate {
        user: Some(user),
        ..gate("ssh://git@git.example.org:2222/me/app.git")
    });
    let mut facts = facts();
    facts.npm_registry = Some(Ok("https://registry.example.org/".to_owned()));
    let plan = made(&manifest, &facts).expect("a plan");
    assert_eq!(
        file(&plan, ".gitconfig"),
        Some(
            "[user]\n\tname = \"Bot\"\n\temail = \"bot@example.org\"\n\
             [url \"git://git-gate/app.git\"]\n\
             \tinsteadOf = ssh://git@git.example.org:2222/me/app.git\n\
             \tinsteadOf = https://git.example.org/me/app.git\n\
             [url \"http://cred-proxy:9099/gh-git/\"]\n\tinsteadOf = https://github.com/\n"
        )
    );
    // tea speaks to the forge's API, which is no git.
    assert!(file(&plan, ".config/tea/config.yml").is_some());
    let gate = plan.gate.as_ref().expect("a gate");
    assert_eq!(gate.image, "bottle-git-gate");
    let repository = &gate.repositories[0];
    assert_eq!(repository.remote, "git://git-gate/app.git");
    assert_eq!(repository.policy.max_push_mib, USUAL_PUSH_MIB);
    assert_eq!(
        repository.known_host,
        "[git.example.org]:2222 ssh-ed25519 AAAA\n"
    );
    assert!(plan.unserved.is_empty(), "{:?}", plan.unserved);
}

#[test]
fn egress_is_planned_and_not_served() {
    let mut manifest = manifest(Vec::new());
    bottle(&mut manifest).egress = Some(Egress::default());
    assert!(
        made(&manifest, &facts())
            .expect("a plan")
            .unserved
            .is_empty()
    );
    let route = EgressRoute {
        host: "b.example".to_owned(),
        port: None,
        auth_scheme: None,
        auth_header: None,
        token_ref: None,
        tls_passthrough: false,
        methods: None,
        deny: Vec::new(),
        upgrade: Vec::new(),
    };
    bottle(&mut manifest).egress = Some(Egress {
        allow: vec!["*.c.example".to_owned(), "b.example".to_owned()],
        routes: vec![route],
        ..Egress::default()
    });
    let plan = made(&manifest, &facts()).expect("a plan");
    assert_eq!(plan.hosts, ["*.c.example", "b.example"]);
    assert!(plan.unserved[0].starts_with("bottles.dev.egress: this version does not serve"));
}

#[test]
fn the_template_brings_image_command_and_files() {
    let mut manifest = with_all_roles();
    bottle(&mut manifest).routes.truncate(1);
    bottle(&mut manifest).provider.template = Some(Template::Claude);
    bottle(&mut manifest).provider.image = None;
    agent(&mut manifest).prompt = Some("do it".to_owned());
    let plan = made(&manifest, &facts()).expect("a plan");
    assert_eq!(plan.image, AgentImage::of(Template::Claude));
    let dockerfile = plan.image.dockerfile.expect("how to build it");
    let tag = plan.image.name.strip_prefix("bottle-claude:");
    assert_eq!(tag, Some(content(dockerfile).as_str()));
    assert_ne!(content(dockerfile), content(&format!("{dockerfile}\n")));
    assert!(
        dockerfile.contains("\nFROM node:") && dockerfile.contains("@anthropic-ai/claude-code")
    );
    assert_eq!(
        plan.command,
        ["claude", "--dangerously-skip-permissions", "do it"]
    );
    assert!(file(&plan, ".claude.json").is_some_and(|text| text.contains("\"/work\": {")));
    assert_eq!(value(&plan, "IS_SANDBOX"), None);

    agent(&mut manifest).prompt = Some("-p".to_owned());
    agent(&mut manifest).workdir = WorkdirMode::Bind;
    bottle(&mut manifest).provider.image = Some("mine".to_owned());
    let mut facts = facts();
    facts.workdir.owner = (0, 0);
    let plan = made(&manifest, &facts).expect("a plan");
    assert_eq!(
        (plan.image.name.as_str(), plan.image.dockerfile),
        ("mine", None)
    );
    assert_eq!(
        plan.command,
        ["claude", "--dangerously-skip-permissions", "--", "-p"]
    );
    assert!(file(&plan, ".claude.json").is_some_and(|text| text.contains("\"/home/me/app\": {")));
    assert_eq!(value(&plan, "IS_SANDBOX"), Some("1"));
}

#[test]
fn without_template_there_is_an_image_and_a_shell() {
    let mut manifest = manifest(Vec::new());
    assert_eq!(
        made(&manifest, &facts()).expect("a plan").command,
        ["/bin/sh"]
    );
    let command = vec!["ls".to_owned(), "-l".to_owned()];
    let plan = Plan::make(&manifest, "a", &facts(), Some(command.clone())).expect("a plan");
    assert_eq!(plan.command, command);
    bottle(&mut manifest).provider.image = None;
    assert_eq!(
        made(&manifest, &facts()).err(),
        Some(vec![
            "bottles.dev.agent_provider.image: is missing; write the image that the agent runs in, or \"template\": \"claude\"".to_owned()
        ])
    );
}

#[test]
fn an_agent_that_is_not_there_is_told_with_those_that_are() {
    let manifest = manifest(Vec::new());
    let errors = Plan::make(&manifest, "b", &facts(), None).expect_err("no b");
    assert_eq!(
        errors[0].to_string(),
        "agents.b: there is no such agent; there are a"
    );
    let errors = Plan::make(&Manifest::default(), "b", &facts(), None).expect_err("no b");
    assert!(
        errors[0]
            .to_string()
            .ends_with("`bottle init` writes an example")
    );
}

#[test]
fn all_that_stands_in_the_way_is_told_at_once() {
    let mut manifest = manifest(vec![Route {
        upstream: Upstream::NpmRegistryOfHost,
        token_ref: TokenRef::File("~/app/key".to_owned()),
        ..route("/npm/", "")
    }]);
    bottle(&mut manifest).provider.image = None;
    bottle(&mut manifest).git_gate = Some(gate("git@x.example:a/b.git"));
    let mut facts = facts();
    facts.workdir.path = PathBuf::from("/home/me");
    let errors = made(&manifest, &facts).expect_err("errors");
    let places: Vec<&str> = errors
        .iter()
        .filter_map(|text| text.split(": ").next())
        .collect();
    assert_eq!(
        places,
        [
            "bottles.dev.cred_proxy.routes[/npm/]",
            "/home/me",
            "bottles.dev.cred_proxy.routes[/npm/]",
            "bottles.dev.git_gate.repos.app.identity",
            "bottles.dev.agent_provider.image",
        ]
    );
}

#[test]
fn people_are_warned() {
    let mut manifest = manifest(vec![Route {
        allow_api_writes: true,
        token_ref: TokenRef::Variable("UNSET".to_owned()),
        ..route("/x/", "http://x.example")
    }]);
    bottle(&mut manifest).env = vec![("TZ".to_owned(), EnvValue::FromHost("TZ".to_owned()))];
    let repository = PathBuf::from("/home/me/app/.bottle/agents.json");
    agent(&mut manifest).origin = AgentOrigin::Repository(repository);
    agent(&mut manifest).prompt = Some("x".to_owned());
    agent(&mut manifest).workdir = WorkdirMode::Bind;
    let mut facts = facts();
    facts.workdir.owner = (0, 0);
    let redirection = Redirection {
        file: PathBuf::from("/home/me/app/.git/config"),
        setting: "core.hooksPath",
        path: PathBuf::from("/home/me/app/.husky"),
    };
    facts.workdir.redirections.push(redirection);
    let plan = made(&manifest, &facts).expect("a plan");
    let expected = [
        "UNSET is unset or empty: set it to the token, or take the route /x/ out; the start stops without it",
        "TZ is unset or empty on the host, and the agent's TZ is copied from it",
        "bottles.dev.cred_proxy.routes[/x/]: API writes are allowed, so content can be written round the git gate",
        "the upstream of /x/ is plain http: the token travels in the clear",
        "the repository brings this agent (/home/me/app/.bottle/agents.json): read its prompt, for it may be anybody's",
        "the bottle has no template, so nothing is told the agent's prompt",
        "git of this host obeys /home/me/app/.husky (core.hooksPath in /home/me/app/.git/config), which the agent can write: read what has changed there before you use git",
        "root owns the work directory, so the agent runs as root, without capabilities",
    ];
    assert_eq!(plan.warnings, expected);
    agent(&mut manifest).workdir = WorkdirMode::Copy;
    let copied = made(&manifest, &facts).expect("a plan");
    assert_eq!(
        copied.warnings,
        expected[..6],
        "a copy's hooks are the agent's own"
    );
    bottle(&mut manifest).provider.template = Some(Template::Claude);
    let plan = made(&manifest, &facts).expect("a plan");
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.starts_with("no route leads to Claude Code's"))
    );
}
