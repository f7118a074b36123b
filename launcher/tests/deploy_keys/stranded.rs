//! Keys that a forge does not give up.

use std::time::Duration;

use harness::forge_api::Manner;

use crate::rig::{APP, LIB, Rig, VARIABLE, assert_tells, files};

#[test]
fn a_key_that_stays_is_told_with_its_number_page_and_variable() {
    for (manner, part) in [
        (
            Manner::Status(401),
            "does not know the token of GITEA_TOKEN (401",
        ),
        (Manner::Status(403), "may not do this (403"),
        (Manner::Status(500), "has failed (500"),
        (Manner::Silent, "gave no whole answer within 3 s"),
        (
            Manner::Redirect("http://127.0.0.1:1".to_owned()),
            "points elsewhere",
        ),
    ] {
        let mut rig = Rig::new();
        rig.limits.call = Duration::from_secs(3);
        rig.provisioned();
        let id = rig.registered()[0].id;
        rig.forge.answer("DELETE", manner);
        let told = rig.revoke();
        assert_eq!(told.len(), 1, "{told:?}");
        let key = format!("git_gate.repos.app: deploy key {id} (bottle:a-22222:app), ");
        let page = format!("registered at {}, could not be revoked: ", rig.page());
        assert_tells(&told, &[&key, &page, part, VARIABLE]);
        assert_eq!(
            files(&rig.directory()),
            ["app.intent.json"],
            "no private half"
        );
        assert_eq!(rig.keys().pending().len(), 1);

        rig.forge.answer("DELETE", Manner::Documented);
        assert_eq!(rig.revoke(), [""; 0]);
        rig.assert_nothing_left();
    }
}

#[test]
fn a_token_that_is_gone_is_told_and_can_come_back() {
    let mut rig = Rig::new();
    rig.provisioned();
    let id = rig.registered()[0].id;
    let token = rig.token.take();
    let told = rig.revoke();
    assert_eq!(told.len(), 1, "{told:?}");
    let key = format!("deploy key {id} (bottle:a-22222:app)");
    assert_tells(
        &told,
        &[&key, &rig.page(), "the token of GITEA_TOKEN is unset"],
    );
    assert_eq!(
        files(&rig.directory()),
        ["app.intent.json"],
        "no private half"
    );
    rig.token = Some("with\na line break");
    let told = rig.revoke();
    assert_tells(&told, &[&key, &rig.page(), VARIABLE, "no header can carry"]);
    rig.token = token;
    assert_eq!(rig.revoke(), [""; 0]);
    rig.assert_nothing_left();
}

#[test]
fn an_intent_that_cannot_be_read_does_not_hide_the_others() {
    let rig = Rig::new();
    rig.provision(&[APP, LIB]).expect("two keys");
    let spoilt = rig.directory().join("lib.intent.json");
    let text = std::fs::read(&spoilt).expect("it is there");
    std::fs::write(&spoilt, &text[..text.len() / 2]).expect("written");
    assert_eq!(rig.keys().pending().len(), 2);
    let told = rig.revoke();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_tells(&told, &["lib.intent.json can't be read"]);
    assert_eq!(rig.registered(), [], "the other is gone");
}
