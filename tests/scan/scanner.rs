//! A scanner that did not scan: nothing passes then.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::stage::Stage;

#[test]
fn what_was_not_scanned_does_not_pass() {
    let Some(stage) = Stage::for_test("what was not scanned does not pass") else {
        return;
    };
    stage.commit(&[("clean", "Nothing of note.\n".repeat(50_000).as_bytes())]);
    let said = "echo '1:00AM INF scanned ~5 bytes (5 bytes) in 1ms' >&2";
    for (script, words) in [
        // It reads nothing and is content.
        ("echo '[]'", "it stopped reading."),
        ("exit 0", "it stopped reading."),
        // It reads a part and says so.
        (
            &format!("head -c 5 >/dev/null; {said}; echo '[]'"),
            "stopped reading",
        ),
        (&format!("cat >/dev/null; {said}; echo '[]'"), "read 5 of "),
        // It reads all, and does not say so.
        ("cat >/dev/null; echo '[]'", "does not say what it read"),
        ("cat >/dev/null; echo '[]'; kill -9 $$", "signal: 9"),
        ("cat >/dev/null; echo '[]'; exit 1", "exit status: 1"),
        // An older one.
        (
            "echo 'unknown command \"stdin\"' >&2; exit 1",
            "unknown command",
        ),
        // It ends well, or has found something, and its report is none.
        (&honest("echo oops"), "its report: "),
        (&honest("echo '[{}]'"), "its report: "),
        (&honest("echo null"), "its report: "),
        (&honest("printf ''"), "its report: "),
        (
            &honest("echo '[]'; exit 42"),
            "its exit code and its report differ",
        ),
        (
            &honest("echo '[{\"RuleID\":\"x\",\"StartLine\":9}]'"),
            "exit code and its report differ",
        ),
    ] {
        let path = scanner(&stage, script);
        stage.scanner(&[path.to_str().expect("UTF-8")]);
        let pushed = stage.push(&["main"]);
        pushed.refuses("This push is refused, for it was not scanned: the scanner `");
        pushed.refuses(words);
    }
    stage.scanner(&["/nowhere/scanner"]);
    stage
        .push(&["main"])
        .refuses("the scanner `/nowhere/scanner` (gitleaks 8.30 or later): No such file");
    stage.scanner(&[]);
    stage.push(&["main"]).refuses("no scanner is named");
    // An honest one that finds nothing lets it pass: the reasons above were the only ones.
    let path = scanner(&stage, &honest("echo '[]'"));
    stage.scanner(&[path.to_str().expect("UTF-8")]);
    stage.push(&["main"]).passes();
}

#[test]
fn an_object_that_cannot_be_read_does_not_pass() {
    let Some(stage) = Stage::for_test("an object that cannot be read does not pass") else {
        return;
    };
    let blob = stage.git(&["rev-parse", "HEAD:readme"]);
    for name in [&b""[..], b"x"] {
        // Without a name, or with a mode of which git makes what it likes.
        let mode = if name.is_empty() { "100644" } else { "9" };
        let commit = stage.commit_tree(&stage.tree(mode, name, &blob));
        let pushed = stage.push(&[&format!("{commit}:refs/heads/x")]);
        assert!(!pushed.remote().contains("panicked"), "{}", pushed.remote());
    }
}

#[test]
fn a_hook_of_no_gate_refuses() {
    let Some(mut stage) = Stage::for_test("a hook of no gate refuses") else {
        return;
    };
    stage.commit(&[("clean", b"clean\n")]);
    stage.variable("BOTTLE_GATE_MIRRORS", "/");
    stage
        .push(&["main"])
        .refuses("this is none of the gate's mirrors");
    stage.variable("BOTTLE_GATE_STATE", "/nowhere");
    stage.push(&["main"]).refuses("/nowhere/gate.json: ");
}

/// A scanner that reads all and says how much that was, and then does this.
fn honest(then: &str) -> String {
    let count = "count=$(wc -c)";
    format!("{count}; echo \"1:00AM INF scanned ~$count bytes (x) in 1ms\" >&2; {then}")
}

fn scanner(stage: &Stage, script: &str) -> PathBuf {
    let path = stage.folder().join("scanner");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
    path
}
