//! Claude Code, installed as a user has it, in a local bottle, before a scripted model.

use std::fs;
use std::io;
use std::path::Path;

use harness::TOKEN;
use harness::agent::assert_only_ours;
use harness::answer::{After, Answer};
use harness::local::on_this_machine;
use harness::model_server::{MESSAGES, ModelServer};
use harness::origin::Origin;
use harness::received::Received;
use harness::test_programs::claude_code;
use serde_json::{Value, json};

use crate::setting::{SYSTEM, Setting, bearer, each};

/// Says that the model is behind the route of its role, and puts the client on the user's PATH.
fn furnish(setting: &mut Setting, test: &str, url: &str) -> Option<()> {
    let prefix = fs::canonicalize(claude_code(test)?).expect("a folder");
    let prefix = setting.in_reach(&prefix.join("bin/claude"), &prefix);
    let path = format!("{}:{SYSTEM}", prefix.join("bin").display());
    setting.user.export("PATH", path);
    let mut route = bearer("/anthropic/", url);
    route["role"] = "anthropic-base-url".into();
    setting.manifest(&[route], "bind");
    Some(())
}

/// Fails if anything but calls of the model came, or one brought the client's own credential.
fn assert_calls(requests: &[Received], count: usize) {
    assert_only_ours(requests, "authorization", &format!("Bearer {TOKEN}"));
    let calls = requests
        .iter()
        .filter(|request| request.method == "POST" && request.target.starts_with("/v1/messages"));
    assert_eq!(calls.count(), count, "{requests:#?}");
}

#[test]
fn a_turn_streams() {
    let test = "local: Claude Code";
    each(test, |setting| {
        let model = ModelServer::start(setting.tls());
        let Some(()) = furnish(setting, test, &model.origin().url()) else {
            return;
        };
        let words =
            "claude -p hello --verbose --include-partial-messages --output-format stream-json";
        let words: Vec<&str> = words.split(' ').collect();
        let mut agent = setting
            .user
            .bottle(&setting.user.start_arguments(&words))
            .start();
        for (_, text) in MESSAGES {
            model.release();
            // Each piece is there before the next is made.
            let wanted = format!("\"text\":\"{text}\"");
            while !text.is_empty() && !agent.line().contains(&wanted) {}
        }
        let ended = agent.finish();
        assert_eq!(ended.code(), 0, "{ended:#?}");
        let last = ended.stdout.lines().last().unwrap_or_default();
        let result: Value = serde_json::from_str(last).expect("JSON");
        assert_eq!(result["result"], "onetwo", "{ended:#?}");
        assert_eq!(result["is_error"], false, "{ended:#?}");
        assert_calls(&model.origin().requests(), 1);
    });
}

/// What the model has the client run: it can tell where it is.
const TOOL: &str =
    "hostname >made-by-the-tool; id -u >>made-by-the-tool; ls / >&2; echo tool-output";

/// First asks for a tool, then, with its answer, says what that was.
fn converse(request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    if request.method != "POST" {
        return answer.whole("404 Not Found", &[], b"");
    }
    let body = String::from_utf8_lossy(&request.body);
    let is_answered = body.contains("\"tool_result\"");
    let block = match is_answered {
        true => json!({ "type": "text", "text": "" }),
        false => json!({ "type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {} }),
    };
    let input = json!({ "command": TOOL, "description": "Make a file" }).to_string();
    let delta = match (is_answered, body.contains("tool-output")) {
        (true, seen) => json!({ "type": "text_delta", "text": format!("seen: {seen}") }),
        (false, _) => json!({ "type": "input_json_delta", "partial_json": input }),
    };
    let reason = if is_answered { "end_turn" } else { "tool_use" };
    let usage = json!({ "input_tokens": 3, "output_tokens": 2 });
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    let end = json!({ "stop_reason": reason, "stop_sequence": null });
    answer.begin_chunked("200 OK", &[("content-type", "text/event-stream")])?;
    for (name, event) in [
        ("message_start", json!({ "message": message })),
        (
            "content_block_start",
            json!({ "index": 0, "content_block": block }),
        ),
        ("content_block_delta", json!({ "index": 0, "delta": delta })),
        ("content_block_stop", json!({ "index": 0 })),
        ("message_delta", json!({ "delta": end, "usage": usage })),
        ("message_stop", json!({})),
    ] {
        let mut event = event;
        event["type"] = name.into();
        answer.chunk(format!("event: {name}\ndata: {event}\n\n").as_bytes())?;
    }
    answer.end_chunked()
}

#[test]
fn a_tool_runs_in_the_sandbox_and_its_file_stays() {
    let test = "local: Claude Code's tool";
    each(test, |setting| {
        let model = Origin::start(Some(setting.tls()), converse);
        let Some(()) = furnish(setting, test, &model.url()) else {
            return;
        };
        let words = "claude -p hello --allowedTools Bash --output-format json";
        let said = setting
            .user
            .agent_does(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(said.code(), 0, "{said:#?}");
        let result: Value = serde_json::from_str(said.stdout.trim()).expect("JSON");
        assert_eq!(result["result"], "seen: true", "{said:#?}");
        let made = fs::read_to_string(setting.user.path("work/made-by-the-tool"));
        assert_eq!(made.expect("a file"), "bottle\n1000\n", "{said:#?}");
        assert_calls(&model.requests(), 2);
        assert!(!setting.user.path("home/.claude.json").exists());
    });
}

impl Setting {
    /// A folder with a program in it that the user can run, or a copy that the user can.
    fn in_reach(&self, program: &Path, folder: &Path) -> std::path::PathBuf {
        let launcher = self.user.launcher().split_last().expect("a launcher").1;
        let launcher = launcher.iter().map(String::as_str);
        let program = program.display().to_string();
        let look: Vec<&str> = launcher.chain(["test", "-x", &program]).collect();
        if on_this_machine(&look).status.success() {
            return folder.to_owned();
        }
        let copy = self.user.path("home/.npm-global");
        let (from, to) = (folder.display().to_string(), copy.display().to_string());
        let said = on_this_machine(&["cp", "-a", &from, &to]);
        assert!(said.status.success(), "{said:#?}");
        copy
    }
}
