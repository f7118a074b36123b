//! What can't be started is told in a sentence, runs nothing, and leaves nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::inventory::{files_below, processes_with};
use harness::{Finished, TOKEN, require};
use serde_json::{Value, json};

use crate::setting::{SYSTEM, Setting, TOKEN_NAME, bearer, each, unused};

/// Fails unless the launcher ended with `code` and one line that has all of `words`, no agent
/// ran, and nothing is left.
fn assert_refused(setting: &Setting, ended: &Finished, code: i32, words: &[&str]) {
    assert_eq!(ended.code(), code, "{ended:#?}");
    let told = |line: &&str| words.iter().all(|word| line.contains(word));
    let sentence = ended.stderr.lines().rfind(told);
    assert!(sentence.is_some(), "{words:?} in one line of {ended:#?}");
    assert_eq!(ended.stderr.lines().last(), sentence, "{ended:#?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
    assert!(!ended.stderr.contains(TOKEN), "{ended:#?}");
    assert_eq!(ended.stdout, "", "an agent ran");
    assert!(!setting.user.path("work/ran").exists(), "an agent ran");
    let left = files_below(&setting.user.work());
    assert!(left.is_empty(), "{left:?}");
    let states = fs::read_dir(setting.user.path("state/bottle"));
    assert_eq!(states.into_iter().flatten().count(), 0, "the state");
}

/// What would show that an agent ran.
const RUN: [&str; 3] = ["sh", "-c", "touch ran; echo ran"];

/// A folder with these programs of the system's and no other.
fn programs(setting: &mut Setting, names: &[&str]) {
    setting.user.make_folder("bin".as_ref());
    for name in names {
        let program = require::find(name).expect("a program");
        let link = setting.user.path("bin").join(name);
        std::os::unix::fs::symlink(program, link).expect("a link");
    }
    let path = setting.user.path("bin").display().to_string();
    setting.user.export("PATH", path);
}

/// A `bwrap` that is this script.
fn fake(setting: &mut Setting, script: &str) {
    setting
        .user
        .write("bin/bwrap", &format!("#!/bin/sh\n{script}\n"));
    let file = setting.user.path("bin/bwrap");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
    let path = format!("{}:{SYSTEM}", setting.user.path("bin").display());
    setting.user.export("PATH", path);
}

#[test]
fn without_bubblewrap_nothing_starts() {
    each("local: no bubblewrap", |setting| {
        setting.manifest(&[unused()], "bind");
        programs(setting, &["sh", "setpriv", "git", "npm"]);
        let ended = setting.user.agent_does(&RUN);
        assert_refused(setting, &ended, 1, &["bubblewrap", "install"]);
    });
}

#[test]
fn a_bubblewrap_that_is_too_old_is_refused() {
    each("local: an old bubblewrap", |setting| {
        setting.manifest(&[unused()], "bind");
        fake(
            setting,
            "test \"$1\" = --version && echo bubblewrap 0.7.0 || touch ran",
        );
        let ended = setting.user.agent_does(&RUN);
        assert_refused(setting, &ended, 1, &["bubblewrap 0.8", "0.7", "install"]);
    });
}

#[test]
fn a_bubblewrap_that_makes_no_sandbox_is_believed() {
    each("local: a bubblewrap that fails", |setting| {
        setting.manifest(&[unused()], "bind");
        fake(
            setting,
            "test \"$1\" = --version && exec echo bubblewrap 0.11.0
            echo 'bwrap: No permissions to create new namespace, likely because the kernel' >&2
            exit 1",
        );
        let ended = setting.user.agent_does(&RUN);
        assert_refused(
            setting,
            &ended,
            1,
            &["namespaces", "No permissions to create"],
        );
    });
}

/// One that leaves out what it is asked for: the helper sees it.
#[test]
fn a_sandbox_that_is_none_is_noticed() {
    each("local: a sandbox that is none", |setting| {
        setting.manifest(&[unused()], "bind");
        let inside = setting.user.launcher().last().expect("a program").clone();
        let script = format!(
            "test \"$1\" = --version && exec echo bubblewrap 0.11.0
            while test \"$1\" != --; do shift; done; shift; shift
            exec '{inside}' \"$@\""
        );
        fake(setting, &script);
        let ended = setting.user.agent_does(&RUN);
        assert_refused(setting, &ended, 1, &["the sandbox shares"]);
    });
}

#[test]
fn without_user_namespaces_nothing_starts() {
    let test = "local: no user namespaces";
    each(test, |setting| {
        if require::program(test, "unshare").is_none() {
            return;
        }
        setting.manifest(&[unused()], "bind");
        // In a namespace of our own, which has a limit of its own; never on this machine.
        let limit = "echo 0 >/proc/sys/user/max_user_namespaces || exit 99; exec \"$@\"";
        let launcher = setting.user.launcher().last().expect("a program").clone();
        let mut words = vec![
            "unshare",
            "--user",
            "--map-root-user",
            "sh",
            "-c",
            limit,
            "sh",
        ];
        words.push(&launcher);
        if setting.user.launcher().len() > 1 {
            let another = setting
                .user
                .launcher()
                .split_last()
                .expect("words")
                .1
                .to_vec();
            let another = another.iter().map(String::as_str);
            let all: Vec<&str> = another.chain(words.iter().copied()).collect();
            setting.user.launch_by(&all);
        } else {
            setting.user.launch_by(&words);
        }
        let ended = setting.user.agent_does(&RUN);
        assert_refused(setting, &ended, 1, &["user.max_user_namespaces"]);
    });
}

#[test]
fn what_a_manifest_lacks_is_named() {
    each("local: lacking", |setting| {
        setting.manifest(&[unused()], "bind");
        let agent = setting.user.agent().to_owned();
        let unasked = setting.user.run(&["start", &agent, "--", "touch", "ran"]);
        assert_refused(setting, &unasked, 2, &["--yes"]);
        let nowhere = [
            "start",
            &agent,
            "--yes",
            "--engine",
            "/nowhere/cred-proxy",
            "--",
            "touch",
            "ran",
        ];
        let ended = setting.user.run(&nowhere);
        assert_refused(setting, &ended, 1, &["/nowhere/cred-proxy"]);
        setting.user.export(TOKEN_NAME, "");
        let ended = setting.user.agent_does(&RUN);
        assert_refused(setting, &ended, 1, &[TOKEN_NAME, "/api/"]);
    });
}

#[test]
fn a_dry_run_creates_nothing() {
    each("local: dry run", |setting| {
        let proof = setting.user.path("proof").display().to_string();
        let mut by_command = bearer("/command/", "https://127.0.0.1:9");
        by_command["token_ref"] = json!({ "command": ["touch", proof] });
        let mut unset = bearer("/unset/", "https://127.0.0.1:9");
        unset["token_ref"] = "NOT_SET".into();
        let routes = json!([unused(), by_command, unset]);
        let bottle = json!({ "cred_proxy": { "routes": routes }, "env": { "ASKED": "?code" } });
        setting.manifest_of(bottle, "bind");
        let agent = setting.user.agent().to_owned();
        let mark = format!("DRY_RUN_MARK={agent}");
        setting.user.export("DRY_RUN_MARK", agent.clone());
        let look = || (files_below(setting.user.folder()), processes_with(&mark));
        let before = look();
        let start = ["start", &agent, "--dry-run"];
        let people = setting.user.run(&start);
        let programs = setting
            .user
            .run(&[&start[..], &["--format", "json"]].concat());
        assert_eq!(before, look());
        assert_eq!(
            (people.code(), programs.code()),
            (0, 0),
            "{people:#?} {programs:#?}"
        );
        assert_eq!(people.stdout, "", "{people:#?}");
        assert!(people.stderr.contains("NOT_SET"), "{people:#?}");
        assert!(people.stderr.contains("Backend    local\n"), "{people:#?}");
        let plan: Value = serde_json::from_str(&programs.stdout).expect("JSON");
        assert_eq!(plan["agent"]["name"], agent);
        assert!(!programs.stdout.contains(TOKEN) && !people.stderr.contains(TOKEN));
    });
}
