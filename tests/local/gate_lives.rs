//! Git gates that can't be, end, or are ended; and the keys that go with them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::forge_api::{ForgeApi, Manner};
use harness::inventory::{descendants, files_below, wait_until_gone};
use harness::local::slugs;
use harness::sshd::{GitService, make_key};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;

use crate::gated::{RUN, assert_nothing, assert_refused, each_gated};

#[test]
fn a_gate_that_cannot_be_filled_stops_the_start_with_its_reason() {
    each_gated("local: a gate that is not filled", |gated| {
        let other = gated.at.sshd.other_host_key();
        gated.manifest("none", json!({ "host_key": other }));
        let ended = gated.setting.user.agent_does(&RUN);
        assert_refused(gated.setting, &ended, &["git-gate", "app", "host key"]);
        gated.manifest("none", json!({}));
        gated.identity(&gated.at.sshd.strange_identity());
        let ended = gated.setting.user.agent_does(&RUN);
        assert_refused(
            gated.setting,
            &ended,
            &["git-gate", "app", "Permission denied"],
        );
        gated.identity(&gated.at.sshd.identity());
        gated.at.sshd.stop();
        let ended = gated.setting.user.agent_does(&RUN);
        assert_refused(
            gated.setting,
            &ended,
            &["git-gate", "app", "Connection refused"],
        );
    });
}

#[test]
fn what_the_gate_lacks_is_told_before_anything_is_made() {
    each_gated("local: what the gate lacks", |gated| {
        gated.manifest("none", json!({}));
        let locked = gated.setting.user.path("locked");
        make_key(&locked, "a passphrase");
        gated.identity(&locked);
        let ended = gated.setting.user.agent_does(&RUN);
        let words = ["~/.ssh/app", "passphrase", "git_gate.repos.app.identity"];
        assert_refused(gated.setting, &ended, &words);
        gated.identity(&gated.at.sshd.identity());
        gated
            .setting
            .user
            .export("BOTTLE_SCANNER", "/nowhere/gitleaks");
        let ended = gated.setting.user.agent_does(&RUN);
        assert_refused(gated.setting, &ended, &["/nowhere/gitleaks", "gitleaks"]);
        assert_eq!(gated.at.sshd.connections(), 0, "upstream was asked");
    });
}

#[test]
fn a_start_is_ended_while_the_gate_is_filled() {
    for signal in [Signal::INT, Signal::TERM] {
        each_gated("local: ended while it is filled", |gated| {
            gated.manifest("none", json!({}));
            gated.setting.launch_through(&["setsid"]);
            let hold = gated.at.sshd.hold(GitService::UploadPack);
            let arguments = gated.setting.user.start_arguments(&RUN);
            let launcher = gated.setting.user.bottle(&arguments).start();
            gated.at.sshd.wait_for_commands(GitService::UploadPack, 1);
            let processes = descendants(launcher.pid());
            assert!(processes.len() > 4, "{processes:?}");
            // To all that a key of the terminal's would reach.
            let group = i32::try_from(launcher.pid()).ok().and_then(Pid::from_raw);
            kill_process_group(group.expect("a process"), signal).expect("it runs");
            let ended = launcher.end();
            assert_eq!(ended.code(), 128 + signal.as_raw(), "{ended:#?}");
            assert!(ended.stderr.contains("filling the git gate"), "{ended:#?}");
            assert!(!ended.stderr.contains("does not serve"), "{ended:#?}");
            wait_until_gone(&processes);
            assert_nothing(gated.setting);
            drop(hold);
        });
    }
}

