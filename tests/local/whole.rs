//! An agent at work in a local bottle, from the manifest to the service.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use harness::TOKEN;
use harness::chores::{self, ROLES};
use harness::inventory::files_below;
use harness::model_server::ModelServer;
use harness::origin::Origin;
use rustix::process::Signal;
use serde_json::json;

use crate::setting::{TOKEN_NAME, bearer, each};

#[test]
fn an_agents_calls_carry_our_credential_and_no_other() {
    each("local: calls", |setting| {
        let service = setting.service();
        let mut route = bearer("/api/", &service.url());
        route["deny"] = json!(["PUT /user/keys/**"]);
        setting.manifest(&[route], "none");
        chores::calls(&setting.user, &service);
    });
}

#[test]
fn an_event_stream_arrives_live() {
    each("local: events", |setting| {
        let model = ModelServer::start(setting.tls());
        setting.manifest(&[bearer("/model/", &model.origin().url())], "none");
        chores::event_stream(&setting.user, &model);
    });
}

#[test]
fn an_agents_files_and_variables_are_as_the_roles_say() {
    each("local: roles", |setting| {
        setting.user.export("HOST_ZONE", "Europe/Berlin");
        let url = "https://127.0.0.1:9";
        let routes = ROLES.map(|(path, role)| {
            let mut route = bearer(path, url);
            route["role"] = role.into();
            route
        });
        let environment = json!({ "ZONE": "${HOST_ZONE}", "MARK": "??x" });
        let bottle = json!({ "env": environment, "cred_proxy": { "routes": routes } });
        setting.manifest_of(bottle, "none");
        chores::files_and_variables(&setting.user, url);
    });
}

#[test]
fn no_answer_of_a_service_holds_the_token() {
    each("local: an echo", |setting| {
        let service = Origin::start(Some(setting.tls()), |_, answer| {
            answer.whole("200 OK", &[("set-cookie", "a=b")], b"fine\n")
        });
        setting.manifest(&[bearer("/api/", &service.url())], "none");
        chores::look_for_the_token(&setting.user, &service);
    });
}

#[test]
fn no_token_is_in_what_a_bottle_leaves_on_this_machine_while_it_runs() {
    each("local: state", |setting| {
        let service = setting.service();
        setting.manifest(&[bearer("/api/", &service.url())], "copy");
        let bottle = setting.start();
        bottle.ask(&["curl", "-sS", "http://cred-proxy:9099/api/"]);
        let leaks = setting.leaks();
        let state = files_below(&setting.user.path("state"));
        let files = state
            .iter()
            .filter(|path| fs::metadata(path).is_ok_and(|file| file.is_file()));
        let mut seen = 0;
        for file in files {
            leaks.stream(file).feed(&fs::read(file).expect("a file"));
            seen += 1;
        }
        assert!(seen > 0, "a bottle that runs has a state");
        for process in bottle.processes() {
            let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            leaks.stream(format!("the words of {process}")).feed(&words);
        }
        let logs = setting.user.run(&["logs", bottle.slug()]);
        assert_eq!(logs.code(), 0, "{logs:#?}");
        assert!(logs.stdout.contains("/api/"), "{logs:#?}");
        leaks.stream("the log").feed(logs.stdout.as_bytes());
        let list = setting.user.run(&["list"]);
        assert!(list.stdout.contains(bottle.slug()), "{list:#?}");
        leaks
            .stream("the launcher's words")
            .feed(bottle.told().as_bytes());
        leaks.assert_none();
        let ended = bottle.end_by(Signal::TERM);
        assert_eq!(ended.code(), 128 + Signal::TERM.as_raw(), "{ended:#?}");
        let list = setting.user.run(&["list"]);
        assert!(!list.stdout.contains(setting.user.agent()), "{list:#?}");
        let left = files_below(&setting.user.path("state/bottle"));
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn exit_codes_are_the_agents() {
    each("local: exit codes", |setting| {
        setting.manifest(&[], "none");
        let rows: [(&[&str], i32); 7] = [
            (&["true"], 0),
            (&["sh", "-c", "exit 37"], 37),
            (&["sh", "-c", "exit 255"], 255),
            (&["there-is-no-such-program"], 127),
            (&["/etc/passwd"], 126),
            (&["sh", "-c", "kill -KILL $$"], 128 + 9),
            (&["sh", "-c", "kill -TERM $$"], 128 + 15),
        ];
        for (command, code) in rows {
            let said = setting.user.agent_does(command);
            assert_eq!(said.code(), code, "{command:?}: {said:#?}");
        }
        let absent = setting.user.agent_does(&["there-is-no-such-program"]);
        assert!(
            absent.stderr.contains("there-is-no-such-program"),
            "{absent:#?}"
        );
    });
}

#[test]
fn the_streams_are_the_agents() {
    each("local: streams", |setting| {
        setting.manifest(&[], "none");
        let script = "cat; echo out; echo err >&2";
        let arguments = setting.user.start_arguments(&["sh", "-c", script]);
        // More than any pipe holds, and octets that no terminal would pass.
        let input: Vec<u8> = (0..=255u8).cycle().take(1 << 20).collect();
        let start = || {
            let (program, words) = setting.user.launcher().split_first().expect("a launcher");
            let mut command = Command::new(program);
            command.args(words).args(&arguments).env_clear();
            setting.user.furnish(&mut command);
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            command.stderr(Stdio::piped()).spawn().expect("a launcher")
        };
        let mut child = start();
        let mut pipe = child.stdin.take().expect("a pipe");
        let said = std::thread::scope(|scope| {
            scope.spawn(|| {
                pipe.write_all(&input).expect("a reader");
                drop(pipe);
            });
            child.wait_with_output().expect("an end")
        });
        let complaint = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{complaint}");
        assert_eq!(said.stdout.len(), input.len() + 4);
        assert!(said.stdout.starts_with(&input) && said.stdout.ends_with(b"out\n"));
        assert!(complaint.contains("err\n"), "{complaint}");
        assert!(!complaint.contains("out\n"), "{complaint}");
        let terminal =
            setting
                .user
                .agent_does(&["sh", "-c", "test -t 0 || test -t 1 || test -t 2"]);
        assert_eq!(terminal.code(), 1, "{terminal:#?}");
    });
}

#[test]
fn a_variable_that_names_the_backend_is_as_good_as_the_option() {
    each("local: the option", |setting| {
        setting.manifest(&[], "none");
        let agent = setting.user.agent().to_owned();
        setting.user.forget("BOTTLE_BACKEND");
        let start = [
            "start",
            &agent,
            "--yes",
            "--backend",
            "local",
            "--",
            "hostname",
        ];
        let said = setting.user.run(&start);
        assert_eq!(
            (said.code(), said.stdout.as_str()),
            (0, "bottle\n"),
            "{said:#?}"
        );
        // No Docker answers here: it is said, and no sandbox is done without.
        let said = setting.user.agent_does(&["hostname"]);
        assert_eq!(
            (said.code(), said.stdout.as_str()),
            (0, "bottle\n"),
            "{said:#?}"
        );
        assert!(
            said.stderr.contains("no Docker Engine answers"),
            "{said:#?}"
        );
        assert!(!said.stderr.contains(TOKEN) && !said.stderr.contains(TOKEN_NAME));
    });
}
