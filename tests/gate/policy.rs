//! The policy of refs, from a client's command to the upstream's refs: each refusal names the
//! key of the manifest that would allow it, and that key does.

use harness::gate::Gate;
use serde_json::{Value, json};

use crate::setting::{Setting, assert_nothing_of_the_network};

/// Starts the gate anew with another policy.
fn allow(mut setting: Setting, changes: &[(&str, Value)]) -> Setting {
    let (mut files, _) = setting.gate.stop();
    for (key, value) in changes {
        files.policy("app")[key] = value.clone();
    }
    setting.gate = Gate::start(files);
    setting.agent.follow(&setting.gate);
    setting
}

fn key(name: &str) -> String {
    format!("git_gate.repos.app.{name}")
}

#[test]
fn each_refusal_names_the_key_that_would_allow_it() {
    let test = "each refusal names the key that would allow it";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    setting.upstream.git(&["tag", "v1", "main"]);
    setting.clone("app");
    setting.agent.commit("app", "First", "file", b"1\n");
    setting.must_push("app", &["app"]);
    setting.agent.commit("app", "Second", "file", b"2\n");
    setting.agent.must("app", &["branch", "second"]);
    setting
        .agent
        .must("app", &["reset", "--quiet", "--hard", "HEAD~1"]);
    let amend = ["commit", "--quiet", "--amend", "--message=Other"];
    setting.agent.must("app", &amend);
    setting
        .agent
        .commit("app", "CI", ".github/workflows/ci.yml", b"on: push\n");
    setting.agent.must("app", &["branch", "ci"]);
    setting
        .agent
        .must("app", &["reset", "--quiet", "--hard", "HEAD~1"]);

    let cases: [(&str, &[&str]); 7] = [
        ("allow", &["second:refs/notes/n"]),
        ("allow", &["second:refs/pull/1/head"]),
        ("protect_default", &["second:refs/heads/main"]),
        ("force", &["--force", "app"]),
        ("force", &["--force", "second:refs/tags/v1"]),
        ("delete", &[":refs/heads/app"]),
        ("ci", &["ci:refs/heads/ci"]),
    ];
    for (name, refs) in cases {
        let key = key(name);
        let said = setting.must_refuse("app", refs, &[&key]);
        assert_nothing_of_the_network(&said);
    }
    // The default cannot be deleted either, and says so by either key.
    let said = setting.must_refuse("app", &[":refs/heads/main"], &[]);
    assert!(said.contains(&key("protect_default")) || said.contains(&key("delete")));
    setting.must_refuse("app", &[":refs/tags/v1"], &[&key("delete")]);

    // One that may and one that may not: without atomicity the one lands.
    let pushed = setting.push("app", &["second:refs/heads/fine", "second:refs/heads/main"]);
    assert_eq!(pushed.code(), 1, "{pushed:?}");
    assert!(
        pushed.stderr.contains(&key("protect_default")),
        "{pushed:?}"
    );
    assert!(
        setting.upstream.value("refs/heads/fine").is_some(),
        "{pushed:?}"
    );
    setting.assert_equal();
    // With it, neither.
    let refs = [
        "--atomic",
        "second:refs/heads/more",
        "second:refs/heads/main",
    ];
    setting.must_refuse("app", &refs, &[&key("protect_default")]);

    let setting = allow(
        setting,
        &[
            ("allow", json!(["refs/*"])),
            ("protect_default", json!(false)),
            ("force", json!(true)),
            ("delete", json!(true)),
            ("ci", json!(true)),
        ],
    );
    for (_, refs) in cases {
        setting.must_push("app", refs);
    }
    let refs = setting.upstream.refs();
    assert!(!refs.contains_key("refs/heads/app"), "{refs:?}");
    for name in ["refs/notes/n", "refs/heads/ci"] {
        assert!(refs.contains_key(name), "{refs:?}");
    }
    assert_eq!(refs["refs/heads/main"], refs["refs/tags/v1"]);
}

