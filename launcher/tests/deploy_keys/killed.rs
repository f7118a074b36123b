//! Starts that end while the forge has their requests.

use std::fs;
use std::thread;
use std::time::Duration;

use harness::forge_api::{API_TOKEN, ForgeApi, Manner};
use launcher::deploy_keys::DeployKeys;

use crate::rig::{APP, Child, Rig, files, play_child, secret};

#[test]
fn a_start_that_is_given_up_makes_no_more_keys() {
    // While it is asked whether it can be reached, and while it has the request.
    for (method, calls) in [("GET", 1), ("POST", 2)] {
        let mut rig = Rig::new();
        rig.limits.call = Duration::from_secs(3);
        rig.forge.answer(method, Manner::Silent);
        let keys = rig.keys();
        thread::scope(|scope| {
            let made = scope.spawn(|| rig.provision_with(&keys, &[APP]));
            rig.forge
                .origin()
                .wait_for("the call", |all| all.len() == calls);
            assert_eq!(keys.revoke(&|_| Ok(secret(API_TOKEN))), [""; 0]);
            assert!(made.join().expect("its end").is_err());
        });
        rig.assert_nothing_left();
    }
}

#[test]
fn who_gives_a_start_up_waits_for_no_forge_that_has_been_asked_for_nothing() {
    let rig = Rig::new();
    rig.forge.answer("GET", Manner::Held);
    let keys = rig.keys();
    thread::scope(|scope| {
        let made = scope.spawn(|| rig.provision_with(&keys, &[APP]));
        rig.forge
            .origin()
            .wait_for("the call", |all| all.len() == 1);
        assert_eq!(keys.revoke(&|_| Ok(secret(API_TOKEN))), [""; 0]);
        assert!(!made.is_finished(), "the forge was waited for");
        // As the bottle's state is.
        fs::remove_dir_all(rig.directory()).expect("removed");
        // It answers after all, to a start that nobody wants any more.
        rig.forge.answer("GET", Manner::Documented);
        assert!(made.join().expect("its end").is_err());
    });
    let calls = rig.forge.calls();
    assert!(
        calls.iter().all(|call| call.starts_with("GET")),
        "{calls:?}"
    );
    assert!(
        !rig.directory().exists(),
        "it wrote where all was removed by then"
    );
}

#[test]
fn a_key_whose_maker_was_killed_is_found_and_deleted() {
    if play_child() {
        return;
    }
    let forge = ForgeApi::start(None, &[APP.1]);
    // The answer never comes, so the number is never written.
    forge.answer("POST", Manner::DoneAndSilent);
    let place = tempfile::tempdir().expect("a directory");
    let name = "killed::a_key_whose_maker_was_killed_is_found_and_deleted";
    let mut child = Child::of(name, &forge.origin().url(), place.path()).start();
    forge.wait_for_keys(APP.1, 1);
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");

    let directory = place.path().join("deploy-keys");
    assert_eq!(files(&directory), ["app", "app.intent.json"]);
    let keys = DeployKeys::of(&directory);
    assert_eq!(keys.pending().len(), 1);
    let told = keys.revoke(&|_| Ok(secret(API_TOKEN)));
    assert_eq!(told, [""; 0]);
    assert_eq!(forge.keys(APP.1), []);
    assert_eq!(files(&directory), [""; 0]);
}
