//! What an agent does in a bottle, and what must come of it wherever the bottle is.

use std::path::Path;

use crate::agent::{AGENTS_OWN, assert_only_ours};
use crate::leak::Leaks;
use crate::model_server::{ModelServer, PLAIN};
use crate::origin::Origin;
use crate::process::GUARD;
use crate::proxy::TOKEN;
use crate::terminal::Terminal;
use crate::user::User;
use crate::{attempt, require};

/// What an agent tries at an API: each line is a call's status and body.
const CALLS: &str = r#"
call() { curl -sS -w ' %{http_code}\n' "$@" | tr '\n' ' '; echo; }
url=http://cred-proxy:9099
call $url/api/user
call -H 'Authorization: Bearer agents-own-placeholder' -H 'x-api-key: agents-own-placeholder' $url/api/user
call $url/nowhere/user
call -X PUT -d key $url/api/user/keys
call $url/api/owner/app.git/info/refs?service=git-receive-pack
python3 -c "import urllib.request as r; print(r.urlopen('$url/api/python').status)"
"#;

/// Calls by the route `/api/`, which leads to `service` and denies `PUT /user/keys/**`.
///
/// # Panics
/// When one does not end as it must, or brings more than our credential.
pub fn calls(user: &User, service: &Origin) {
    let said = user.agent_does(&["sh", "-c", CALLS]);
    assert_eq!(said.code(), 0, "{said:#?}");
    let lines: Vec<&str> = said.stdout.lines().collect();
    let statuses = ["200", "200", "404", "403", "403", "200"];
    assert_eq!(lines.len(), statuses.len(), "{said:#?}");
    for (line, status) in lines.iter().zip(statuses) {
        assert!(line.trim_end().ends_with(status), "{status}: {said:#?}");
    }
    let requests = service.requests();
    let targets: Vec<&str> = requests.iter().map(|one| one.target.as_str()).collect();
    assert_eq!(targets, ["/user", "/user", "/python"]);
    assert_only_ours(&requests, "authorization", &format!("Bearer {TOKEN}"));
    assert!(CALLS.contains(AGENTS_OWN));
}

/// A stream of events by the route `/model/`.
///
/// # Panics
/// When one does not come before the next is made.
pub fn event_stream(user: &User, model: &ModelServer) {
    let url = "http://cred-proxy:9099/model/stream";
    let arguments = user.start_arguments(&["curl", "-sSN", url]);
    let mut agent = user.bottle(&arguments).start();
    for (_, text) in PLAIN {
        // The next one is not even made before this one has arrived.
        model.release();
        assert_eq!(agent.line(), format!("data: {text}"));
        assert_eq!(agent.line(), "");
    }
    let ended = agent.finish();
    assert_eq!(ended.code(), 0, "{ended:#?}");
}

/// The routes of [`files_and_variables`]: path and role.
pub const ROLES: [(&str, &str); 4] = [
    ("/anthropic/", "anthropic-base-url"),
    ("/npm/", "npm-registry"),
    ("/forge/", "git-insteadof"),
    ("/tea/", "tea-login"),
];

/// What the roles wrote for the agent, with [`ROLES`] that lead to `url`, and an environment
/// with `ZONE` copied from the host (`Europe/Berlin`) and `MARK` that says `??x`.
///
/// # Panics
/// When something of it is missing, or there is too much.
pub fn files_and_variables(user: &User, url: &str) {
    let script = "id -u; cd; stat -c '%u %n' . .npmrc .gitconfig .config/tea/config.yml; \
        cat .npmrc .gitconfig .config/tea/config.yml; touch mine && env";
    let said = user.agent_does(&["sh", "-c", script]);
    assert_eq!(said.code(), 0, "{said:#?}");
    let instead = format!("insteadOf = {url}/");
    for wanted in [
        "1000\n1000 .\n1000 .npmrc\n1000 .gitconfig\n1000 .config/tea/config.yml\n",
        "registry=http://cred-proxy:9099/npm/\n",
        "replace-registry-host=always\n",
        "[url \"http://cred-proxy:9099/forge/\"]\n",
        &instead,
        "url: \"http://cred-proxy:9099/tea",
        "ANTHROPIC_BASE_URL=http://cred-proxy:9099/anthropic\n",
        "CLAUDE_CODE_OAUTH_TOKEN=",
        "ENABLE_TOOL_SEARCH=true\n",
        "ZONE=Europe/Berlin\n",
        "MARK=?x\n",
    ] {
        assert!(said.stdout.contains(wanted), "{wanted:?} in {said:#?}");
    }
    assert!(!said.stdout.contains("SSL_CERT_FILE"), "{said:#?}");
    assert!(!said.stderr.contains("Europe/Berlin"), "a value: {said:#?}");
}