#[test]
fn what_ci_runs_changes_by_whatever_name_upstream_has_it_already() {
    let test = "what CI runs changes by whatever name upstream has it already";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    setting.clone("app");
    setting.agent.commit("app", "First", "file", b"1\n");
    setting.must_push("app", &["app"]);
    let files = [
        ".github/workflows/a.yml",
        ".gitea/workflows/a.yml",
        ".forgejo/a",
        ".gitlab-ci.yml",
    ];
    for file in files {
        setting.agent.commit("app", "CI", file, b"steps\n");
        setting.must_refuse("app", &["app"], &[&key("ci")]);
        // Undone, it was there in between: whoever names that commit has it run.
        setting.agent.must("app", &["rm", "--quiet", file]);
        setting
            .agent
            .must("app", &["commit", "--quiet", "--message=Undo"]);
        setting.must_refuse("app", &["app"], &[&key("ci")]);
        setting
            .agent
            .must("app", &["reset", "--quiet", "--hard", "HEAD~2"]);
    }
    // What upstream itself has changed may be merged.
    let change: [(&str, &[u8]); 1] = [(".github/workflows/a.yml", b"theirs\n")];
    setting.upstream.commit("main", "Theirs", &change);
    setting.agent.must("app", &["fetch", "--quiet"]);
    let merge = [
        "merge",
        "--quiet",
        "--no-ff",
        "--message=Merge",
        "origin/main",
    ];
    setting.agent.must("app", &merge);
    setting.must_push("app", &["app"]);
    // A merge that changes it on its way may not.
    setting
        .upstream
        .commit("main", "More", &[("other", b"o\n")]);
    setting.agent.must("app", &["fetch", "--quiet"]);
    let merge = ["merge", "--quiet", "--no-ff", "--no-commit", "origin/main"];
    setting.agent.must("app", &merge);
    setting
        .agent
        .commit("app", "Merge", ".github/workflows/a.yml", b"ours\n");
    setting.must_refuse("app", &["app"], &[&key("ci")]);
    setting.assert_equal();
}

#[test]
fn a_push_is_as_large_as_it_may_be() {
    let test = "a push is as large as it may be";
    let Some(setting) = Setting::with(test, |files| {
        files.scan_for_nothing();
        files.policy("app")["max_push_mib"] = 1.into();
    }) else {
        return;
    };
    setting.clone("app");
    // What chance makes cannot be compressed.
    let octets = |count: usize| {
        let mut state = 1_u64;
        let octet = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        (0..count).map(octet).collect::<Vec<u8>>()
    };
    setting
        .agent
        .commit("app", "Large", "large", &octets(1_100_000));
    setting.must_refuse("app", &["app"], &[&key("max_push_mib")]);
    setting
        .agent
        .must("app", &["reset", "--quiet", "--hard", "HEAD~1"]);
    setting
        .agent
        .commit("app", "Less", "large", &octets(900_000));
    setting.must_push("app", &["app"]);
    setting.assert_equal();
}

#[test]
fn a_permitted_force_does_not_undo_what_the_gate_has_not_seen() {
    let test = "a permitted force does not undo what the gate has not seen";
    let Some(setting) = Setting::with(test, |files| {
        files.scan_for_nothing();
        let policy = files.policy("app");
        policy["force"] = true.into();
        policy["delete"] = true.into();
    }) else {
        return;
    };
    setting.clone("app");
    setting.agent.commit("app", "First", "file", b"1\n");
    setting.must_push("app", &["app"]);
    let amend = ["commit", "--quiet", "--amend", "--message=Other"];
    setting.agent.must("app", &amend);
    let theirs = setting
        .upstream
        .commit("app", "Theirs", &[("theirs", b"t\n")]);
    for refs in [&["--force", "app"][..], &[":refs/heads/app"]] {
        let pushed = setting.push("app", refs);
        assert_eq!(pushed.code(), 1, "{refs:?}: {pushed:?}");
        let kept = setting.upstream.value("refs/heads/app");
        assert_eq!(kept.as_ref(), Some(&theirs), "{refs:?}: {pushed:?}");
    }
    // Once it is seen, it is the agent's to replace.
    setting.agent.must("app", &["fetch", "--quiet"]);
    setting.must_push("app", &["--force", "app"]);
    let tip = setting.agent.must("app", &["rev-parse", "HEAD"]);
    let landed = setting.upstream.value("refs/heads/app");
    assert_eq!(landed.as_deref(), Some(tip.trim()));
    setting.must_push("app", &[":refs/heads/app"]);
    assert_eq!(setting.upstream.value("refs/heads/app"), None);
    setting.assert_equal();
}
