//! A terminal of the agent's own, with a shell in it.

use harness::attempt::PROGRAM;
use harness::chores;
use harness::inventory::{descendants, wait_until_gone};
use harness::local::PYTHON;
use harness::require;
use harness::terminal::Terminal;
use rustix::process::Signal;
use serde_json::json;

use crate::setting::each;

#[test]
fn a_terminal_is_the_agents_own() {
    each("local: a terminal", |setting| {
        let bottle = json!({ "env": { "ATTEMPT": chores::attempt_variable() } });
        setting.manifest_of(bottle, "none");
        chores::terminal(&setting.user);
    });
}

/// Waits until `text` stands on the screen so many times.
fn until(terminal: &Terminal, text: &str, times: usize) {
    let sees = |lines: &[String]| {
        let found = lines.iter().filter(|line| line.contains(text)).count();
        (found >= times).then_some(())
    };
    let seen = terminal.screen().wait(text, sees);
    seen.unwrap_or_else(|| panic!("no {text:?} in {}", terminal.screen().text()));
}

/// A job in the foreground that says when it begins and goes on. What is typed does not yet.
fn job(number: u32) -> String {
    let wait = "sleep 1000 & while :; do wait; done";
    format!("sh -c 'trap \"echo again$((50+{number}))\" CONT; echo job$((40+{number})); {wait}'\n")
}

#[test]
fn jobs_are_stopped_and_interrupted_by_keys() {
    each("local: job control", |setting| {
        setting.manifest(&[], "none");
        let shell = ["bash", "--norc", "--noprofile", "-i"];
        let mut terminal = chores::agent_in_terminal(&setting.user, &shell);
        // What is typed while a key's signal is on its way may be lost with it.
        terminal.type_in("PS1='ready$((60+1))\\n'\n");
        until(&terminal, "ready61", 1);
        terminal.type_in(&job(1));
        until(&terminal, "job41", 1);
        terminal.type_in("\x1a");
        until(&terminal, "Stopped", 1);
        until(&terminal, "ready61", 2);
        terminal.type_in("fg\n");
        until(&terminal, "again51", 1);
        terminal.type_in("\x03");
        until(&terminal, "ready61", 3);
        terminal.type_in("echo code$((100+$?))\n");
        until(&terminal, "code230", 1);
        until(&terminal, "ready61", 4);
        terminal.type_in(&job(2));
        until(&terminal, "job42", 1);
        terminal.type_in("\x1c");
        until(&terminal, "ready61", 5);
        terminal.type_in("echo code$((200+$?))\n");
        until(&terminal, "code331", 1);
        terminal.type_in("exit 7\n");
        let ended = terminal.wait();
        assert_eq!(ended.code(), Some(7), "{}", terminal.screen().text());
    });
}

#[test]
fn a_user_who_closes_the_terminal_or_ends_the_launcher_ends_all() {
    each("local: an ended terminal", |setting| {
        setting.manifest(&[], "none");
        let deaf = "trap '' HUP INT; echo run$((40+2)); while :; do sleep 1000; done";
        for signal in [Signal::TERM, Signal::HUP] {
            let mut terminal = chores::agent_in_terminal(&setting.user, &["sh", "-c", deaf]);
            until(&terminal, "run42", 1);
            let processes = descendants(terminal.pid());
            assert!(processes.len() > 1, "{processes:?}");
            terminal.signal(signal);
            let ended = terminal.wait();
            let expected = Some(128 + signal.as_raw());
            assert_eq!(ended.code(), expected, "{}", terminal.screen().text());
            wait_until_gone(&processes);
        }
    });
}

/// Without a terminal of its own, an agent has none: not its user's, from which its launcher runs.
#[test]
fn the_users_terminal_is_out_of_reach_of_an_agent_without_one() {
    each("local: the user's terminal", |setting| {
        setting.manifest(&[], "none");
        let forge = [PYTHON, "-c", PROGRAM, "type_in", "/dev/tty", "forged\n"];
        let start = setting.user.start_arguments(&forge);
        let launcher = setting.user.launcher().iter().map(String::as_str);
        let in_pipes = "\"$@\" </dev/null 2>/dev/null | cat";
        let words = ["-c", in_pipes, "sh"].into_iter();
        let bottle: Vec<&str> = words.clone().chain(launcher).chain(start).collect();
        let outside: Vec<&str> = words.chain(forge).collect();
        for (words, why, typed) in [(bottle, "\"ENXIO\"", 0), (outside, "\"7 octets\"", 7)] {
            let shell = require::find("sh").expect("sh");
            let mut terminal = Terminal::running(&shell, &words, |command| {
                setting.user.furnish(command);
            });
            assert!(terminal.wait().success(), "{}", terminal.screen().text());
            until(&terminal, why, 1);
            assert_eq!(terminal.waiting(), typed, "{}", terminal.screen().text());
        }
    });
}