/// What [`terminal`] needs to find in the agent's variable `ATTEMPT`.
pub fn attempt_variable() -> String {
    // A literal that neither asks nor copies.
    format!("{}\n", attempt::PROGRAM)
}

/// A terminal of the agent's own: its size, as it changes; what is typed; and an agent that
/// types by itself, which is not believed outside.
///
/// # Panics
/// When the agent sees or does something else.
pub fn terminal(user: &User) {
    // As an agent that would type into its user's shell does: into its own terminal.
    let script = "while read line; do stty size; test \"$line\" != hello || break; done; \
        echo \"got $line\"; python3 -c \"$ATTEMPT\" type_in /dev/tty forged";
    let mut terminal = agent_in_terminal(user, &["sh", "-c", script]);
    let sees = |text: &'static str| {
        move |lines: &[String]| lines.iter().any(|line| line.contains(text)).then_some(())
    };
    terminal.type_in("\n");
    let begun = terminal
        .screen()
        .wait_within(GUARD * 6, "size", sees("24 80"));
    begun.unwrap_or_else(|| panic!("{}", terminal.screen().text()));
    terminal.resize(101, 33);
    // The news travels beside what is typed.
    for _ in 0..100 {
        let is_size = |line: &&String| line.contains("24 80") || line.contains("33 101");
        let known = terminal.screen().lines().iter().filter(is_size).count();
        terminal.type_in("\n");
        let more = |lines: &[String]| (lines.iter().filter(is_size).count() > known).then_some(());
        terminal
            .screen()
            .wait("another size", more)
            .expect("an agent that runs");
        if sees("33 101")(&terminal.screen().lines()).is_some() {
            break;
        }
    }
    let resized = sees("33 101")(&terminal.screen().lines());
    resized.unwrap_or_else(|| panic!("{}", terminal.screen().text()));
    terminal.type_in("hello\n");
    let heard = terminal.screen().wait("answer", sees("got hello"));
    heard.unwrap_or_else(|| panic!("{}", terminal.screen().text()));
    let ended = terminal.wait();
    assert!(ended.success(), "{}", terminal.screen().text());
    assert_eq!(terminal.waiting(), 0, "typed into the user's terminal");
    in_the_very_terminal(user);
}

/// An agent that runs in a terminal of its user's.
///
/// # Panics
/// When the machine has no terminal to give.
pub fn agent_in_terminal(user: &User, command: &[&str]) -> Terminal {
    let (program, words) = user.launcher().split_first().expect("a launcher");
    let words = words.iter().map(String::as_str);
    let start = user.start_arguments(command);
    let arguments: Vec<&str> = words.chain(start).collect();
    Terminal::running(Path::new(program), &arguments, |command| {
        user.furnish(command);
    })
}

fn in_the_very_terminal(user: &User) {
    // The same program there is believed.
    let python = require::find("python3").expect("python3");
    let outside = ["-c", attempt::PROGRAM, "type_in", "/dev/tty", "forged\n"];
    let mut terminal = Terminal::running(&python, &outside, |command| {
        user.furnish(command);
    });
    assert!(terminal.wait().success(), "{}", terminal.screen().text());
    assert_eq!(terminal.waiting(), 7, "{}", terminal.screen().text());
}

/// Everything that the route `/api/` and the paths beside it answer, and the environment.
///
/// # Panics
/// When the token is in any of it.
pub fn look_for_the_token(user: &User, service: &Origin) {
    let paths = [
        "api/",
        "api/%2e%2e/",
        "nowhere",
        "api",
        "",
        "api/x.git/git-receive-pack",
    ];
    let urls = paths.map(|path| format!("http://cred-proxy:9099/{path}"));
    let script = "for url in \"$@\"; do curl -sSi \"$url\"; curl -sSi -X TRACE \"$url\"; done; env";
    let mut command = vec!["sh", "-c", script, "sh"];
    command.extend(urls.iter().map(String::as_str));
    let said = user.agent_does(&command);
    assert_eq!(said.code(), 0, "{said:#?}");
    assert!(said.stdout.matches("HTTP/1.1 ").count() == 12, "{said:#?}");
    let leaks = Leaks::of(&[TOKEN]);
    for (place, text) in [
        ("what the agent saw", &said.stdout),
        ("the launcher's words", &said.stderr),
    ] {
        leaks.stream(place).feed(text.as_bytes());
    }
    leaks.assert_none();
    assert_eq!(
        service.requests()[0].only("authorization"),
        format!("Bearer {}", TOKEN)
    );
}
