//! Bottles that live side by side, lose their engine, and end, however they end.

use std::fs;
use std::path::Path;

use harness::inventory::{files_below, wait_until_gone};
use harness::local::{PYTHON, slugs};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::setting::{Setting, bearer, each, unused};

const CALL: [&str; 3] = ["curl", "-sS", "http://cred-proxy:9099/api/"];

/// Fails if anything of the user's bottles is left: state, or what only root makes.
fn assert_nothing(setting: &Setting) {
    let left = files_below(&setting.user.path("state/bottle"));
    assert!(left.is_empty(), "{left:?}");
    let common = fs::read_dir("/var/tmp").expect("a folder");
    let names = common.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let ours: Vec<String> = names
        .filter(|name| name.contains(setting.user.agent()))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}

fn end_by_force(process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let process = process.expect("a process");
    kill_process(process, Signal::KILL).expect("it runs");
}

#[test]
fn two_bottles_of_one_agent_live_in_one_directory() {
    each("local: two bottles", |setting| {
        let service = setting.service();
        setting.manifest(&[bearer("/api/", &service.url())], "bind");
        let (one, two) = (setting.start(), setting.start());
        assert_ne!(one.slug(), two.slug());
        one.ask(&["sh", "-c", "echo shared >file"]);
        assert_eq!(two.ask(&["cat", "file"]), "shared\n");
        assert_eq!(
            (one.ask(&CALL), two.ask(&CALL)),
            ("fine".to_owned(), "fine".to_owned())
        );
        let slug = one.slug().to_owned();
        assert_eq!(one.end_by(Signal::TERM).code(), 128 + Signal::TERM.as_raw());
        let list = setting.user.run(&["list"]).stdout;
        assert!(list.contains(two.slug()) && !list.contains(&slug), "{list}");
        assert_eq!(two.ask(&CALL), "fine");
        // What both need of the directory stays with the last of them.
        let hook = two.exec(&["sh", "-c", "echo >.bottle/agents.json"]);
        assert!(!hook.status.success(), "{hook:#?}");
        assert_eq!(two.end_by(Signal::TERM).code(), 128 + Signal::TERM.as_raw());
        assert_nothing(setting);
        assert!(!setting.user.path("work/.bottle").exists(), "a mount point");
        assert_eq!(service.requests().len(), 3);
    });
}

#[test]
fn a_signal_ends_all_of_it() {
    each("local: signals", |setting| {
        setting.manifest(&[unused()], "bind");
        for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
            let bottle = setting.start();
            let deaf = "trap '' TERM INT HUP QUIT; setsid sleep 1000 & sleep 1000 & echo on";
            bottle.ask(&["sh", "-c", &format!("({deaf}) >/dev/null 2>&1 & echo on")]);
            let processes = bottle.processes();
            assert!(processes.len() > 4, "{processes:?}");
            let ended = bottle.end_by(signal);
            assert_eq!(ended.code(), 128 + signal.as_raw(), "{ended:#?}");
            wait_until_gone(&processes);
            assert_nothing(setting);
        }
        assert!(!setting.user.path("work/.bottle").exists(), "a mount point");
    });
}

#[test]
fn an_agents_end_ends_what_it_left_behind() {
    each("local: left behind", |setting| {
        setting.manifest(&[unused()], "none");
        let bottle = setting.start();
        bottle.ask(&["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & echo on"]);
        let processes = bottle.processes();
        // Its input ends, and then it does.
        let ended = bottle.finish();
        assert_eq!(ended.code(), 0, "{ended:#?}");
        wait_until_gone(&processes);
        assert_nothing(setting);
    });
}

