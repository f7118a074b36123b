//! The git gate of a local bottle, in a sandbox of its own: an agent's real git reaches a real
//! upstream behind `sshd` through it, and the key stays outside.

use std::collections::BTreeSet;
use std::fs;

use harness::gitleaks::gitleaks;
use harness::inventory::wait_until_gone;
use harness::leak::Leaks;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::gated::{assert_nothing, each_gated, in_app, process_named};

#[test]
fn an_agent_works_through_the_gate_and_finds_no_key() {
    each_gated("local: through the gate", |gated| {
        for mode in ["bind", "copy"] {
            gated.manifest(mode, json!({}));
            gated.at.hides_its_key(&gated.setting.user);
        }
        gated.at.is_worked_on(&gated.setting.user);
        assert_nothing(gated.setting);
    });
}

#[test]
fn a_fetch_has_what_upstream_has_now_or_nothing() {
    each_gated("local: fetches", |gated| {
        gated.manifest("none", json!({}));
        let bottle = gated.start();
        let cloned = gated.clone_app(&bottle);
        assert!(cloned.status.success(), "{cloned:#?}");
        let upstream = &gated.at.upstream;
        let second = upstream.commit("main", "Second", &[("file", b"two\n")]);
        let pulled = in_app(&bottle, "git pull -q; git rev-parse HEAD; cat file");
        assert_eq!(pulled.stdout, format!("{second}\ntwo\n"), "{pulled:#?}");
        gated.at.sshd.stop();
        let fetched = in_app(&bottle, "git fetch origin");
        assert!(!fetched.status.success(), "stale: {fetched:#?}");
        assert!(fetched.stderr.contains("upstream"), "{fetched:#?}");
        let list = gated.setting.user.run(&["list"]).stdout;
        let last_word = |line: &str| line.split_whitespace().last().map(str::to_owned);
        let head = list.lines().next().and_then(last_word);
        assert_eq!(head.as_deref(), Some("GIT-GATE"), "{list}");
        let row = list.lines().find(|line| line.contains(bottle.slug()));
        assert_eq!(row.and_then(last_word).as_deref(), Some("up"), "{list}");
        let follow = ["logs", bottle.slug(), "git-gate", "--follow"];
        let refused = gated.setting.user.bottle(&follow).start().line();
        assert!(refused.starts_with("bottle-gate: app: "), "{refused}");
        assert!(refused.contains("refused"), "{refused}");
        let processes = bottle.processes();
        let ended = bottle.end_by(Signal::TERM);
        assert_eq!(ended.code(), 128 + Signal::TERM.as_raw(), "{ended:#?}");
        wait_until_gone(&processes);
        assert_nothing(gated.setting);
    });
}

#[test]
fn the_key_is_in_no_argument_no_variable_and_no_log() {
    each_gated("local: the key outside", |gated| {
        gated.manifest("none", json!({}));
        let bottle = gated.start();
        let cloned = gated.clone_app(&bottle);
        assert!(cloned.status.success(), "{cloned:#?}");
        let key = fs::read_to_string(gated.at.sshd.identity()).expect("a private key");
        let lines: Vec<&str> = key.lines().filter(|line| line.len() > 60).collect();
        let leaks = Leaks::of(&lines);
        for process in bottle.processes() {
            for part in ["cmdline", "environ"] {
                // Of a user's own, some are not the user's to read.
                let octets = fs::read(format!("/proc/{process}/{part}")).unwrap_or_default();
                leaks.stream(format!("{process}'s {part}")).feed(&octets);
            }
        }
        let log = gated.setting.user.run(&["logs", bottle.slug(), "git-gate"]);
        assert_eq!(log.code(), 0, "{log:#?}");
        leaks.stream("the log").feed(log.stdout.as_bytes());
        leaks.stream("the launcher").feed(bottle.told().as_bytes());
        leaks.assert_none();
        let state = gated.setting.user.path("state/bottle");
        let looked = bottle.exec(&["ls", &state.display().to_string(), "/run/bottle-gate"]);
        assert!(looked.stdout.is_empty(), "{looked:#?}");
    });
}

