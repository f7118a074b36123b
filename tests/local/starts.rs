//! Starts that are broken off at a step, by a signal or by a part that fails.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::inventory::{files_below, wait_until_gone};
use harness::local::slugs;
use harness::{Finished, binary, require};
use rustix::process::Signal;

use crate::setting::{SYSTEM, Setting, each, unused};

/// A program of the user's that is this script.
fn script(setting: &Setting, name: &str, text: &str) -> String {
    let name = format!("bin/{name}");
    setting.user.write(&name, &format!("#!/bin/sh\n{text}\n"));
    let file = setting.user.path(&name);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
    file.display().to_string()
}

/// A start in which the launcher gets `signal` from the part that it has just started.
fn signalled_by(setting: &mut Setting, part: &str, signal: Signal) -> Finished {
    let parts = setting.user.path("parts").display().to_string();
    let kill = format!("(echo $$ >>{parts}; kill -{} $PPID)", signal.as_raw());
    let bubblewrap = require::find("bwrap").expect("bwrap").display().to_string();
    let engine = binary::cred_proxy().display().to_string();
    let mut words = vec![
        "start".to_owned(),
        setting.user.agent().to_owned(),
        "--yes".to_owned(),
    ];
    let path = match part {
        "bwrap" => {
            let text = format!("test \"$1\" = --version || {kill}; exec {bubblewrap} \"$@\"");
            script(setting, "bwrap", &text);
            format!("{}:{SYSTEM}", setting.user.path("bin").display())
        }
        _ => {
            let engine = script(setting, "engine", &format!("{kill}; exec {engine} \"$@\""));
            words.extend(["--engine".to_owned(), engine]);
            SYSTEM.to_owned()
        }
    };
    setting.user.export("PATH", path);
    words.extend(["--", "touch", "ran"].map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    setting.user.run(&words)
}

/// Waits until the parts that have sent a signal are gone, and all that they started.
fn wait_for_parts(setting: &Setting) {
    let parts = fs::read_to_string(setting.user.path("parts")).expect("a part was started");
    let parts: BTreeSet<u32> = parts.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(!parts.is_empty());
    wait_until_gone(&parts);
}

#[test]
fn a_launcher_that_is_asked_to_end_while_it_starts_removes_everything() {
    each("local: ended while it starts", |setting| {
        setting.manifest(&[unused()], "bind");
        for part in ["bwrap", "engine"] {
            for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
                let ended = signalled_by(setting, part, signal);
                let step = format!("{signal:?} by {part}: {ended:#?}");
                assert_eq!(ended.code(), 128 + signal.as_raw(), "{step}");
                assert!(slugs(&setting.user).is_empty(), "{step}");
                let left = files_below(&setting.user.work());
                assert!(left.is_empty(), "{step}: {left:?}");
                wait_for_parts(setting);
            }
        }
    });
}

#[test]
fn what_a_launcher_that_is_killed_while_it_starts_leaves_is_found_and_removed() {
    each("local: killed while it starts", |setting| {
        setting.manifest(&[unused()], "bind");
        for part in ["bwrap", "engine"] {
            let ended = signalled_by(setting, part, Signal::KILL);
            assert_eq!(ended.status.code(), None, "{part}: {ended:#?}");
            // What is being made may still make its mount points in the work directory.
            wait_for_parts(setting);
            let left = slugs(&setting.user);
            let [slug] = &left.iter().collect::<Vec<_>>()[..] else {
                panic!("{part}: {left:?}");
            };
            let cleaned = setting.user.run(&["cleanup", slug, "--yes"]);
            assert_eq!(cleaned.code(), 0, "{part}: {cleaned:#?}");
            assert!(slugs(&setting.user).is_empty(), "{part}: {cleaned:#?}");
            let left = files_below(&setting.user.work());
            assert!(left.is_empty(), "{part}: {left:?}");
        }
    });
}

#[test]
fn an_engine_that_fails_is_told_and_no_agent_runs() {
    each("local: an engine that fails", |setting| {
        setting.manifest(&[unused()], "bind");
        let agent = setting.user.agent().to_owned();
        let engine = script(setting, "engine", "echo 'no room for workers' >&2; exit 3");
        let start = [
            "start", &agent, "--yes", "--engine", &engine, "--", "touch", "ran",
        ];
        let ended = setting.user.run(&start);
        assert_eq!(ended.code(), 1, "{ended:#?}");
        assert!(ended.stderr.contains("no room for workers"), "{ended:#?}");
        assert!(slugs(&setting.user).is_empty(), "{ended:#?}");
        let left = files_below(&setting.user.work());
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn an_agents_limits_are_in_force() {
    each("local: limits", |setting| {
        setting.manifest(&[], "none");
        let script = "ulimit -c; ulimit -u; ulimit -n; ulimit -Hu; ulimit -Hn; ulimit -u unlimited";
        let said = setting.user.agent_does(&["bash", "-c", script]);
        let lines: Vec<&str> = said.stdout.lines().collect();
        let [
            core,
            processes,
            descriptors,
            most_processes,
            most_descriptors,
        ] = lines[..]
        else {
            panic!("{said:#?}");
        };
        assert_eq!(
            (core, processes, most_processes),
            ("0", "4096", "4096"),
            "{said:#?}"
        );
        assert_eq!(descriptors, most_descriptors, "{said:#?}");
        assert!(descriptors.parse::<u64>().is_ok(), "{said:#?}");
        assert_ne!(said.code(), 0, "a limit was raised: {said:#?}");
        // The scratch places are memory, and end somewhere.
        let room = "df --output=size -k /tmp /home/agent /dev/shm | tail -n +2";
        let said = setting.user.agent_does(&["sh", "-c", room]);
        for line in said.stdout.lines() {
            let kibibytes: u64 = line.trim().parse().expect("a number");
            assert!((1..=2 << 20).contains(&kibibytes), "{said:#?}");
        }
        assert_eq!(said.stdout.lines().count(), 3, "{said:#?}");
    });
}
