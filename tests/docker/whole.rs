//! An agent at work in a bottle, from the manifest to the service.

use std::fs;

use harness::chores;
use harness::connect_proxy::{ConnectProxy, Manner};
use harness::git_server::{GitServer, add_commits, basic};
use harness::model_server::ModelServer;
use harness::origin::Origin;
use harness::{TOKEN, binary};
use rustix::process::Signal;
use serde_json::json;

use crate::setting::{Setting, TOKEN_NAME, bearer};

#[test]
fn an_agents_calls_carry_our_credential_and_no_other() {
    let Some(setting) = Setting::new("docker: calls") else {
        return;
    };
    let service = Origin::on(
        setting.outer.listener(),
        Some(setting.tls()),
        |_, answer| answer.whole("200 OK", &[], b"fine"),
    );
    let mut route = bearer("/api/", &service.url());
    route["deny"] = json!(["PUT /user/keys/**"]);
    setting.manifest(&[route]);
    chores::calls(&setting.host, &service);
}

#[test]
fn no_token_is_in_what_the_engine_tells_of_a_bottle() {
    let Some(setting) = Setting::new("docker: inspect") else {
        return;
    };
    let url = format!("https://{}:9", setting.outer.address());
    setting.manifest(&[bearer("/api/", &url)]);
    let bottle = setting.host.start();
    let leaks = setting.leaks();
    let mut all = bottle.containers();
    assert!(all.len() >= 2, "the agent and its sidecar: {all:?}");
    all.push(bottle.network("internal"));
    all.push(bottle.network("egress"));
    for object in &all {
        let told = setting.engine.ask(&["inspect", object]);
        assert!(told.len() > 500, "{told}");
        leaks.stream(object).feed(told.as_bytes());
        if !object.starts_with("bottle-") {
            let logs = setting.engine.run(&["logs", object]);
            let words = logs.stdout + &logs.stderr;
            leaks
                .stream(format!("the log of {object}"))
                .feed(words.as_bytes());
        }
    }
    let state = harness::inventory::files_below(&setting.host.path("state"));
    assert!(!state.is_empty(), "a bottle that runs has a state");
    for file in state
        .iter()
        .filter(|path| fs::metadata(path).is_ok_and(|file| file.is_file()))
    {
        leaks.stream(file).feed(&fs::read(file).expect("a file"));
    }
    leaks.stream("env").feed(bottle.ask(&["env"]).as_bytes());
    leaks.assert_none();
    let list = setting.host.run(&["list"]);
    assert!(list.stdout.contains(bottle.slug()), "{list:#?}");
    let ended = bottle.stop();
    assert_eq!(ended.code(), 128 + Signal::TERM.as_raw(), "{ended:#?}");
    let list = setting.host.run(&["list"]);
    assert!(!list.stdout.contains(setting.host.agent()), "{list:#?}");
    assert!(harness::inventory::files_below(&setting.host.path("state/bottle")).is_empty());
}

#[test]
fn an_event_stream_arrives_live() {
    let Some(setting) = Setting::new("docker: events") else {
        return;
    };
    let model = ModelServer::on(setting.outer.listener(), setting.tls());
    setting.manifest(&[bearer("/model/", &model.origin().url())]);
    chores::event_stream(&setting.host, &model);
}

/// The one way to a service by its name: an outbound proxy that brings every name to ours.
fn git_by_name(setting: &mut Setting) -> (GitServer, ConnectProxy) {
    let tls = setting
        .authority
        .server_config(&["github.com", "api.github.com"]);
    let forge = GitServer::on(setting.outer.listener(), tls, TOKEN);
    let way = ConnectProxy::on(
        setting.outer.listener(),
        Manner::Tunnel(forge.origin().address()),
    );
    setting.host.export("HTTPS_PROXY", way.url(""));
    (forge, way)
}

