//! A start that is killed while the forge has its request.

use harness::forge_api::{ForgeApi, Manner};
use launcher::deploy_keys::DeployKeys;

use crate::rig::{APP, Child, files, play_child, secret};

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
    let told = keys.revoke(&|_| Ok(secret(harness::forge_api::API_TOKEN)));
    assert_eq!(told, [""; 0]);
    assert_eq!(forge.keys(APP.1), []);
    assert_eq!(files(&directory), [""; 0]);
}
