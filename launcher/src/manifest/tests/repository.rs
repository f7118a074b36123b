//! The two files together, and what needs none: who may bring what.

use super::{Folder, load};
use crate::manifest::{AgentOrigin, Role, Sources, Template, TokenRef, WorkdirMode};
use std::fs;
use std::os::unix::fs::symlink;

const HOME: &str = r#"{"bottles": {"dev": {}}, "agents": {"implementer": {"bottle": "dev"}}}"#;

fn with_repository(text: &str) -> Result<crate::manifest::Manifest, Vec<String>> {
    Folder::new().load(Some(HOME), Some(text), &[])
}

#[test]
fn a_repository_brings_agents_for_bottles_of_the_home_manifest() {
    let text = r#"{"$schema": "x", "agents": {"reviewer": {"bottle": "dev", "prompt": "Read.", "workdir": "none"}}}"#;
    let folder = Folder::new();
    let manifest = folder.load(Some(HOME), Some(text), &[]).expect("right");
    let agent = &manifest.agents["reviewer"];
    assert_eq!(agent.bottle, "dev");
    assert_eq!(agent.prompt.as_deref(), Some("Read."));
    assert_eq!(agent.workdir, WorkdirMode::None);
    let file = folder.0.path().join("r.json");
    assert_eq!(agent.origin, AgentOrigin::Repository(file));
    let file = folder.0.path().join("m.json");
    assert_eq!(
        manifest.agents["implementer"].origin,
        AgentOrigin::Home(file)
    );
}

#[test]
fn a_repository_brings_nothing_else() {
    for (text, expected) in [
        (
            r#"{"bottles": {}}"#,
            "r.json: bottles: is not for a repository: a bottle says which token goes to which host, and a clone could send yours to a host of its own; write it in the home manifest",
        ),
        (
            r#"{"agents": {"implementer": {"bottle": "dev"}}}"#,
            "r.json: agents.implementer: is an agent of the home manifest, and a repository may not stand in for it; write another name",
        ),
        (
            r#"{"agents": {"claude": {"bottle": "dev"}}}"#,
            "r.json: agents.claude: is a built-in agent, and a repository may not stand in for it; write another name",
        ),
        (
            r#"{"agents": {"x": {"bottle": "evil"}}}"#,
            "r.json: agents.x.bottle: is no bottle of the home manifest; there are dev",
        ),
        (
            r#"{"agents": {"x": {"bottle": "built-in claude"}}}"#,
            "r.json: agents.x.bottle: is no bottle of the home manifest; there are dev",
        ),
        (
            r#"{"agents": {"x": {"bottle": "dev", "env": {"A": "b"}}}}"#,
            "r.json: agents.x.env: is no key here; there are bottle, prompt, workdir",
        ),
        (
            r#"{"bottle": {}}"#,
            "r.json: bottle: is no key here; there are $schema, agents",
        ),
    ] {
        assert_eq!(with_repository(text).err(), Some(vec![expected.to_owned()]));
    }
}

#[test]
fn the_problems_of_both_files_are_told_together() {
    let folder = Folder::new();
    let home = r#"{"bottles": {"dev": {"env": 1}}}"#;
    let repository = r#"{"agents": {"x": {"bottle": "dev", "workdir": 1}}}"#;
    let problems = folder
        .load(Some(home), Some(repository), &[])
        .expect_err("wrong");
    let expected = [
        "m.json: bottles.dev.env: is a number; write an object, { … }",
        "r.json: agents.x.workdir: is a number; write a string, \"…\"",
    ];
    assert_eq!(problems, expected, "a broken bottle is there all the same");
}

#[test]
fn a_link_in_a_repository_is_not_followed() {
    let folder = Folder::new();
    let path = folder.0.path();
    fs::write(path.join("elsewhere"), "{}").expect("written");
    symlink(path.join("elsewhere"), path.join("r.json")).expect("linked");
    let sources = Sources {
        home: None,
        repository: Some(path.join("r.json")),
    };
    let problems = folder.load_from(&sources, &|_| None).expect_err("a link");
    let expected = "r.json: is no plain file; write the agents into a file of that name";
    assert_eq!(problems, [expected]);
}

#[test]
fn a_manifest_that_is_no_file_is_told() {
    let folder = Folder::new();
    let load = |name: &str| {
        let sources = Sources {
            home: Some(folder.0.path().join(name)),
            repository: None,
        };
        folder.load_from(&sources, &|_| None).expect_err(name)
    };
    let gone = load("gone.json");
    assert!(
        gone[0].starts_with("gone.json: cannot be read: No such file"),
        "{gone:?}"
    );
    assert!(
        gone[0].ends_with("; `bottle init` writes an example"),
        "{gone:?}"
    );
    fs::create_dir(folder.0.path().join("d")).expect("made");
    assert_eq!(load("d"), ["d: is no file; name the manifest itself"]);
}

#[test]
fn claude_needs_no_manifest() {
    for (variables, token) in [
        (&[][..], None),
        (&[("CLAUDE_CODE_OAUTH_TOKEN", "")][..], None),
        (
            &[("ANTHROPIC_API_KEY", "k")][..],
            Some(("ANTHROPIC_API_KEY", None, Some("x-api-key"))),
        ),
        (
            &[("ANTHROPIC_API_KEY", "k"), ("CLAUDE_CODE_OAUTH_TOKEN", "t")][..],
            Some(("CLAUDE_CODE_OAUTH_TOKEN", Some("Bearer"), None)),
        ),
    ] {
        let manifest = Folder::new()
            .load(None, None, variables)
            .expect("nothing to be wrong");
        let agent = &manifest.agents["claude"];
        assert_eq!(agent.origin, AgentOrigin::BuiltIn);
        assert_eq!(agent.workdir, WorkdirMode::Bind);
        let bottle = &manifest.bottles[&agent.bottle];
        assert_eq!(bottle.provider.template, Some(Template::Claude));
        let found = bottle.routes.first().map(|route| {
            assert_eq!(route.path, "/anthropic/");
            assert_eq!(route.roles, [Role::AnthropicBaseUrl]);
            let TokenRef::Variable(name) = &route.token_ref else {
                panic!("a variable");
            };
            (
                name.as_str(),
                route.auth_scheme.as_deref(),
                route.auth_header.as_deref(),
            )
        });
        assert_eq!(found, token, "{variables:?}");
        assert!(bottle.routes.len() <= 1);
    }
}

#[test]
fn the_user_may_have_a_claude_of_their_own() {
    let text = r#"{"bottles": {"mine": {}}, "agents": {"claude": {"bottle": "mine"}}}"#;
    let manifest = load(text).expect("right");
    assert_eq!(manifest.agents["claude"].bottle, "mine");
    assert_eq!(
        manifest.bottles.len(),
        1,
        "the built-in bottle is not needed"
    );
}

#[test]
fn what_is_not_written_has_its_default() {
    let manifest = load(HOME).expect("right");
    assert_eq!(manifest.agents["implementer"].workdir, WorkdirMode::Copy);
    let bottle = &manifest.bottles["dev"];
    assert!(bottle.routes.is_empty() && bottle.env.is_empty());
    assert!(bottle.egress.is_none() && bottle.git_gate.is_none());
}
