//! The vendors' Python libraries, streaming.

use std::path::Path;

use harness::agent::{AGENTS_OWN, assert_only_ours};
use harness::model_server::{Event, MESSAGES, ModelServer, RESPONSES};
use harness::program::{Program, Running};
use harness::proxy::{TOKEN_ENV, bearer};
use harness::test_programs::{Python, python};
use harness::wiretap::Wiretap;
use harness::{Authority, Finished, Proxy, TOKEN};
use serde_json::json;
use tempfile::tempdir;

use crate::{NAME, ours, proxy_to};

/// The script in `agents/`, doing what the first argument says.
fn sdk(python: &Python, home: &Path, doing: &str, base_url: &str) -> Program {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/agents/sdk.py");
    Program::new(&python.interpreter, home)
        .env("PYTHONPATH", &python.packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args([script, doing, base_url, AGENTS_OWN])
}

/// Lets the events out one by one; each must have come before the next one leaves.
fn assert_streams(model: &ModelServer, mut agent: Running, events: &[Event]) {
    assert_eq!(agent.line(), "open", "the head comes before any event");
    for (name, text) in events {
        model.release();
        assert_eq!(agent.line(), format!("{name} {text}"));
    }
    assert_eq!(agent.line(), "end");
    let ended = agent.finish();
    assert!(ended.status.success(), "{ended:#?}");
}

#[test]
fn anthropic_streams_a_message_event_by_event() {
    let Some(python) = python("python: anthropic") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let model = ModelServer::start(authority.server_config(&[NAME]));
    // The bare token in a field of the vendor's choice.
    let route = json!({
        "path": "/anthropic/", "upstream": format!("https://{NAME}:{}", model.origin().port()),
        "auth_header": "x-api-key", "token_env": TOKEN_ENV,
    });
    let proxy = Proxy::builder()
        .route(route)
        .token(TOKEN_ENV, TOKEN)
        .env("SSL_CERT_FILE", authority.pem_file())
        .start();
    let wiretap = Wiretap::before(&proxy);
    let agent = sdk(
        &python,
        home.path(),
        "anthropic-stream",
        &wiretap.url("/anthropic"),
    )
    .start();
    assert_streams(&model, agent, &MESSAGES);
    let requests = model.origin().requests();
    assert_eq!(requests[0].target, "/v1/messages");
    assert_only_ours(&requests, "x-api-key", TOKEN);
}

#[test]
fn openai_streams_a_response_event_by_event() {
    let Some(python) = python("python: openai") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let model = ModelServer::start(authority.server_config(&[NAME]));
    let proxy = proxy_to("/openai/", model.origin(), &authority).start();
    let wiretap = Wiretap::before(&proxy);
    let agent = sdk(
        &python,
        home.path(),
        "openai-stream",
        &wiretap.url("/openai/v1"),
    )
    .start();
    assert_streams(&model, agent, &RESPONSES);
    let requests = model.origin().requests();
    assert_eq!(requests[0].target, "/v1/responses");
    assert_only_ours(&requests, "authorization", &ours());
}

/// The refusal as the library showed it, after exactly one attempt of which nothing
/// reached the model.
fn refused(wiretap: &Wiretap, model: &ModelServer, agent: Program) -> Finished {
    let finished = agent.run();
    assert!(finished.status.success(), "{finished:#?}");
    let attempts = wiretap.request_lines();
    assert_eq!(attempts.len(), 1, "{attempts:#?} {finished:#?}");
    assert_eq!(model.origin().connections(), 0, "nothing may leave");
    finished
}

#[test]
fn a_refusal_reaches_the_user_of_either_library_and_is_not_tried_again() {
    let Some(python) = python("python: a refusal") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let model = ModelServer::start(authority.server_config(&[NAME]));
    let rule = "POST /v1/**";
    let proxy = proxy_to("/model/", model.origin(), &authority)
        .with(json!({ "deny": [rule] }))
        .start();
    for (library, base) in [("anthropic", "/model"), ("openai", "/model/v1")] {
        let wiretap = Wiretap::before(&proxy);
        let agent = sdk(&python, home.path(), library, &wiretap.url(base));
        let said = refused(&wiretap, &model, agent).stdout;
        assert!(said.starts_with("PermissionDeniedError 403 "), "{said}");
        assert!(said.contains(rule), "the rule is not named: {said}");
    }
}

#[test]
fn a_route_without_its_token_is_explained_and_not_tried_again() {
    let Some(python) = python("python: no token") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let model = ModelServer::start(authority.server_config(&[NAME]));
    let url = format!("https://{NAME}:{}", model.origin().port());
    let mut route = bearer("/bare/", &url);
    route["token_env"] = "CRED_PROXY_TOKEN_NOT_SET".into();
    let proxy = proxy_to("/model/", model.origin(), &authority)
        .route(route)
        .start();
    for (library, base) in [("anthropic", "/bare"), ("openai", "/bare/v1")] {
        let wiretap = Wiretap::before(&proxy);
        // Both libraries try a 500 three times unless they are told not to.
        let agent = sdk(&python, home.path(), library, &wiretap.url(base));
        let said = refused(&wiretap, &model, agent).stdout;
        assert!(said.starts_with("InternalServerError 500 "), "{said}");
        assert!(
            said.contains("CRED_PROXY_TOKEN_NOT_SET"),
            "the variable is not named: {said}"
        );
    }
}