#[test]
fn a_launcher_that_is_killed_takes_everything_with_it_but_its_state() {
    each("local: killed", |setting| {
        setting.user.write("work/file", "a file\n");
        for mode in ["bind", "copy"] {
            setting.manifest(&[unused()], mode);
            let bottle = setting.start();
            bottle.ask(&["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & echo on"]);
            let slug = bottle.slug().to_owned();
            let other = setting.start();
            let processes = bottle.processes();
            bottle.signal(Signal::KILL);
            let ended = bottle.finish();
            assert_eq!(ended.status.code(), None, "{ended:#?}");
            wait_until_gone(&processes);
            let list = setting.user.run(&["list"]).stdout;
            assert!(list.contains(&format!("bottle cleanup {slug}")), "{list}");
            let unasked = setting.user.run(&["cleanup"]);
            assert_eq!(unasked.code(), 2, "{unasked:#?}");
            assert!(slugs(&setting.user).contains(&slug), "{unasked:#?}");
            let cleaned = setting.user.run(&["cleanup", "--yes"]);
            assert_eq!(cleaned.code(), 0, "{cleaned:#?}");
            assert!(cleaned.stderr.contains(&slug), "{cleaned:#?}");
            // Not the one that runs.
            let left = slugs(&setting.user);
            assert_eq!(left.iter().collect::<Vec<_>>(), [other.slug()]);
            assert_eq!(other.ask(&["echo", "on"]), "on\n");
            assert_eq!(
                other.end_by(Signal::TERM).code(),
                128 + Signal::TERM.as_raw()
            );
            assert_nothing(setting);
            let names = files_below(&setting.user.work());
            assert_eq!(names.len(), 1, "{names:?}");
        }
    });
}

/// Goes on after Ctrl-C, with a call.
const GOES_ON: &str = "import signal, subprocess, sys
key = {signal.SIGINT}
signal.pthread_sigmask(signal.SIG_BLOCK, key)
print('ready', flush=True)
signal.sigwait(key)
call = ['curl', '-sS', 'http://cred-proxy:9099/api/']
print('caught', subprocess.run(call, capture_output=True).stdout.decode(), flush=True)
sys.exit(7)";

#[test]
fn a_key_that_ends_programs_is_the_agents_to_take() {
    each("local: a key", |setting| {
        let service = setting.service();
        setting.manifest(&[bearer("/api/", &service.url())], "none");
        setting.launch_through(&["setsid"]);
        let arguments = setting.user.start_arguments(&[PYTHON, "-c", GOES_ON]);
        let mut launcher = setting.user.bottle(&arguments).start();
        assert_eq!(launcher.line(), "ready");
        // To all that are of the launcher's group, as a terminal sends it.
        let group = i32::try_from(launcher.pid()).ok().and_then(Pid::from_raw);
        kill_process_group(group.expect("a process"), Signal::INT).expect("it runs");
        assert_eq!(launcher.line(), "caught fine");
        let ended = launcher.end();
        assert_eq!(ended.code(), 7, "{ended:#?}");
        assert_nothing(setting);
    });
}

#[test]
fn an_engine_that_dies_is_seen_and_told() {
    each("local: a dead engine", |setting| {
        let service = setting.service();
        setting.manifest(&[bearer("/api/", &service.url())], "none");
        let bottle = setting.start();
        assert_eq!(bottle.ask(&CALL), "fine");
        end_by_force(bottle.engine());
        bottle.wait_for_word("cred-proxy ended");
        let call = bottle.exec(&CALL);
        assert!(!call.status.success(), "{call:#?}");
        assert_eq!(bottle.ask(&["echo", "on"]), "on\n");
        assert_eq!(
            bottle.end_by(Signal::TERM).code(),
            128 + Signal::TERM.as_raw()
        );
        assert_nothing(setting);
    });
}

#[test]
fn an_engine_is_in_none_of_its_agents_namespaces() {
    each("local: namespaces", |setting| {
        setting.manifest(&[unused()], "none");
        let bottle = setting.start();
        let kinds = ["user", "pid", "net", "ipc", "uts", "mnt", "cgroup"];
        let engine = bottle.engine();
        for kind in kinds {
            let inside = bottle.ask(&["readlink", &format!("/proc/self/ns/{kind}")]);
            let of = |process: u32| {
                let link = fs::read_link(Path::new("/proc").join(format!("{process}/ns/{kind}")));
                link.map(|link| format!("{}\n", link.display()))
            };
            let own = of(std::process::id()).expect("oneself");
            assert_ne!(inside, own, "{kind}");
            // Which ones a process is in, that lets nobody look, only root sees.
            match of(engine) {
                Ok(engines) => assert_eq!(engines, own, "{kind}"),
                Err(_) => assert!(!rustix::process::geteuid().is_root()),
            }
        }
    });
}