#[test]
fn a_launcher_that_is_killed_takes_the_gate_with_it_and_a_cleanup_the_keys() {
    each_gated("local: killed with a gate", |gated| {
        gated.manifest("none", json!({}));
        let bottle = gated.start();
        let slug = bottle.slug().to_owned();
        let state = gated.setting.user.path("state/bottle").join(&slug);
        let key = state.join("git-gate/state/keys/app");
        let mode = |path: &Path| fs::metadata(path).expect("it").permissions().mode() & 0o777;
        assert_eq!((mode(&key), mode(&state.join("git-gate"))), (0o600, 0o700));
        assert!(state.join("git-gate/mirrors/app.git").is_dir());
        let processes = bottle.processes();
        bottle.signal(Signal::KILL);
        let ended = bottle.finish();
        assert_eq!(ended.status.code(), None, "{ended:#?}");
        wait_until_gone(&processes);
        assert!(slugs(&gated.setting.user).contains(&slug));
        let list = gated.setting.user.run(&["list"]).stdout;
        assert!(list.contains(&format!("bottle cleanup {slug}")), "{list}");
        let cleaned = gated.setting.user.run(&["cleanup", "--yes"]);
        assert_eq!(cleaned.code(), 0, "{cleaned:#?}");
        assert!(!state.exists(), "the key is left");
        assert_nothing(gated.setting);
    });
}

/// Says whose key it has, and serves nobody.
const KEY: &str = "ssh-keygen -y -f /run/bottle-gate/keys/app >&2; echo ready; exec sleep 1000";

#[test]
fn a_deploy_key_lives_as_long_as_its_bottle() {
    each_gated("local: a deploy key", |gated| {
        let forge = ForgeApi::start(None, &["me/app"]);
        gated.deploy_key(&forge);
        gated.script(KEY);
        let bottle = gated.start();
        let logs = gated.setting.user.run(&["logs", bottle.slug(), "git-gate"]);
        let public: Vec<&str> = logs.stdout.split_whitespace().take(2).collect();
        let keys = forge.keys("me/app");
        assert!(
            keys[0].key.starts_with(&public.join(" ")),
            "{keys:?} {logs:#?}"
        );
        let ended = bottle.finish();
        assert_eq!(ended.code(), 0, "{ended:#?}");
        assert_eq!(forge.keys("me/app"), [], "{ended:#?}");
        assert_nothing(gated.setting);
        // One that is not given up: it is an error, and the private half is gone all the same.
        let bottle = gated.start();
        let slug = bottle.slug().to_owned();
        forge.answer("DELETE", Manner::Status(500));
        let ended = bottle.finish();
        assert_eq!(ended.code(), 125, "{ended:#?}");
        assert!(
            ended.stderr.contains(&format!("bottle cleanup {slug}")),
            "{ended:#?}"
        );
        let state = gated.setting.user.path("state/bottle").join(&slug);
        let left = files_below(&state);
        let keys = left.iter().filter(|path| path.ends_with("/app"));
        assert_eq!(keys.count(), 0, "{left:?}");
        assert!(!state.join("git-gate").exists(), "{left:?}");
        forge.answer("DELETE", Manner::Documented);
        let cleaned = gated.setting.user.run(&["cleanup", "--yes", &slug]);
        assert_eq!(cleaned.code(), 0, "{cleaned:#?}");
        assert_eq!(forge.keys("me/app"), [], "{cleaned:#?}");
        assert_nothing(gated.setting);
    });
}

#[test]
fn a_forge_that_says_nothing_is_not_waited_for_once_the_end_is_asked_for() {
    each_gated("local: a silent forge", |gated| {
        let forge = ForgeApi::start(None, &["me/app"]);
        forge.answer("GET", Manner::Held);
        gated.deploy_key(&forge);
        let arguments = gated.setting.user.start_arguments(&RUN);
        let launcher = gated.setting.user.bottle(&arguments).start();
        let origin = forge.origin();
        origin.wait_for("a start", |calls| !calls.is_empty());
        launcher.signal(Signal::INT);
        let ended = launcher.end();
        assert_eq!(ended.code(), 130, "{ended:#?}");
        assert!(!ended.stderr.contains("no whole answer"), "{ended:#?}");
        assert_nothing(gated.setting);
    });
}
