//! What no git client asks for: commands written by hand.

use std::io::Write as _;
use std::process::Stdio;

use crate::setting::{Pushed, Setting};

const ZERO: &str = "0000000000000000000000000000000000000000";

/// Says these commands to receive-pack as a client would, with a pack of nothing.
fn say(setting: &Setting, commands: &[(&str, &str, &str)], capabilities: &str) -> Pushed {
    let mut receive = setting.agents("git");
    receive.args(["receive-pack", "../mirrors/app.git"]);
    let mut octets = Vec::new();
    for (at, (old, new, name)) in commands.iter().enumerate() {
        let mut line = format!("{old} {new} {name}");
        if at == 0 {
            line += &format!("\0 report-status {capabilities}");
        }
        write!(octets, "{:04x}{line}", line.len() + 4).expect("memory");
    }
    octets.extend_from_slice(b"0000");
    if commands.iter().any(|(_, new, _)| *new != ZERO) {
        let mut pack = setting.agents("git");
        let pack = pack
            .args(["pack-objects", "--stdout", "--quiet"])
            .output()
            .expect("git");
        octets.extend_from_slice(&pack.stdout);
    }
    receive
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = receive.spawn().expect("git");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&octets)
        .expect("it reads");
    Pushed::told(&child.wait_with_output().expect("git"))
}

#[test]
fn a_name_that_is_none_goes_nowhere() {
    let setting = Setting::with("allow", vec!["*"]);
    let main = setting.git(&["rev-parse", "main"]);
    let before = crate::setting::refs(&setting.upstream());
    for name in [
        "refs/heads/*",
        "refs/heads/a:refs/heads/main",
        "refs/heads/a..b",
        "refs/heads/../../config",
        "refs/heads/.a",
        "refs/heads/a.lock",
        "refs/heads/\u{1b}[1m",
        "refs/one",
        "refs/",
        "refs",
    ] {
        say(&setting, &[(ZERO, &main, name)], "").says("this is no name of a ref");
    }
    // Of these no hook is asked, and an answer about a name with a space can't be written down:
    // receive-pack refuses them itself.
    for name in [
        "HEAD",
        "-f",
        "--receive-pack=x",
        "config",
        "heads/a",
        "refs/heads/a b",
    ] {
        say(&setting, &[(ZERO, &main, name)], "").says(&format!("ng {name} "));
    }
    assert_eq!(crate::setting::refs(&setting.upstream()), before);
    setting.are_equal();
}

#[test]
fn a_ref_named_twice_is_not_guessed() {
    let setting = Setting::new();
    let main = setting.git(&["rev-parse", "main"]);
    let other = setting.commit("a", "1");
    setting.arrives(&["HEAD:refs/heads/a"]);
    let twice = [
        (ZERO, &*main, "refs/heads/b"),
        (ZERO, &*other, "refs/heads/b"),
    ];
    say(&setting, &twice, "").says("ng refs/heads/b ");
    assert_eq!(setting.at_upstream("refs/heads/b"), None);
    setting.are_equal();
}

#[test]
fn a_forged_old_value_is_told_to_fetch() {
    let setting = Setting::with("force", true).and("delete", true);
    let main = setting.git(&["rev-parse", "main"]);
    let topic = setting.commit("a", "1");
    setting.arrives(&["HEAD:refs/heads/topic"]);
    for (old, new) in [
        (&*main, &*main),
        (ZERO, &*main),
        (&*main, ZERO),
        (ZERO, ZERO),
    ] {
        say(&setting, &[(old, new, "refs/heads/topic")], "")
            .says("ng refs/heads/topic fetch first");
    }
    say(&setting, &[(&main, &topic, "refs/heads/new")], "").says("ng refs/heads/new fetch first");
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(topic));
    assert_eq!(setting.at_upstream("refs/heads/new"), None);
    setting.are_equal();
}

#[test]
fn what_is_not_there_is_not_deleted() {
    let setting = Setting::with("delete", true);
    let told = say(&setting, &[(ZERO, ZERO, "refs/heads/none")], "");
    told.says("ng refs/heads/none there is no such ref to delete");
    setting.are_equal();
}

#[test]
fn more_refs_than_fit_are_refused_with_a_sentence() {
    let setting = Setting::new();
    let main = setting.git(&["rev-parse", "main"]);
    let names: Vec<String> = (0..4000)
        .map(|number| format!("refs/heads/b{number}"))
        .collect();
    let commands: Vec<_> = names.iter().map(|name| (ZERO, &*main, &**name)).collect();
    say(&setting, &commands, "").says("too many refs at once: push some of them first");
    assert_eq!(setting.at_upstream("refs/heads/b0"), None);
    setting.are_equal();
}

#[test]
fn a_tree_in_disorder_hides_nothing() {
    let setting = Setting::new();
    let blob = setting.git(&["rev-parse", "main:readme"]);
    // git looks for an entry where it should stand; a forge may find it wherever it does.
    for names in [["z", ".gitlab-ci.yml"], ["readme", "readme"]] {
        let commit = setting.commit_of_entries(&names, &blob);
        let push = format!("{commit}:refs/heads/topic");
        setting.is_refused(&[&push], "unpacker error");
    }
}