#[test]
fn git_works_by_a_preset_and_pushes_are_refused() {
    let Some(mut setting) = Setting::new("docker: git") else {
        return;
    };
    let (forge, way) = git_by_name(&mut setting);
    let repository = forge.create("owner/repo");
    add_commits(&repository, "main", 2, "work");
    let bottle = json!({ "tokens": [{ "kind": "github", "token_ref": TOKEN_NAME }] });
    setting
        .host
        .manifest(setting.image, bottle, json!({ "workdir": "none" }));
    let bottle = setting.host.start();
    // Else a request would go to the real one: none is made before this is sure.
    let environment = bottle.inspect("cred-proxy")["Config"]["Env"].to_string();
    assert!(environment.contains(&way.url("")), "{environment}");
    let agents = bottle.inspect("agent")["Config"]["Env"].to_string();
    assert!(!agents.contains(&way.url("")), "{agents}");

    let script = "cd && git clone --quiet https://github.com/owner/repo.git \
        && cd repo && git log --format=%s%an && git remote -v";
    let cloned = bottle.ask(&["sh", "-c", script]);
    assert!(cloned.contains("Forge"), "{cloned}");
    let push = "cd ~/repo && git push origin HEAD:refs/heads/other";
    let refused = bottle.exec(&["sh", "-c", push]);
    assert!(!refused.status.success(), "{refused:#?}");
    assert!(refused.stderr.contains("403"), "{refused:#?}");
    let write = "curl -sS -o /dev/null -w '%{http_code}' -X POST -d '{}' \
        http://cred-proxy:9099/gh-api/user/keys";
    assert_eq!(bottle.ask(&["sh", "-c", write]), "403");
    harness::agent::assert_only_ours(&forge.origin().requests(), "authorization", &basic(TOKEN));
    assert!(
        way.heads()
            .iter()
            .all(|head| head.start_line().starts_with("CONNECT github.com:443 "))
    );
}

#[test]
fn an_agents_files_and_variables_are_as_the_roles_say() {
    let Some(mut setting) = Setting::new("docker: roles") else {
        return;
    };
    setting.host.export("HOST_ZONE", "Europe/Berlin");
    let url = format!("https://{}:9", setting.outer.address());
    let routes = chores::ROLES.map(|(path, role)| {
        let mut route = bearer(path, &url);
        route["role"] = role.into();
        route
    });
    let bottle = json!({
        "env": { "ZONE": "${HOST_ZONE}", "MARK": "??x" }, "cred_proxy": { "routes": routes },
    });
    setting
        .host
        .manifest(setting.image, bottle, json!({ "workdir": "none" }));
    chores::files_and_variables(&setting.host, &url);
}

#[test]
fn the_agents_exit_code_is_the_launchers() {
    let Some(setting) = Setting::new("docker: exit code") else {
        return;
    };
    setting.manifest(&[]);
    let said = setting
        .host
        .agent_does(&["sh", "-c", "echo out; echo err >&2; exit 37"]);
    assert_eq!(said.code(), 37, "{said:#?}");
    assert_eq!(said.stdout, "out\n");
    assert!(said.stderr.contains("err\n"), "{said:#?}");
}

#[test]
fn a_terminal_is_the_agents_own() {
    let Some(setting) = Setting::new("docker: a terminal") else {
        return;
    };
    let bottle = json!({ "env": { "ATTEMPT": chores::attempt_variable() } });
    setting
        .host
        .manifest(setting.image, bottle, json!({ "workdir": "none" }));
    chores::terminal(&setting.host);
}

/// The engine's check of the routes that a start would write.
#[test]
fn the_engine_accepts_the_routes_of_a_plan() {
    let Some(mut setting) = Setting::new("docker: routes") else {
        return;
    };
    let bottle = json!({ "tokens": [
        { "kind": "github", "token_ref": TOKEN_NAME },
        { "kind": "anthropic", "token_ref": "OTHER" },
        { "kind": "gitea", "token_ref": TOKEN_NAME, "url": "https://git.example.org" },
    ]});
    setting
        .host
        .manifest(setting.image, bottle, json!({ "workdir": "none" }));
    setting.host.export("OTHER", "another-token");
    let bottle = setting.host.start();
    let sidecar = bottle.container("cred-proxy");
    let archive =
        setting
            .engine
            .ask(&["cp", &format!("{sidecar}:/run/cred-proxy/routes.json"), "-"]);
    // The header of the archive's one member: mode, owner, group, size, in octal digits.
    let number = |at: usize, length: usize| {
        let digits = archive[at..at + length].trim_matches(['\0', ' ']);
        usize::from_str_radix(digits, 8).expect("octal digits")
    };
    assert_eq!(number(100, 8) & 0o777, 0o600, "its mode");
    assert_eq!(
        (number(108, 8), number(116, 8)),
        (65532, 65532),
        "its owner"
    );
    let text = &archive[512..512 + number(124, 12)];
    setting.host.write("routes.json", text);
    let routes = setting.host.path("routes.json").display().to_string();
    let check = harness::program::Program::new(binary::cred_proxy(), setting.host.folder());
    let check = check.args(["check", "--routes", &routes]).run();
    assert_eq!(check.code(), 0, "{check:#?}\n{text}");
    for path in [
        "/gh-api/",
        "/gh-git/",
        "/anthropic/",
        "/gitea/git.example.org/",
    ] {
        assert!(check.stdout.contains(path), "{path}: {check:#?}");
    }
    assert!(
        !text.contains(TOKEN_NAME) && !text.contains(TOKEN),
        "{text}"
    );
}
