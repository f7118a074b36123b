//! Keys whose forge does as it should.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use harness::forge_api::{API_TOKEN, Manner};

use crate::rig::{APP, LIB, Rig, assert_tells, files, foreign_key};

#[test]
fn a_key_is_registered_for_writing_and_revoked() {
    let rig = Rig::new();
    let key = rig.provisioned();
    let registered = rig.registered();
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0].title, "bottle:a-22222:app");
    assert!(!registered[0].read_only);

    assert_eq!(key.name, "app");
    let derived = Command::new("ssh-keygen")
        .args(["-y", "-P", "", "-f"])
        .arg(&key.private_key)
        .output()
        .expect("it runs");
    let derived = String::from_utf8(derived.stdout).expect("UTF-8");
    assert_eq!(derived.trim_end(), registered[0].key, "comment and all");

    let request = &rig.forge.origin().requests()[1];
    assert_eq!(request.only("authorization"), format!("token {API_TOKEN}"));
    assert_eq!(request.only("content-type"), "application/json");
    assert_eq!(rig.revoke(), [""; 0]);
    rig.assert_nothing_left();
    let keys = "/api/v1/repos/me/app/keys";
    let id = registered[0].id;
    let calls = [
        format!("GET {keys}?page=1&limit=1"),
        format!("POST {keys}"),
        format!("DELETE {keys}/{id}"),
    ];
    assert_eq!(rig.forge.calls(), calls);
    assert_eq!(rig.revoke(), [""; 0], "twice");
}

#[test]
fn what_lies_on_disk_is_its_owners_and_never_the_token() {
    let rig = Rig::new();
    let key = rig.provisioned();
    assert_eq!(files(&rig.directory()), ["app", "app.intent.json"]);
    assert_eq!(key.private_key, rig.directory().join("app"));
    let mode = |path: &std::path::Path| {
        let facts = fs::metadata(path).expect("it is there");
        facts.permissions().mode() & 0o777
    };
    assert_eq!(mode(&rig.directory()), 0o700);
    for name in files(&rig.directory()) {
        let path = rig.directory().join(name);
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let text = fs::read_to_string(&path).expect("it is there");
        assert!(!text.contains(API_TOKEN), "{text}");
    }
    let pending: Vec<String> = rig
        .keys()
        .pending()
        .iter()
        .map(ToString::to_string)
        .collect();
    let id = rig.registered()[0].id;
    let known = format!(
        "deploy key {id} (bottle:a-22222:app), registered at {}",
        rig.page()
    );
    assert_eq!(pending, [format!("git_gate.repos.app: {known}")]);
    assert_eq!(rig.revoke(), [""; 0]);
}

#[test]
fn nobody_elses_key_is_touched() {
    let rig = Rig::new();
    rig.forge.add(APP.1, "somebody else's", &foreign_key());
    let others = rig.registered();
    rig.provisioned();
    assert_eq!(rig.registered().len(), 2);
    assert_eq!(rig.revoke(), [""; 0]);
    assert_eq!(rig.registered(), others);
}

#[test]
fn a_key_that_somebody_removed_is_revoked() {
    let rig = Rig::new();
    rig.provisioned();
    rig.forge.answer("DELETE", Manner::Status(404));
    assert_eq!(rig.revoke(), [""; 0]);
    assert_eq!(rig.keys().pending(), []);
}

#[test]
fn every_repository_has_a_key_or_none_has() {
    let rig = Rig::new();
    let keys = rig.provision(&[LIB, APP]).expect("two keys");
    let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["lib", "app"], "in the order of the requests");
    assert_eq!(rig.keys().pending().len(), 2);
    assert_eq!(rig.revoke(), [""; 0]);
    rig.assert_nothing_left();

    let told = rig
        .provision(&[LIB, ("gone", "me/gone"), APP])
        .expect_err("one has none");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_tells(&told, &["git_gate.repos.gone: ", "there is no me/gone"]);
    rig.assert_nothing_left();
    assert_eq!(rig.forge.keys(LIB.1), []);
}
