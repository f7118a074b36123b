//! Who the upstream is, and who the gate is to it: one pinned host key, one key of its own.

use std::fs;
use std::path::Path;

use harness::gate::{Gate, GateFiles, Opening};
use harness::sshd::make_key;

use crate::setting::Setting;

#[test]
fn a_host_that_shows_another_key_is_refused() {
    let Some(setting) = Setting::new("a host that shows another key is refused") else {
        return;
    };
    setting.clone("app");
    setting.agent.commit("app", "Clean", "file", b"clean\n");
    setting.sshd.show_another_key();
    let before = setting.sshd.commands();
    let fetched = setting.agent.run("app", &["fetch"]);
    assert!(!fetched.status.success(), "{fetched:?}");
    let said = fetched.stderr.to_lowercase();
    assert!(said.contains("host key"), "{said}");
    let said = setting.must_refuse("app", &["app"], &[]);
    assert!(said.to_lowercase().contains("host key"), "{said}");
    assert_eq!(setting.sshd.commands(), before, "nobody was let in");
}

/// A gate that must not start, and what it says.
#[track_caller]
fn start_fails(files: GateFiles, words: &[&str]) -> GateFiles {
    let (files, finished) = Gate::fail_to_start(files);
    assert_eq!(finished.code(), 1, "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    let said = finished.stderr.to_lowercase();
    for word in words {
        assert!(said.contains(word), "no {word:?} in {finished:?}");
    }
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert!(lines.len() <= 2, "not a sentence: {lines:#?}");
    files
}

#[test]
fn no_start_without_a_host_key_and_a_key_that_opens() {
    let test = "no start without a host key and a key that opens";
    let Some((sshd, upstream, mut files)) = Setting::parts(test) else {
        return;
    };
    files.scan_for_nothing();
    let url = sshd.url(&upstream);
    let (right, wrong) = (
        sshd.known_hosts(&sshd.host_key()),
        sshd.known_hosts(&sshd.other_host_key()),
    );
    let locked = files.folder().join("locked");
    make_key(&locked, "correct horse");
    let nonsense = files.folder().join("nonsense");
    fs::write(&nonsense, "no key\n").expect("a file");
    let (ours, strange) = (sshd.identity(), sshd.strange_identity());
    let cases: [(&Path, Option<&str>, &[&str]); 6] = [
        (&ours, Some(&wrong), &["app", "host key"]),
        (&ours, None, &["app", "host key"]),
        (&ours, Some(""), &["app", "host key"]),
        (&strange, Some(&right), &["app", "permission denied"]),
        (&locked, Some(&right), &["app"]),
        (&nonsense, Some(&right), &["app"]),
    ];
    for (identity, known_hosts, words) in cases {
        let opening = Opening {
            url: &url,
            identity,
            known_hosts,
        };
        files.open("app", &opening);
        files = start_fails(files, words);
    }
    assert_eq!(sshd.commands(), [""; 0], "nobody was let in");

    fs::remove_file(files.state().join("keys/app")).expect("the key");
    files = start_fails(files, &["app", "key"]);
    files.add("app", &sshd, &upstream);
    let gate = Gate::start(files);
    assert_eq!(gate.files().mirror_refs("app").lines().count(), 1);
}
