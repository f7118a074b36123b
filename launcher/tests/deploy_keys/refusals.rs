//! Forges that refuse, and starts that are refused before one is asked.

use harness::Upstream;
use harness::forge_api::{Manner, NARROW_TOKEN};
use harness::upstream::Deaf;

use crate::rig::{APP, Rig, VARIABLE, assert_tells, files};

#[test]
fn a_refusal_says_what_to_do_and_leaves_nothing() {
    for (manner, parts) in [
        (
            Manner::Status(400),
            &["(400: as the test wants it: 400)"][..],
        ),
        (
            Manner::Status(401),
            &["does not know the token of GITEA_TOKEN (401"],
        ),
        (Manner::Status(403), &["the administration of me/app"]),
        (
            Manner::Status(404),
            &["there is no me/app", "git_gate.repos.app.url"],
        ),
        (Manner::Status(409), &["(409: as"]),
        (Manner::Status(422), &["does not take the key (422: as"]),
        (Manner::Status(429), &["wait a minute"]),
        (Manner::Status(500), &["has failed (500: as"]),
        (Manner::Status(503), &["has failed (503: as"]),
        (
            Manner::Status(200),
            &["something else than its API has (200"],
        ),
        (Manner::Endless, &["answered with more than 1048576 octets"]),
    ] {
        let rig = Rig::new();
        rig.forge.answer("POST", manner.clone());
        let told = rig.refused();
        assert_eq!(told.len(), 1, "{told:?}");
        let start = format!(
            "git_gate.repos.app: the deploy key could not be registered at {}: ",
            rig.page()
        );
        assert!(told[0].starts_with(&start), "{told:?}");
        assert_tells(&told, parts);
        rig.assert_nothing_left();
    }
}

#[test]
fn the_forge_itself_says_whose_token_is_no_use() {
    let mut rig = Rig::new();
    rig.token = Some("nobody-knows-this-one");
    assert_tells(
        &rig.refused(),
        &["(401: invalid username, password or token)"],
    );
    rig.token = Some(NARROW_TOKEN);
    assert_tells(
        &rig.refused(),
        &["(403: token does not have", "write:repository"],
    );
    rig.token = Some("with\na line break");
    assert_tells(
        &rig.refused(),
        &["the token has an octet that no header can carry"],
    );
    rig.assert_nothing_left();
}

#[test]
fn a_forge_that_repeats_the_token_is_not_quoted() {
    let rig = Rig::new();
    rig.forge.answer("POST", Manner::Echo);
    // It looks for the key: a forge that failed may have taken it.
    assert_tells(&rig.refused(), &["has failed (500); "]);
    rig.assert_nothing_left();
}

#[test]
fn without_its_token_nothing_is_made() {
    let mut rig = Rig::new();
    rig.token = None;
    assert_tells(
        &rig.refused(),
        &["git_gate.repos.app: ", VARIABLE, "which is unset; set it"],
    );
    assert_eq!(rig.forge.calls(), [""; 0]);
    assert_eq!(files(&rig.directory()), [""; 0]);
}

#[test]
fn the_token_follows_no_redirection() {
    let elsewhere = Upstream::plain();
    let rig = Rig::new();
    rig.forge.answer("POST", Manner::Redirect(elsewhere.url()));
    let told = rig.refused();
    assert_tells(&told, &["points elsewhere, where no token is sent (307)"]);
    elsewhere.assert_untouched();
    rig.assert_nothing_left();
}

#[test]
fn a_forge_that_is_not_there_has_no_key() {
    let dead = Deaf::new();
    let rig = Rig::new().at(dead.url());
    let told = rig.refused();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_tells(
        &told,
        &["gave no whole answer (", "refused", "see that it works"],
    );
    rig.assert_nothing_left();

    // No resolver is asked for a label of this length.
    let nowhere = format!("https://{}.example", "x".repeat(64));
    let rig = Rig::new().at(nowhere);
    let told = rig.refused();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_tells(&told, &["gave no whole answer ("]);
    rig.assert_nothing_left();
}

#[test]
fn a_forge_that_cannot_be_reached_is_asked_for_nothing() {
    for manner in [
        Manner::Status(401),
        Manner::Status(503),
        Manner::Endless,
        Manner::DoneAndGarbled,
        Manner::DoneAndCut,
        Manner::Redirect("http://127.0.0.1:1".to_owned()),
    ] {
        let rig = Rig::new();
        rig.forge.answer("GET", manner);
        let told = rig.refused();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_tells(&told, &["could not be registered at", &rig.page()]);
        assert_eq!(rig.forge.calls().len(), 1);
        rig.assert_nothing_left();
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let rig = Rig::new();
    let above = rig.directory();
    let above = above.parent().expect("a bottle's directory");
    std::fs::write(above, "a file").expect("written");
    let told = rig.provision(&[APP]).expect_err("no directory");
    assert_tells(&told, &["the deploy keys in ", "can't be kept: "]);
    assert_eq!(rig.forge.calls(), [""; 0]);
}
