//! The git gate of a local bottle, in a sandbox of its own: an agent's real git reaches a real
//! upstream behind `sshd` through it, and the key stays outside.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::bare_repository::{BareRepository, ObjectFormat};
use harness::gitleaks::{FORGE_KEY_RULE, forge_key, gitleaks};
use harness::inventory::{files_below, wait_until_gone};
use harness::leak::Leaks;
use harness::local::{LocalBottle, slugs};
use harness::sshd::{GitService, Sshd, make_key};
use harness::{Finished, binary};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::setting::{ANOTHER, Setting, each};

/// A setting whose gate serves one repository of a real upstream.
struct Gated<'a> {
    setting: &'a mut Setting,
    sshd: Sshd,
    upstream: BareRepository,
}

impl<'a> Gated<'a> {
    /// One, or a skip told under the name of `test`.
    fn new(test: &str, setting: &'a mut Setting) -> Option<Gated<'a>> {
        let scanner = gitleaks(test)?;
        let sshd = Sshd::start(test)?;
        let upstream = sshd.repository("app", ObjectFormat::Sha1);
        upstream.commit("main", "First", &[("file", b"one\n")]);
        assert!(binary::bottle_gate().exists());
        setting.user.export("BOTTLE_SCANNER", scanner.display());
        if setting.user.launcher().len() > 1 {
            be_known(setting);
        }
        let mut gated = Gated {
            setting,
            sshd,
            upstream,
        };
        gated.identity(&gated.sshd.identity());
        Some(gated)
    }

    /// Has the user's key be a copy of this one.
    fn identity(&mut self, key: &Path) {
        let text = fs::read_to_string(key).expect("a private key");
        self.setting.user.write("home/.ssh/gate", &text);
        let file = self.setting.user.path("home/.ssh/gate");
        fs::set_permissions(file, Permissions::from_mode(0o600)).expect("set");
    }

    /// Writes the manifest, with `more` said of the repository.
    fn manifest(&self, mode: &str, more: Value) {
        let mut repository = json!({
            "url": self.sshd.url(&self.upstream),
            "identity": "~/.ssh/gate",
            "host_key": self.sshd.host_key(),
        });
        for (key, value) in more.as_object().expect("an object") {
            repository[key] = value.clone();
        }
        let user = json!({ "name": "Agent", "email": "agent@example.test" });
        let gate = json!({ "user": user, "repos": { "app": repository } });
        let bottle = json!({ "git_gate": gate, "env": { "GIT_TERMINAL_PROMPT": "0" } });
        self.setting.manifest_of(bottle, mode);
    }

    /// Has the gate be this script.
    fn script(&mut self, text: &str) {
        self.setting
            .user
            .write("bin/gate", &format!("#!/bin/sh\n{text}\n"));
        let file = self.setting.user.path("bin/gate");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("set");
        self.setting.user.export("BOTTLE_GATE", file.display());
    }

    /// What must never be seen inside: the lines of the private key.
    fn key(&self) -> Vec<String> {
        let text = fs::read_to_string(self.sshd.identity()).expect("a private key");
        let lines = text.lines().filter(|line| !line.starts_with("-----"));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        assert!(lines.len() > 3, "{}", lines.len());
        lines
    }

    fn start(&self) -> LocalBottle {
        self.setting.start()
    }

    /// Has the agent clone, under the upstream's own address.
    fn clone_app(&self, bottle: &LocalBottle) -> Finished {
        bottle.exec(&["git", "clone", "-q", &self.sshd.url(&self.upstream), "app"])
    }
}

/// Has this machine know the user who is another: `ssh-keygen` asks for the name.
fn be_known(setting: &mut Setting) {
    let known = fs::read_to_string("/etc/passwd").expect("users");
    let line = format!("another:x:{ANOTHER}:{ANOTHER}::/nonexistent:/bin/sh\n");
    setting.user.write("passwd", &(known + &line));
    let file = setting.user.path("passwd").display().to_string();
    let mount = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
    setting.launch_through(&["unshare", "--mount", "sh", "-c", mount, &file]);
}

/// Does `work` with a gated setting, as [`each`].
fn each_gated(test: &str, work: impl Fn(&mut Gated<'_>)) {
    each(test, |setting| {
        if let Some(mut gated) = Gated::new(test, setting) {
            work(&mut gated);
        }
    });
}

/// Has the agent run a script in its clone.
fn in_app(bottle: &LocalBottle, script: &str) -> Finished {
    bottle.exec(&["sh", "-ec", &format!("cd app\n{script}")])
}

/// Fails if anything of the user's bottles is left.
fn assert_nothing(setting: &Setting) {
    let left = files_below(&setting.user.path("state/bottle"));
    assert!(left.is_empty(), "{left:?}");
}

/// Fails unless the start was refused for a reason that has all of `words`, no agent ran and
/// nothing is left.
fn assert_refused(setting: &Setting, ended: &Finished, words: &[&str]) {
    assert_eq!(ended.code(), 1, "{ended:#?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{word} in {ended:#?}");
    }
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
    assert_eq!(ended.stdout, "", "an agent ran: {ended:#?}");
    let states = fs::read_dir(setting.user.path("state/bottle"));
    assert_eq!(states.into_iter().flatten().count(), 0, "the state");
}

/// The process of that name below the launcher.
fn process_named(bottle: &LocalBottle, wanted: &str) -> u32 {
    let is_it = |process: &u32| {
        let name = fs::read_to_string(format!("/proc/{process}/comm"));
        name.is_ok_and(|name| name.trim() == wanted)
    };
    let found: Vec<u32> = bottle.processes().into_iter().filter(is_it).collect();
    *found.first().unwrap_or_else(|| panic!("no {wanted}"))
}

const RUN: [&str; 3] = ["sh", "-c", "echo ran"];

#[test]
fn an_agents_git_reaches_its_upstream_through_the_gate_alone() {
    each_gated("local: through the gate", |gated| {
        gated.manifest("none", json!({}));
        let bottle = gated.start();
        let cloned = gated.clone_app(&bottle);
        assert!(cloned.status.success(), "{cloned:#?}");
        assert_eq!(bottle.ask(&["cat", "app/file"]), "one\n");
        // What upstream has now, not what it had at the start.
        let second = gated
            .upstream
            .commit("main", "Second", &[("file", b"two\n")]);
        let fetched = in_app(&bottle, "git pull -q; git rev-parse HEAD");
        assert_eq!(fetched.stdout.trim(), second, "{fetched:#?}");
        let script = "git switch -qc feature; echo three >file; git commit -qam Third
            git push -q origin feature; git rev-parse HEAD";
        let pushed = in_app(&bottle, script);
        assert!(pushed.status.success(), "{pushed:#?}");
        let arrived = gated.upstream.value("refs/heads/feature");
        assert_eq!(arrived.as_deref(), Some(pushed.stdout.trim()));
        assert_eq!(gated.upstream.content("feature", "file"), "three\n");
        // Policy is the gate's, and names the key that would allow it.
        let refused = in_app(&bottle, "git push origin feature:main");
        assert!(!refused.status.success(), "{refused:#?}");
        let key = "git_gate.repos.app.protect_default";
        assert!(refused.stderr.contains(key), "{refused:#?}");
        assert_eq!(gated.upstream.value("refs/heads/main"), Some(second));
        let list = gated.setting.user.run(&["list"]).stdout;
        let columns =
            |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        let head = list.lines().next().map(columns).expect("a head");
        assert_eq!(head.last().map(String::as_str), Some("GIT-GATE"), "{list}");
        let row = list.lines().find(|line| line.contains(bottle.slug()));
        let row = row.map(columns).expect("a row");
        assert_eq!(row.last().map(String::as_str), Some("up"), "{list}");
        let logs = gated.setting.user.run(&["logs", bottle.slug(), "git-gate"]);
        assert_eq!(logs.code(), 0, "{logs:#?}");
        assert!(!logs.stdout.is_empty(), "{logs:#?}");
        let processes = bottle.processes();
        let ended = bottle.end_by(Signal::TERM);
        assert_eq!(ended.code(), 128 + Signal::TERM.as_raw(), "{ended:#?}");
        wait_until_gone(&processes);
        assert_nothing(gated.setting);
    });
}

#[test]
fn a_secret_does_not_pass_and_upstream_is_not_asked() {
    each_gated("local: a secret", |gated| {
        gated.manifest("none", json!({}));
        let bottle = gated.start();
        let cloned = gated.clone_app(&bottle);
        assert!(cloned.status.success(), "{cloned:#?}");
        let before = gated.upstream.refs();
        // A refusal is told with upstream out of reach: the scan has come first.
        gated.sshd.stop();
        let secret = forge_key(1);
        let script = format!(
            "git switch -qc leak; echo 'token = {secret}' >config.ini; git add config.ini
            git commit -qm Settings; git push origin leak"
        );
        let pushed = in_app(&bottle, &script);
        assert!(!pushed.status.success(), "{pushed:#?}");
        for word in [FORGE_KEY_RULE, "config.ini"] {
            assert!(pushed.stderr.contains(word), "{pushed:#?}");
        }
        for word in [
            secret.as_str(),
            "refused the connection",
            "Connection refused",
        ] {
            assert!(!pushed.stderr.contains(word), "{pushed:#?}");
        }
        assert_eq!(gated.upstream.refs(), before);
        let fetched = in_app(&bottle, "git fetch origin");
        assert!(!fetched.status.success(), "stale: {fetched:#?}");
        assert!(fetched.stderr.contains("upstream"), "{fetched:#?}");
    });
}

#[test]
fn the_key_is_nowhere_inside() {
    each_gated("local: the key", |gated| {
        gated.setting.user.write("work/file", "a file\n");
        for mode in ["bind", "copy"] {
            gated.manifest(mode, json!({}));
            let bottle = gated.start();
            let cloned = gated.clone_app(&bottle);
            assert!(cloned.status.success(), "{cloned:#?}");
            let leaks = Leaks::of(&gated.key());
            let seen = "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'";
            let seen = bottle.ask(&["sh", "-c", seen]);
            assert!(seen.matches("HOME=/home/agent").count() > 2, "{seen}");
            leaks.stream("processes").feed(seen.as_bytes());
            // All that is not the system's; what git was told is found there, the key is not.
            let files = "find / -xdev -name usr -prune -o -name proc -prune -o -type f -print0 |
                xargs -0 cat 2>/dev/null; find /home /work /run /tmp /dev -type f -print0 |
                xargs -0 cat 2>/dev/null; cat ~/.gitconfig";
            let files = bottle.ask(&["sh", "-c", files]);
            assert!(files.contains("git://git-gate/app.git"), "{files}");
            leaks.stream("files").feed(files.as_bytes());
            leaks.stream("the launcher").feed(bottle.told().as_bytes());
            let log = gated.setting.user.run(&["logs", bottle.slug(), "git-gate"]);
            leaks.stream("the log").feed(log.stdout.as_bytes());
            for process in bottle.processes() {
                for part in ["cmdline", "environ"] {
                    let octets = fs::read(format!("/proc/{process}/{part}")).unwrap_or_default();
                    leaks.stream(format!("{process}'s {part}")).feed(&octets);
                }
            }
            leaks.assert_none();
            let state = gated.setting.user.path("state/bottle");
            let place = bottle.exec(&["ls", &state.display().to_string(), "/run/bottle-gate"]);
            assert!(place.stdout.is_empty(), "{place:#?}");
        }
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
        assert!(told.contains("the agent's calls fail"), "{told}");
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

#[test]
fn a_gate_that_cannot_be_filled_stops_the_start_with_its_reason() {
    each_gated("local: a gate that is not filled", |gated| {
        let other = gated.sshd.other_host_key();
        gated.manifest("none", json!({ "host_key": other }));
        let ended = gated.setting.user.agent_does(&RUN);
        assert_refused(gated.setting, &ended, &["git-gate", "app", "host key"]);
        gated.manifest("none", json!({}));
        gated.identity(&gated.sshd.strange_identity());
        let ended = gated.setting.user.agent_does(&RUN);
        assert_refused(
            gated.setting,
            &ended,
            &["git-gate", "app", "Permission denied"],
        );
        gated.identity(&gated.sshd.identity());
        gated.sshd.stop();
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
        let words = ["~/.ssh/gate", "passphrase", "git_gate.repos.app.identity"];
        assert_refused(gated.setting, &ended, &words);
        gated.identity(&gated.sshd.identity());
        gated
            .setting
            .user
            .export("BOTTLE_SCANNER", "/nowhere/gitleaks");
        let ended = gated.setting.user.agent_does(&RUN);
        assert_refused(gated.setting, &ended, &["/nowhere/gitleaks", "gitleaks"]);
        assert_eq!(gated.sshd.connections(), 0, "upstream was asked");
    });
}

#[test]
fn a_start_is_ended_while_the_gate_is_filled() {
    each_gated("local: ended while it is filled", |gated| {
        gated.manifest("none", json!({}));
        for signal in [Signal::INT, Signal::TERM] {
            let asked = gated.sshd.commands().len();
            let hold = gated.sshd.hold(GitService::UploadPack);
            let arguments = gated.setting.user.start_arguments(&RUN);
            let launcher = gated.setting.user.bottle(&arguments).start();
            gated
                .sshd
                .wait_for_commands(GitService::UploadPack, asked + 1);
            let processes = harness::inventory::descendants(launcher.pid());
            assert!(processes.len() > 4, "{processes:?}");
            launcher.signal(signal);
            let ended = launcher.end();
            assert_eq!(ended.code(), 128 + signal.as_raw(), "{ended:#?}");
            assert!(ended.stderr.contains("filling the git gate"), "{ended:#?}");
            wait_until_gone(&processes);
            assert_nothing(gated.setting);
            drop(hold);
        }
    });
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
