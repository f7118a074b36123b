//! How a gate begins and ends: filled or not at all, over whatever an earlier one left, and
//! with nothing of it left behind.

use std::fs;
use std::time::{Duration, Instant};

use harness::bare_repository::ObjectFormat;
use harness::gate::{Gate, GateChild};
use harness::git_agent::GitAgent;
use harness::gitleaks::{FORGE_KEY_RULE, forge_key};
use harness::sshd::GitService;
use rustix::process::Signal;

use crate::raw::Raw;
use crate::setting::Setting;

#[test]
fn what_upstream_had_before_the_start_is_not_scanned_as_new() {
    let test = "what upstream had before the start is not scanned as new";
    let key = forge_key(2);
    let Some((sshd, upstream, files)) = Setting::parts(test) else {
        return;
    };
    upstream.commit("main", "Old sin", &[("old", key.as_bytes())]);
    upstream.commit("main", "Repented", &[("old", b"\n")]);
    let gate = Gate::start(files);
    let agent = GitAgent::of(&gate);
    let setting = Setting {
        gate,
        agent,
        upstream,
        sshd,
    };
    // It pushes before it fetches through this gate: the clone comes from elsewhere.
    let folder = setting.upstream.folder().display().to_string();
    setting
        .agent
        .must("", &["clone", "--quiet", &folder, "app"]);
    setting
        .agent
        .must("app", &["remote", "set-url", "origin", &setting.url()]);
    setting.agent.commit("app", "Clean", "file", b"clean\n");
    setting.must_push("app", &["HEAD:refs/heads/new"]);
    // What is new is: the same key in another place.
    setting.gate.must_not_tell(&key);
    let content = format!("k = {key}\n");
    setting
        .agent
        .commit("app", "New sin", "file", content.as_bytes());
    setting.must_refuse("app", &["HEAD:refs/heads/new"], &[FORGE_KEY_RULE]);
}

#[test]
fn a_start_goes_on_from_whatever_an_earlier_one_left() {
    let test = "a start goes on from whatever an earlier one left";
    let Some(mut setting) = Setting::scanning(test) else {
        return;
    };
    setting.clone("app");
    setting.agent.commit("app", "First", "file", b"1\n");
    setting.must_push("app", &["app"]);
    let (mut files, finished) = setting.gate.stop();
    assert!(finished.status.success(), "{finished:?}");

    // While it was away upstream went on, and something died in the mirror.
    let mirror = files.mirror("app");
    let died = mirror.join("objects/tmp_objdir-incoming-abcdef");
    fs::create_dir_all(died.join("pack")).expect("a folder");
    fs::write(died.join("pack/tmp_pack_1"), b"PACK").expect("a file");
    fs::write(mirror.join("refs/heads/app.lock"), b"").expect("a file");
    for hook in ["pre-receive", "proc-receive"] {
        fs::remove_file(mirror.join("hooks").join(hook)).expect("a link");
    }
    fs::write(mirror.join("hooks/proc-receive"), b"#!/bin/sh\n").expect("a file");
    let config = mirror.join("config");
    let text = fs::read_to_string(&config).expect("settings");
    fs::write(
        &config,
        format!("{text}[receive]\n\tprocReceiveRefs = refs/notes\n"),
    )
    .expect("settings");
    let other = setting
        .upstream
        .commit("app", "Other", &[("other", b"o\n")]);
    setting.upstream.commit("trunk", "Trunk", &[("t", b"t\n")]);
    setting.upstream.set_default("trunk");
    files.policy("app")["protect_default"] = false.into();

    setting.gate = Gate::start(files);
    setting.agent.follow(&setting.gate);
    assert!(!died.exists(), "it takes room for ever");
    setting.assert_equal();
    let head = fs::read_to_string(mirror.join("HEAD")).expect("HEAD");
    assert_eq!(head, "ref: refs/heads/trunk\n");
    setting
        .agent
        .must("app", &["pull", "--quiet", "--rebase", "origin", "app"]);
    let parent = setting.agent.must("app", &["rev-parse", "HEAD"]);
    assert_eq!(parent.trim(), other);
    setting.agent.commit("app", "Second", "file", b"2\n");
    setting.must_push("app", &["app", "HEAD:refs/heads/main"]);
    let content = format!("k = {}\n", forge_key(3));
    setting
        .agent
        .commit("app", "Key", "key", content.as_bytes());
    setting.must_refuse("app", &["app"], &[FORGE_KEY_RULE]);
    setting.assert_equal();
}

#[test]
fn a_mirror_that_cannot_be_filled_stops_the_start() {
    let test = "a mirror that cannot be filled stops the start";
    let Some((mut sshd, _, mut files)) = Setting::parts(test) else {
        return;
    };
    files.scan_for_nothing();
    let second = sshd.repository("second", ObjectFormat::Sha1);
    files.add("second", &sshd, &second);
    let missing = sshd.url(&second).replace("second.git", "missing.git");
    files.repository("second")["url"] = missing.into();
    let (files, finished) = Gate::fail_to_start(files);
    assert_eq!(finished.code(), 1, "{finished:?}");
    assert!(finished.stderr.contains("second"), "{finished:?}");
    assert!(!finished.stdout.contains("ready"), "{finished:?}");

    sshd.stop();
    let (_, finished) = Gate::fail_to_start(files);
    assert_eq!(finished.code(), 1, "{finished:?}");
    for name in ["app", "second"] {
        let has_reason = |line: &str| line.contains(name) && line.contains("Connection refused");
        let has_line = finished.stderr.lines().any(has_reason);
        assert!(has_line, "{name}: {}", finished.stderr);
    }
}

#[test]
fn a_gate_that_is_ended_leaves_nothing_behind() {
    let test = "a gate that is ended leaves nothing behind";
    for signal in [Signal::TERM, Signal::INT] {
        let Some(setting) = Setting::new(test) else {
            return;
        };
        let asked = setting.sshd.asked(GitService::UploadPack);
        let hold = setting.sshd.hold(GitService::UploadPack);
        let fetching = Raw::ask(&setting.gate, "git-upload-pack", "/app.git");
        setting
            .sshd
            .wait_for_commands(GitService::UploadPack, asked + 1);
        let mut pushing = Raw::ask(&setting.gate, "git-receive-pack", "/app.git");
        pushing.read_advertisement();
        let state = setting.gate.files().state();
        let begun = Instant::now();
        setting.gate.signal(signal);
        let (files, finished) = setting.gate.stop();
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{:?}",
            begun.elapsed()
        );
        assert!(finished.status.success(), "{finished:?}");
        assert_eq!(files.state(), state);
        let begun = Instant::now();
        while !GateChild::of(&state).is_empty() {
            let left = GateChild::of(&state);
            assert!(begun.elapsed() < Duration::from_secs(4), "{left:#?}");
        }
        fetching.read_to_end();
        pushing.read_to_end();
        drop(hold);
    }
}
