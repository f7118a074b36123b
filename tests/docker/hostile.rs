//! A work directory, and agents, that mean harm to the user's own programs.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::setting::Setting;

/// A setting whose agent has the user's own directory.
fn bound(test: &str) -> Option<Setting> {
    let setting = Setting::new(test)?;
    let agent = json!({ "workdir": "bind" });
    setting.host.manifest(setting.image, json!({}), agent);
    Some(setting)
}

#[test]
fn a_repository_that_an_agent_hides_in_the_work_is_shown_at_its_end() {
    let Some(setting) = bound("docker: a hidden repository") else {
        return;
    };
    let script = "git init -q vendor/.x && cd vendor/.x && git config core.fsmonitor /evil";
    let said = setting.host.agent_does(&["sh", "-c", script]);
    assert!(said.status.success(), "{said:#?}");
    let place = "vendor/.x/.git/config is new:";
    assert!(said.stderr.contains(place), "{said:#?}");
    assert!(said.stderr.contains("+     fsmonitor = /evil"), "{said:#?}");
}

#[test]
fn what_an_agent_at_work_could_replace_is_not_mounted() {
    let Some(setting) = bound("docker: two agents") else {
        return;
    };
    let work = setting.host.work();
    let first = setting.host.start();
    // Nothing appeared: both agents have the same guards.
    let second = setting.host.agent_does(&["true"]);
    assert!(second.status.success(), "{second:#?}");
    // A `.git` that the first agent can still make a link to anywhere of.
    fs::create_dir(work.join(".git")).expect("made");
    let refused = setting.host.agent_does(&["true"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:#?}");
    let sentence = format!("the agent of {} could replace", first.slug());
    assert!(refused.stderr.contains(&sentence), "{refused:#?}");
    first.stop();
    // It is gone, and has left such a link.
    fs::remove_dir(work.join(".git")).expect("removed");
    symlink(setting.host.path("home"), work.join(".git")).expect("made");
    let refused = setting.host.agent_does(&["true"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:#?}");
    assert!(
        refused.stderr.contains("a link can't be guarded"),
        "{refused:#?}"
    );
}

#[test]
fn what_was_made_of_an_agents_container_is_left_alone() {
    let Some(setting) = bound("docker: inherited labels") else {
        return;
    };
    let bottle = setting.host.start();
    let image = format!("{}:kept", setting.host.agent());
    let engine = setting.engine;
    engine.ask(&["commit", &bottle.container("agent"), &image]);
    let options = ["create", "--network", "none", &image, "true"];
    let own = engine.ask(&options);
    let ended = bottle.stop();
    let cleaned = setting.host.run(&["cleanup", "--yes"]);
    let left = engine.run(&["rm", &own]);
    engine.ask(&["image", "rm", &image]);
    assert!(
        left.status.success(),
        "it is the user's: {ended:#?} {cleaned:#?}"
    );
}
