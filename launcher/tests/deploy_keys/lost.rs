//! Registrations of which nobody knows how they ended.

use std::time::{Duration, Instant};

use harness::forge_api::Manner;

use crate::rig::{APP, Rig, assert_tells, files, foreign_key};

/// Long enough for what is answered, on a loaded machine.
const CALL: Duration = Duration::from_secs(3);

#[test]
fn what_was_registered_without_an_answer_is_found_and_deleted() {
    for manner in [
        Manner::DoneAndSilent,
        Manner::DoneAndCut,
        Manner::DoneAndGarbled,
    ] {
        let mut rig = Rig::new();
        rig.limits.call = CALL;
        rig.forge.add(APP.1, "somebody else's", &foreign_key());
        let others = rig.registered();
        rig.forge.answer("POST", manner.clone());
        let told = rig.refused();
        assert_eq!(told.len(), 1, "{manner:?}: {told:?}");
        assert_tells(&told, &["could not be registered at"]);
        assert_eq!(rig.registered(), others, "{manner:?}");
        assert_eq!(files(&rig.directory()), [""; 0], "{manner:?}");
        let deletions = rig.forge.calls();
        let deletions = deletions.iter().filter(|call| call.starts_with("DELETE"));
        assert_eq!(deletions.count(), 1, "it was there: {manner:?}");
    }
}

#[test]
fn a_forge_that_says_nothing_is_waited_for_as_long_as_the_limit() {
    let mut rig = Rig::new();
    rig.limits.call = CALL;
    rig.forge.answer("POST", Manner::Silent);
    let begun = Instant::now();
    assert_tells(&rig.refused(), &["gave no whole answer within 3 s"]);
    assert!(begun.elapsed() >= CALL);
    rig.assert_nothing_left();
}

#[test]
fn what_is_registered_after_all_is_still_found() {
    let mut rig = Rig::new();
    rig.limits.call = CALL;
    rig.limits.settle = Duration::from_secs(20);
    rig.forge.answer("POST", Manner::DoneLate);
    assert_eq!(rig.refused().len(), 1);
    rig.assert_nothing_left();
    let calls = rig.forge.calls();
    assert!(
        calls.iter().any(|call| call.starts_with("DELETE")),
        "{calls:?}"
    );
}

#[test]
fn a_long_list_is_read_to_its_end() {
    let rig = Rig::new();
    rig.forge.shorten_pages(2);
    for index in 0..5 {
        rig.forge
            .add(APP.1, &format!("key {index}"), &foreign_key());
    }
    let others = rig.registered();
    rig.forge.answer("POST", Manner::DoneAndGarbled);
    assert_eq!(rig.refused().len(), 1);
    assert_eq!(rig.registered(), others);
    assert_eq!(rig.keys().pending(), []);
}

#[test]
fn where_it_cannot_be_looked_for_it_stays_pending() {
    let rig = Rig::new();
    rig.forge.answer("POST", Manner::DoneAndGarbled);
    rig.forge.answer_after(1, "GET", Manner::Status(503));
    let told = rig.refused();
    assert_eq!(told.len(), 2, "{told:?}");
    let place = format!(
        "deploy key bottle:a-22222:app, which may be registered at {}, could not be revoked: ",
        rig.page()
    );
    assert_tells(
        &told[1..],
        &[&place, "(503: ", "`bottle cleanup` with GITEA_TOKEN set"],
    );
    assert_eq!(rig.registered().len(), 1);
    assert_eq!(
        files(&rig.directory()),
        ["app.intent.json"],
        "no private half"
    );

    rig.forge.answer("GET", Manner::Documented);
    assert_eq!(rig.revoke(), [""; 0]);
    rig.assert_nothing_left();
}

#[test]
fn a_list_that_is_hidden_from_the_token_is_no_empty_list() {
    let rig = Rig::new();
    rig.forge.answer("POST", Manner::DoneAndGarbled);
    rig.forge.answer_after(1, "GET", Manner::Status(404));
    let told = rig.refused();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_tells(
        &told[1..],
        &["there is no me/app", "remove by hand the key and "],
    );
    assert_eq!(rig.keys().pending().len(), 1);
}