/// Says what it sees, and serves nobody.
const LOOK: &str = r#"{
    echo "args $*"
    env | sed 's/^/env /'
    echo "user $(id -u)"
    sed -n 's/^\(CapEff\|CapBnd\|NoNewPrivs\):[[:space:]]*/\1 /p' /proc/self/status
    echo "net $(readlink /proc/self/ns/net)"
    ls -A / | sed 's/^/root /'
    ls /proc/self/fd | sed 's/^/fd /'
    echo "input $(readlink /proc/self/fd/0)"
    for place in / /usr /etc /run /run/bottle /run/bottle-gate /dev /proc /git /tmp; do
        (touch "$place/x") 2>/dev/null && echo "writes $place"
    done
    (cd /run/bottle-gate && find . -type f | sort | while read -r file; do
        stat -c "state %n %a %u" "$file"
    done)
    unshare --user true 2>/dev/null && echo "namespaces"
} >&2
echo ready
exec sleep 1000"#;

#[test]
fn the_gate_sees_its_state_and_nothing_else() {
    each_gated("local: what the gate sees", |gated| {
        gated.manifest("bind", json!({}));
        gated.script(LOOK);
        // As a terminal or an editor would leave one.
        gated
            .setting
            .launch_through(&["sh", "-c", "exec 7</; exec \"$@\"", "sh"]);
        let bottle = gated.start();
        let slug = bottle.slug().to_owned();
        let said = gated.setting.user.run(&["logs", &slug, "git-gate"]).stdout;
        let all = |kind: &str| -> BTreeSet<&str> {
            let kind = format!("{kind} ");
            said.lines()
                .filter_map(|line| line.strip_prefix(&kind))
                .collect()
        };
        let words = "serve --listener stdin --state /run/bottle-gate --mirrors /git";
        assert_eq!(all("args"), BTreeSet::from([words]), "{said}");
        let own = ["PATH", "PWD", "OLDPWD", "SHLVL", "_"];
        for variable in all("env") {
            let name = variable.split('=').next().unwrap_or_default();
            assert!(own.contains(&name), "{said}");
        }
        assert_eq!(all("user"), BTreeSet::from(["1000"]), "{said}");
        for (kind, value) in [
            ("CapEff", "0000000000000000"),
            ("CapBnd", "0000000000000000"),
            ("NoNewPrivs", "1"),
        ] {
            assert_eq!(all(kind), BTreeSet::from([value]), "{said}");
        }
        let net = fs::read_link("/proc/self/ns/net").expect("/proc");
        let net = net.display().to_string();
        assert_eq!(all("net"), BTreeSet::from([net.as_str()]), "{said}");
        let root = [
            "bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "dev", "etc", "git", "proc",
            "run", "tmp", "work",
        ];
        // Of the way to the scanner there may be folders, with nothing else in them.
        let scanner = gitleaks("local: what the gate sees").expect("it");
        let first = scanner.components().nth(1).expect("a folder");
        let first = first.as_os_str().to_str().expect("text");
        for name in all("root") {
            assert!(root.contains(&name) || name == first, "{said}");
        }
        // The fourth is that of who looks.
        assert_eq!(all("fd"), BTreeSet::from(["0", "1", "2", "3"]), "{said}");
        assert!(
            all("input")
                .iter()
                .all(|input| input.starts_with("socket:"))
        );
        assert_eq!(all("writes"), BTreeSet::from(["/git", "/tmp"]), "{said}");
        let state = ["./gate.json", "./keys/app", "./known_hosts/app"];
        let state = state.map(|file| format!("{file} 600 1000"));
        let state = state.iter().map(String::as_str).collect();
        assert_eq!(all("state"), state, "{said}");
        assert!(!said.contains("namespaces"), "{said}");
        let gate = process_named(&bottle, "sleep");
        kill(gate);
        let told = bottle.wait_for_word("git-gate ended");
        assert!(
            told.contains("the agent's fetches and pushes fail"),
            "{told}"
        );
        assert_eq!(bottle.ask(&["echo", "on"]), "on\n");
        let list = gated.setting.user.run(&["list"]).stdout;
        let row = list.lines().find(|line| line.contains(&slug)).expect("it");
        assert!(row.trim_end().ends_with("ended"), "{list}");
        let ended = bottle.end_by(Signal::TERM);
        assert_eq!(ended.code(), 128 + Signal::TERM.as_raw(), "{ended:#?}");
        assert_nothing(gated.setting);
    });
}

fn kill(process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    kill_process(process.expect("a process"), Signal::KILL).expect("it runs");
}
