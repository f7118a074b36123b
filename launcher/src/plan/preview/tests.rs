use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::manifest::{
    AgentOrigin, Egress, EnvValue, Manifest, Role, Route, Template, TokenRef, WorkdirMode,
};
use crate::plan::HostFacts;
use crate::plan::testing::{facts, gate, manifest, route};

/// Something of everything.
fn full() -> (Manifest, HostFacts) {
    let mut manifest = manifest(vec![
        Route {
            roles: vec![Role::AnthropicBaseUrl],
            ..route("/anthropic/", "https://api.anthropic.com")
        },
        Route {
            roles: vec![Role::GitInsteadOf],
            token_ref: TokenRef::Command(vec![
                "gh".to_owned(),
                "auth".to_owned(),
                "token".to_owned(),
            ]),
            deny: ["POST /user/keys", "PUT /x/**"].map(str::to_owned).to_vec(),
            ..route("/gh/", "https://github.com")
        },
        Route {
            token_ref: TokenRef::File("~/k".to_owned()),
            deny: (0..9).map(|number| format!("GET /{number}")).collect(),
            ..route("/x/", "https://x.example")
        },
        route("/y/", "https://y.example"),
    ]);
    let bottle = manifest.bottles.get_mut("dev").expect("dev");
    bottle.env = vec![
        (
            "EDITOR".to_owned(),
            EnvValue::Literal("literal-value".to_owned()),
        ),
        ("ZONE".to_owned(), EnvValue::FromHost("TZ".to_owned())),
        (
            "OTP".to_owned(),
            EnvValue::Ask("one-time password".to_owned()),
        ),
    ];
    bottle.provider.template = Some(Template::Claude);
    bottle.provider.image = None;
    bottle.git_gate = Some(gate("ssh://git@git.example.org/me/app.git"));
    bottle.egress = Some(Egress {
        allow: vec!["e.example".to_owned()],
        ..Egress::default()
    });
    let agent = manifest.agents.get_mut("a").expect("a");
    agent.prompt = Some("first\n\tsecond \u{1b}[31mred\u{202e}".to_owned());
    agent.workdir = WorkdirMode::Bind;
    agent.origin = AgentOrigin::Repository(PathBuf::from("/home/me/app/.bottle/agents.json"));
    let mut facts = facts();
    facts.variables.insert("TZ".to_owned());
    (manifest, facts)
}

fn plan() -> Plan {
    let (manifest, facts) = full();
    Plan::make(&manifest, "a", &facts, None).expect("a plan")
}

fn preview(plan: &Plan) -> Preview<'_> {
    Preview {
        plan,
        backend: "docker",
        remark: None,
        gate_scanner: Some(Ok("gitleaks 8.30.1")),
    }
}

