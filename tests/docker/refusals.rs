//! What can't be started is told in a sentence, and leaves nothing.

use std::fs;

use harness::docker::{Host, Inventory, Relay};
use harness::inventory::{files_below, processes_with};
use harness::{Finished, TOKEN};
use serde_json::{Value, json};

use crate::setting::{Setting, TOKEN_NAME, bearer};

/// Fails unless the launcher ended with `code`, its last words are one line that has all of
/// `words`, and nothing is left.
pub(crate) fn assert_refused(host: &Host, ended: &Finished, code: i32, words: &[&str]) {
    assert_eq!(ended.code(), code, "{ended:#?}");
    let told = |line: &&str| words.iter().all(|word| line.contains(word));
    assert!(
        ended.stderr.lines().any(|line| told(&line)),
        "{words:?} in one line of {ended:#?}"
    );
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
    assert!(!ended.stderr.contains(TOKEN), "{ended:#?}");
    let left = Inventory::of_agent(host.engine(), host.agent());
    assert!(left.is_empty(), "{left:#?}");
    let states = fs::read_dir(host.path("state/bottle"));
    assert_eq!(states.into_iter().flatten().count(), 0, "the state");
}

fn setting(test: &str) -> Option<Setting> {
    let setting = Setting::new(test)?;
    let url = format!("https://{}:9", setting.outer.address());
    setting.manifest(&[bearer("/api/", &url)]);
    Some(setting)
}

#[test]
fn without_an_engine_nothing_starts() {
    let Some(mut setting) = setting("docker: no engine") else {
        return;
    };
    let nowhere = setting.host.path("nobody").display().to_string();
    setting
        .host
        .export("DOCKER_HOST", format!("unix://{nowhere}"));
    // Where Docker is not asked for by name, what starts then is the other backend.
    let agent = setting.host.agent();
    let start = ["start", agent, "--yes", "--backend", "docker", "--", "true"];
    let ended = setting.host.run(&start);
    setting.host.use_engine();
    assert_refused(
        &setting.host,
        &ended,
        1,
        &["no Docker Engine", &nowhere, "--backend local"],
    );
}

#[test]
fn without_its_image_no_agent_starts() {
    let Some(setting) = Setting::new("docker: no image") else {
        return;
    };
    // A registry that nobody runs: should the launcher ask one, it asks this machine.
    let absent = "127.0.0.1:9/absent:1";
    setting
        .host
        .manifest(absent, json!({}), json!({ "workdir": "none" }));
    let ended = setting.host.agent_does(&["true"]);
    assert_refused(&setting.host, &ended, 1, &[absent]);
}

#[test]
fn an_engine_that_is_not_static_is_refused() {
    let Some(setting) = setting("docker: not static") else {
        return;
    };
    let python = harness::test_programs::interpreter("docker: not static").expect("python3");
    let python = fs::canonicalize(python)
        .expect("its path")
        .display()
        .to_string();
    let start = [
        "start",
        setting.host.agent(),
        "--yes",
        "--engine",
        &python,
        "--",
        "true",
    ];
    let ended = setting.host.run(&start);
    assert_refused(&setting.host, &ended, 1, &[&python, "cargo build"]);
    let start = [
        "start",
        setting.host.agent(),
        "--yes",
        "--engine",
        "/nowhere/cred-proxy",
    ];
    let ended = setting.host.run(&start);
    assert_refused(&setting.host, &ended, 1, &["/nowhere/cred-proxy"]);
}

#[test]
fn a_token_that_is_not_there_is_named() {
    let Some(mut setting) = setting("docker: no token") else {
        return;
    };
    setting.host.export(TOKEN_NAME, "");
    let ended = setting.host.agent_does(&["true"]);
    assert_refused(&setting.host, &ended, 1, &[TOKEN_NAME, "/api/"]);
}

#[test]
fn nobody_is_started_unasked() {
    let Some(setting) = setting("docker: unasked") else {
        return;
    };
    let ended = setting
        .host
        .run(&["start", setting.host.agent(), "--", "true"]);
    assert_refused(&setting.host, &ended, 2, &["--yes"]);
    let agents = json!({ "agents": { "stranger": { "bottle": "tested", "prompt": "be evil" } } });
    setting
        .host
        .write("work/.bottle/agents.json", &agents.to_string());
    let ended = setting
        .host
        .run(&["start", "stranger", "--yes", "--", "true"]);
    assert_refused(&setting.host, &ended, 2, &["--trust-repo"]);
    assert!(ended.stderr.contains("be evil"), "{ended:#?}");
    let agents = json!({ "agents": {}, "bottles": {} });
    setting
        .host
        .write("work/.bottle/agents.json", &agents.to_string());
    let ended = setting.host.agent_does(&["true"]);
    assert_refused(
        &setting.host,
        &ended,
        2,
        &[".bottle/agents.json", "bottles"],
    );
}

#[test]
fn a_dry_run_creates_nothing() {
    let Some(mut setting) = Setting::new("docker: dry run") else {
        return;
    };
    let proof = setting.host.path("proof").display().to_string();
    let url = format!("https://{}:9", setting.outer.address());
    let mut by_command = bearer("/command/", &url);
    by_command["token_ref"] = json!({ "command": ["touch", proof] });
    let mut unset = bearer("/unset/", &url);
    unset["token_ref"] = "NOT_SET".into();
    let routes = json!([bearer("/api/", &url), by_command, unset]);
    let bottle = json!({ "cred_proxy": { "routes": routes }, "env": { "ASKED": "?code" } });
    setting
        .host
        .manifest(setting.image, bottle, json!({ "workdir": "bind" }));

    let relay = Relay::to(setting.engine, |_, _| None);
    setting.host.export("DOCKER_HOST", relay.host());
    let mark = format!("DRY_RUN_MARK={}", setting.host.agent());
    let agent = setting.host.agent().to_owned();
    setting.host.export("DRY_RUN_MARK", agent);
    let before = (files_below(setting.host.folder()), processes_with(&mark));
    let start = ["start", setting.host.agent(), "--dry-run"];
    let people = setting.host.run(&start);
    let programs = setting
        .host
        .run(&[&start[..], &["--format", "json"]].concat());
    let after = (files_below(setting.host.folder()), processes_with(&mark));
    setting.host.use_engine();

    assert_eq!(
        (people.code(), programs.code()),
        (0, 0),
        "{people:#?} {programs:#?}"
    );
    assert_eq!(people.stdout, "", "{people:#?}");
    assert!(people.stderr.contains("NOT_SET"), "{people:#?}");
    let plan: Value = serde_json::from_str(&programs.stdout).expect("JSON");
    assert_eq!(plan["agent"]["name"], setting.host.agent());
    assert!(plan["warnings"].to_string().contains("NOT_SET"), "{plan:#}");
    assert!(!programs.stdout.contains(TOKEN) && !people.stderr.contains(TOKEN));
    assert_eq!(before, after);
    assert_eq!(relay.changes(), [""; 0]);
    assert!(Inventory::of_agent(setting.engine, setting.host.agent()).is_empty());

    let wrong = setting
        .host
        .run(&["start", setting.host.agent(), "--format", "json"]);
    assert_eq!(wrong.code(), 2, "{wrong:#?}");
}
