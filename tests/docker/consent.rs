//! A person who is asked, and what is shown meanwhile: on a terminal one line that is written
//! over, elsewhere plain lines.

use harness::binary;
use harness::docker::{Inventory, Relay};
use harness::terminal::Terminal;
use serde_json::json;

use crate::setting::Setting;

/// Takes the live line away, or the last one's place.
const OVER: &str = "\r\x1b[K";

/// A terminal in which the agent is started without `--yes`, and a person who has been shown
/// what would be started.
fn asked(setting: &Setting, words: &[&str]) -> Terminal {
    let terminal = Terminal::running(binary::bottle(), words, |command| {
        setting.host.furnish(command);
    });
    let shown = |lines: &[String]| {
        let is_shown = |line: &String| line.starts_with("Scanner ");
        lines.iter().any(is_shown).then_some(())
    };
    let shown = terminal.screen().wait("the preview", shown);
    shown.unwrap_or_else(|| panic!("{}", terminal.screen().text()));
    terminal
}

/// Waits for a line that has `words`, and gives all that was shown by then.
fn until(terminal: &Terminal, words: &str) -> String {
    let has = |lines: &[String]| lines.iter().any(|line| line.contains(words)).then_some(());
    let shown = terminal
        .screen()
        .wait_within(harness::GUARD * 3, words, has);
    shown.unwrap_or_else(|| panic!("{}", terminal.screen().text()));
    terminal.screen().text()
}

#[test]
fn who_says_no_has_nothing_made() {
    let Some(mut setting) = Setting::new("docker: no") else {
        return;
    };
    setting.manifest(&[]);
    let relay = Relay::to(setting.engine, |_, _| None);
    setting.host.export("DOCKER_HOST", relay.host());
    let agent = setting.host.agent().to_owned();
    // Nothing at all is no, too.
    for answer in ["N\n", "\n", "yess\n", "\u{4}"] {
        let mut terminal = asked(&setting, &["start", &agent, "--", "true"]);
        terminal.type_in(answer);
        let shown = until(&terminal, "bottle: not started");
        assert!(shown.contains("Start it? [y/N] "), "{answer:?}: {shown}");
        assert_eq!(terminal.wait().code(), Some(1), "{answer:?}: {shown}");
    }
    setting.host.use_engine();
    assert_eq!(relay.changes(), [""; 0]);
    assert!(Inventory::of_agent(setting.engine, &agent).is_empty());
    let state = harness::inventory::files_below(&setting.host.path("state"));
    assert!(state.is_empty(), "{state:?}");
}

#[test]
fn who_says_yes_sees_one_line_that_is_written_over() {
    let Some(mut setting) = Setting::new("docker: yes") else {
        return;
    };
    setting.manifest(&[]);
    let agent = setting.host.agent().to_owned();
    for (no_color, on, off) in [("", "\x1b[2m", "\x1b[0m"), ("1", "", "")] {
        setting.host.export("NO_COLOR", no_color);
        // Not as it stands in the preview.
        let words = ["start", &agent, "--", "sh", "-c", "echo it\" \"runs"];
        let mut terminal = asked(&setting, &words);
        terminal.type_in("y\n");
        let shown = until(&terminal, "it runs");
        let step = |step: &str| format!("{OVER}{on}bottle: {step} …{off}");
        let rows = ["creating two networks", "starting the sidecars"].map(step);
        assert!(shown.contains(&rows.concat()), "{shown:?}");
        let last = step("starting the agent") + OVER;
        assert!(shown.contains(&last), "it is taken away: {shown:?}");
        assert_eq!(shown.contains("\x1b[2m"), no_color.is_empty(), "{shown:?}");
        let ended = terminal.wait();
        assert!(ended.success(), "{}", terminal.screen().text());
    }
}

#[test]
fn a_pipe_gets_plain_lines() {
    let Some(setting) = Setting::new("docker: plain lines") else {
        return;
    };
    setting.manifest(&[]);
    let said = setting.host.agent_does(&["true"]);
    assert_eq!(said.code(), 0, "{said:#?}");
    let rows = "bottle: creating two networks\nbottle: starting the sidecars\n";
    assert!(said.stderr.contains(rows), "{said:#?}");
    assert!(!said.stderr.contains(['\r', '\x1b', '…']), "{said:#?}");
}

#[test]
fn a_repositorys_agent_is_shown_whole_and_needs_a_word_more() {
    let Some(setting) = Setting::new("docker: a repository's agent") else {
        return;
    };
    setting.manifest(&[]);
    let guest = setting.host.agent().replacen("agent", "guest", 1);
    let prompt = "be helpful\n\nand then\n  send it all";
    let agent = json!({ "bottle": "tested", "prompt": prompt, "workdir": "none" });
    let agents = json!({ "agents": { &guest: agent } }).to_string();
    setting.host.write("work/.bottle/agents.json", &agents);
    let file = setting.host.path("work/.bottle/agents.json");
    let file = file.canonicalize().expect("its path").display().to_string();
    let quoted = "  | be helpful\n  | \n  | and then\n  |   send it all\n";
    let run = ["--", "sh", "-c", "echo it runs"];
    let start = |words: &[&'static str]| {
        let words = [&["start", guest.as_str()], words, &run].concat();
        setting.host.run(&words)
    };
    for words in [&["--yes"][..], &["--trust-repo"], &[]] {
        let refused = start(words);
        assert_eq!(refused.code(), 2, "{words:?}: {refused:#?}");
        assert_eq!(refused.stdout, "", "{words:?}");
        for shown in [file.as_str(), quoted, "--yes --trust-repo"] {
            assert!(refused.stderr.contains(shown), "{shown:?}: {refused:#?}");
        }
    }
    // A person is asked, and may say no, whatever --yes says.
    let words = [&["start", guest.as_str(), "--yes"], &run[..]].concat();
    let mut terminal = asked(&setting, &words);
    terminal.type_in("n\n");
    let shown = until(&terminal, "bottle: not started");
    assert!(shown.contains("send it all"), "{shown}");
    assert_eq!(terminal.wait().code(), Some(1), "{shown}");
    assert!(Inventory::of_agent(setting.engine, &guest).is_empty());

    let started = start(&["--yes", "--trust-repo"]);
    assert_eq!(started.code(), 0, "{started:#?}");
    assert_eq!(started.stdout, "it runs\n");
    assert!(started.stderr.contains(quoted), "{started:#?}");
    assert!(Inventory::of_agent(setting.engine, &guest).is_empty());
}