#[test]
fn people_read_this() {
    let tag = plan().image.name;
    let tag = tag.strip_prefix("bottle-claude:").expect("a tag");
    assert_eq!(
        preview(&plan()).people().replace(tag, "TAG"),
        r#"Agent      a (the repository's /home/me/app/.bottle/agents.json)
Bottle     dev
Backend    docker
Image      bottle-claude:TAG (built if it is missing)
Command    claude --dangerously-skip-permissions 'first\u{a}\u{9}second \u{1b}[31mred\u{202e}'
Work       /home/me/app itself, as 1000:1000
             /home/me/app/.git cannot be moved
             /home/me/app/.git/hooks read-only
             /home/me/app/.bottle empty, read-only
Variables  EDITOR, ZONE, OTP, ANTHROPIC_BASE_URL, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC, ENABLE_TOOL_SEARCH
Files      ~/.gitconfig, ~/.claude.json
Routes     /anthropic/ → https://api.anthropic.com with TOKEN
           /gh/ → https://github.com with command gh auth token
             refuses 2: POST /user/keys, PUT /x/**
           /x/ → https://x.example with file ~/k
             refuses 9: GET /0, GET /1, GET /2, GET /3 and 5 more
           /y/ → https://y.example with TOKEN
Git        git://git-gate/app.git → ssh://git@git.example.org/me/app.git with ~/.ssh/id_ed25519
             takes 2: refs/heads/*, refs/tags/*; not the default branch
Pushes     scanned by gitleaks 8.30.1
Hosts      6: api.anthropic.com, e.example, git.example.org and 3 more
Scanner    none
Prompt, from /home/me/app/.bottle/agents.json:
  | first
  |     second \u{1b}[31mred\u{202e}
Warning: bottles.dev.egress: this version does not serve the forward-proxy face yet; take it out to start this bottle
Warning: the repository brings this agent (/home/me/app/.bottle/agents.json): read its prompt, for it may be anybody's
"#
    );
}

#[test]
fn little_is_shown_shortly() {
    let manifest = manifest(Vec::new());
    let plan = Plan::make(&manifest, "a", &facts(), None).expect("a plan");
    assert_eq!(
        Preview {
            gate_scanner: None,
            ..preview(&plan)
        }
        .people(),
        "Agent      a (/home/me/.config/bottle/manifest.json)\n\
         Bottle     dev\n\
         Backend    docker\n\
         Image      img\n\
         Command    /bin/sh\n\
         Work       a copy of /home/me/app at /work\n\
         Variables  none\n\
         Files      none\n\
         Routes     none\n\
         Git        none\n\
         Hosts      none\n\
         Scanner    none\n"
    );
}

#[test]
fn a_long_word_of_the_command_is_cut_and_a_quote_stays_one() {
    let manifest = manifest(Vec::new());
    let words = ["sh", "-c", "it's", ""].map(str::to_owned).to_vec();
    let at_bound = "x".repeat(crate::limits::PREVIEW_WORD_CHARACTERS);
    let past_bound = format!("{at_bound}y");
    let words = [words, vec![at_bound.clone(), past_bound]].concat();
    let plan = Plan::make(&manifest, "a", &facts(), Some(words)).expect("a plan");
    let text = preview(&plan).people();
    let expected = format!("Command    sh -c 'it'\\''s' '' {at_bound} '{at_bound}…'\n");
    assert!(text.contains(&expected), "{text}");
}

/// Every key, as docs/PLAN.md writes it.
fn keys(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(pairs) if !["routes[].token", "git[].key"].contains(&prefix) => {
            for (key, value) in pairs {
                let dot = if prefix.is_empty() { "" } else { "." };
                keys(&format!("{prefix}{dot}{key}"), value, found);
            }
        }
        Value::Array(items) if prefix != "command" => {
            for item in items {
                keys(&format!("{prefix}[]"), item, found);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            found.insert(prefix.to_owned());
        }
    }
}

#[test]
fn programs_read_the_keys_that_are_promised_and_no_others() {
    let plan = plan();
    let json: Value = serde_json::from_str(&preview(&plan).json()).expect("JSON");
    let mut there = BTreeSet::new();
    keys("", &json, &mut there);
    let page = include_str!("../../../../docs/PLAN.md");
    let cells = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('|').nth(1));
    let promised: BTreeSet<String> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert_eq!(there, promised);
    assert_eq!(
        json["agent"]["prompt"],
        "first\n\tsecond \u{1b}[31mred\u{202e}"
    );
    assert_eq!(json["routes"][1]["token"]["command"][0], "gh");
    assert_eq!(json["routes"][3]["slot"], "CRED_PROXY_TOKEN_0");
    assert_eq!(json["environment"][1]["variable"], "TZ");
}

#[test]
fn no_value_of_a_variable_is_shown_or_written() {
    // What the host's variables are set to is in no fact, so it can be in no plan; that
    // leaves the manifest's own literals, and what stands in for a credential.
    let plan = plan();
    let preview = preview(&plan);
    for text in [
        preview.people(),
        preview.json(),
        plan.routes_json.clone(),
        format!("{plan:?}"),
    ] {
        assert!(!text.contains("literal-value"), "{text}");
    }
    for text in [preview.people(), preview.json(), plan.routes_json.clone()] {
        assert!(!text.contains("placeholder"), "{text}");
        assert!(!text.contains("CLAUDE_CODE_OAUTH_TOKEN"), "{text}");
    }
    for name in ["TOKEN\"", "TZ", "OTP", "gh", "~/k"] {
        let name = format!("\"{name}");
        assert!(!plan.routes_json.contains(&name), "{name}");
    }
}

#[test]
fn without_a_scanner_no_push_is_said_to_be_scanned() {
    let plan = plan();
    let mut preview = preview(&plan);
    preview.gate_scanner = Some(Err("the scanner x is not here"));
    let text = preview.people();
    let expected = "\nPushes     none, for the scanner x is not here\n";
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains("scanned by"), "{text}");
}

#[test]
fn no_line_of_a_prompt_looks_like_one_of_ours() {
    let mut plan = Plan::make(&manifest(Vec::new()), "a", &facts(), None).expect("a plan");
    // A terminal of eighty columns would begin a line with what follows the blanks.
    let blanks = " ".repeat(76);
    plan.prompt = Some(format!(
        "{blanks}Routes     none\nshort\n{}",
        "漢".repeat(40)
    ));
    let text = Preview {
        plan: &plan,
        backend: "docker",
        remark: None,
        gate_scanner: None,
    }
    .people();
    let (_, prompt) = text.split_once("Prompt:\n").expect("a prompt");
    let lines: Vec<&str> = prompt.lines().take(5).collect();
    let expected = [
        format!("  | {}", " ".repeat(72)),
        "  :     Routes     none".to_owned(),
        "  | short".to_owned(),
        format!("  | {}", "漢".repeat(36)),
        format!("  : {}", "漢".repeat(4)),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_backend_without_images_names_none() {
    let plan = plan();
    let text = |backend| {
        let preview = Preview {
            plan: &plan,
            backend,
            remark: None,
            gate_scanner: None,
        };
        preview.people()
    };
    assert!(text("docker").contains(&format!("Image      {}", plan.image.name)));
    assert!(text("local").contains("Image      none: this machine's own programs"));
    assert!(!text("local").contains(&plan.image.name));
}
