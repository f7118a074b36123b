//! Deploy keys of bottles on Docker: registered before the gate starts, revoked on every way out.

use harness::docker::Host;
use harness::forge_api::{API_TOKEN, ForgeApi, Manner};
use harness::inventory::files_below;
use rustix::process::Signal;
use serde_json::json;

use crate::git_gate::Gate;

/// The repository at the forge.
const REPOSITORY: &str = "me/app";

/// A bottle whose gate has a deploy key. Upstream takes connections and says nothing, so the gate
/// is being filled until it is ended.
fn bottle(test: &str) -> Option<(Gate, ForgeApi)> {
    let mut gate = Gate::new(test)?;
    let forge = ForgeApi::start(None, &[REPOSITORY]);
    let provisioned = json!({
        "provider": "gitea", "token_env": "FORGE_TOKEN", "api_url": forge.origin().url(),
    });
    let upstream = gate.gated.sshd.url(&gate.gated.upstream);
    let (place, _path) = upstream.split_once("/tmp").unwrap_or((&upstream, ""));
    let mut git_gate = gate.gated.manifest(&gate.setting.host);
    git_gate["repos"]["app"] = json!({
        "url": format!("{place}/{REPOSITORY}.git"),
        "host_key": gate.gated.sshd.host_key(),
        "provisioned_key": provisioned,
    });
    gate.manifest(git_gate);
    gate.gated.sshd.be_silent();
    gate.setting.host.export("FORGE_TOKEN", API_TOKEN);
    Some((gate, forge))
}

/// The one bottle that the state tells of.
fn slug(host: &Host) -> String {
    let state = host.path("state/bottle");
    let entries = std::fs::read_dir(state).expect("a state");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    let [slug] = &names[..] else {
        panic!("one bottle: {names:?}");
    };
    slug.clone()
}

#[test]
fn a_start_that_comes_to_nothing_revokes_its_key() {
    let Some((mut gate, forge)) = bottle("docker: a deploy key") else {
        return;
    };
    gate.gated.sshd.stop();
    let ended = gate.setting.host.agent_does(&["true"]);
    assert_eq!(ended.code(), 1, "{ended:#?}");
    let calls = forge.calls().join("\n");
    assert!(calls.contains("POST /api/v1/repos/me/app/keys"), "{calls}");
    assert!(ended.stderr.contains("can't be reached"), "{ended:#?}");
    assert_eq!(forge.keys(REPOSITORY), [], "{ended:#?}");
    assert!(!ended.stderr.contains(API_TOKEN), "{ended:#?}");
    assert!(files_below(&gate.setting.host.path("state/bottle")).is_empty());
}

#[test]
fn without_its_token_nothing_is_begun() {
    let Some((mut gate, forge)) = bottle("docker: no token for a deploy key") else {
        return;
    };
    gate.setting.host.forget("FORGE_TOKEN");
    let refused = gate.setting.host.agent_does(&["true"]);
    assert_eq!(refused.code(), 1, "{refused:#?}");
    for words in ["FORGE_TOKEN is unset", "git_gate.repos.app"] {
        assert!(refused.stderr.contains(words), "{words}: {refused:#?}");
    }
    assert_eq!(forge.calls(), [""; 0]);
    assert!(!refused.stderr.contains("creating"), "{refused:#?}");
}

#[test]
fn a_key_whose_launcher_was_killed_is_revoked_by_a_cleanup() {
    let Some((gate, forge)) = bottle("docker: a stranded key") else {
        return;
    };
    let host = &gate.setting.host;
    let mut launcher = host.bottle(&host.start_arguments(&["true"])).start();
    forge.wait_for_keys(REPOSITORY, 1);
    launcher.kill();
    launcher.finish();
    let cleaned = host.run(&["cleanup", "--yes", &slug(host)]);
    assert_eq!(cleaned.code(), 0, "{cleaned:#?}");
    assert_eq!(forge.keys(REPOSITORY), [], "{cleaned:#?}");
    assert!(host.slugs().is_empty());
    assert!(files_below(&host.path("state/bottle")).is_empty());
}

#[test]
fn a_forge_that_says_nothing_is_not_waited_for_once_the_end_is_asked_for() {
    let Some((gate, forge)) = bottle("docker: a silent forge") else {
        return;
    };
    forge.answer("GET", Manner::Held);
    let host = &gate.setting.host;
    let launcher = host.bottle(&host.start_arguments(&["true"])).start();
    let origin = forge.origin();
    origin.wait_for("a start", |calls| !calls.is_empty());
    launcher.signal(Signal::INT);
    let ended = launcher.end();
    assert_eq!(ended.code(), 130, "{ended:#?}");
    // Else it would have been told why, by and by.
    assert!(!ended.stderr.contains("no whole answer"), "{ended:#?}");
    assert!(host.slugs().is_empty());
    assert!(files_below(&host.path("state/bottle")).is_empty());
}

#[test]
fn a_key_that_the_forge_keeps_is_an_error_until_a_cleanup_is_rid_of_it() {
    let Some((mut gate, forge)) = bottle("docker: a key that stays") else {
        return;
    };
    gate.gated.sshd.stop();
    forge.answer("DELETE", Manner::Status(500));
    let ended = gate.setting.host.agent_does(&["true"]);
    assert_eq!(ended.code(), 125, "{ended:#?}");
    let key = forge.keys(REPOSITORY).remove(0);
    for words in [&key.id.to_string(), "/me/app/settings/keys", "FORGE_TOKEN"] {
        assert!(ended.stderr.contains(words), "{words}: {ended:#?}");
    }
    // Why there was nothing to do for the agent, all the same.
    assert!(ended.stderr.contains("can't be reached"), "{ended:#?}");
    assert!(
        gate.setting.host.slugs().is_empty(),
        "the containers are gone"
    );
    forge.answer("DELETE", Manner::Documented);
    let slug = slug(&gate.setting.host);
    let cleaned = gate.setting.host.run(&["cleanup", "--yes", &slug]);
    assert_eq!(cleaned.code(), 0, "{cleaned:#?}");
    assert_eq!(forge.keys(REPOSITORY), [], "{cleaned:#?}");
    assert!(files_below(&gate.setting.host.path("state/bottle")).is_empty());
}
