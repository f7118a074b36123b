//! Section 2, how a token gets in; section 4, exactly one credential field.

use crate::support::{OK, get, refused, request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::proxy::TOKEN_ENV;
use harness::{Builder, Head, Peer, Proxy, TOKEN, Upstream};
use serde_json::{Value, json};

/// The head that the upstream sees of a request with a smuggled credential of each kind.
fn seen_by(upstream: &Upstream, proxy: &Proxy) -> Head {
    let fields = "Authorization: Bearer smuggled\r\nX-Api-Key: smuggled\r\n\
        Private-Token: smuggled\r\nX-Own: smuggled-own\r\nx_own: smuggled-own\r\n";
    let mut client = proxy.client();
    client.send(request("GET", "/api/x", fields));
    let mut service = upstream.accept();
    let head = service.read_head();
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
    head
}

fn route(upstream: &Upstream, keys: Value) -> Builder {
    Proxy::builder()
        .route(json!({"path": "/api/", "upstream": upstream.url()}))
        .with(keys)
}

fn basic(user: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{TOKEN}")))
}

#[test]
fn each_form_of_credential_is_written_as_the_service_wants_it() {
    let upstream = Upstream::plain();
    for (keys, name, value) in [
        (
            json!({"auth_scheme": "Bearer"}),
            "authorization",
            format!("Bearer {TOKEN}"),
        ),
        (
            json!({"auth_scheme": "token"}),
            "authorization",
            format!("token {TOKEN}"),
        ),
        (
            json!({"auth_scheme": "Basic"}),
            "authorization",
            basic("x-access-token"),
        ),
        (
            json!({"auth_scheme": "Basic", "auth_user": "ci"}),
            "authorization",
            basic("ci"),
        ),
        (
            json!({"auth_scheme": "Basic", "auth_user": "oauth2"}),
            "authorization",
            basic("oauth2"),
        ),
        (
            json!({"auth_header": "x-api-key"}),
            "x-api-key",
            TOKEN.to_owned(),
        ),
        (
            json!({"auth_header": "PRIVATE-TOKEN"}),
            "private-token",
            TOKEN.to_owned(),
        ),
        (
            json!({"auth_header": "X-Own", "auth_scheme": "Key"}),
            "x-own",
            format!("Key {TOKEN}"),
        ),
        (
            json!({"auth_header": "Authorization", "auth_scheme": "Bearer"}),
            "authorization",
            format!("Bearer {TOKEN}"),
        ),
    ] {
        eprintln!("row: {keys}");
        let proxy = route(&upstream, keys)
            .with(json!({"token_env": TOKEN_ENV}))
            .token(TOKEN_ENV, TOKEN)
            .start();
        let head = seen_by(&upstream, &proxy);
        assert_eq!(head.all(name), [value], "{head:?}");
        let credentials = ["authorization", "x-api-key", "private-token"];
        for other in credentials.iter().filter(|other| **other != name) {
            assert!(!head.has(other), "{other} in {head:?}");
        }
        if name == "x-own" {
            assert!(!head.has("x_own"), "{head:?}");
        }
    }
}

#[test]
fn a_token_file_loses_one_newline_and_no_more() {
    let upstream = Upstream::plain();
    for octets in [
        TOKEN.to_owned(),
        format!("{TOKEN}\n"),
        format!("{TOKEN}\r\n"),
    ] {
        let builder = Proxy::builder().secret(TOKEN);
        let path = builder.file("token", &octets);
        let keys = json!({"path": "/api/", "upstream": upstream.url(), "auth_scheme": "Bearer", "token_file": path});
        let proxy = builder.route(keys).start();
        let head = seen_by(&upstream, &proxy);
        assert_eq!(head.all("authorization"), [format!("Bearer {TOKEN}")]);
    }
}

#[test]
fn a_token_file_that_is_not_there_empty_or_odd_is_a_500_that_names_it() {
    let upstream = Upstream::plain();
    for octets in [None, Some(""), Some("\n"), Some("two-\nlines-of-token\n\n")] {
        let builder = Proxy::builder().secret("lines-of-token");
        let path = match octets {
            Some(octets) => builder.file("the-token", octets),
            None => builder.folder().join("the-token"),
        };
        let keys = json!({"path": "/api/", "upstream": upstream.url(), "auth_scheme": "Bearer", "token_file": path});
        let proxy = builder.route(keys).start();
        let text = refused(&proxy, &upstream, get("/api/x"), 500).text();
        assert!(text.contains("the-token"), "{text:?} for {octets:?}");
    }
}

#[test]
fn tokens_come_by_standard_input_and_leave_no_trace_in_the_environment() {
    let upstream = Upstream::plain();
    let records = format!("OTHER=other-value-of-input\0{TOKEN_ENV}={TOKEN}\0");
    let proxy = route(
        &upstream,
        json!({"auth_scheme": "Bearer", "token_env": TOKEN_ENV}),
    )
    .arg("--tokens-stdin")
    .stdin(records)
    .secret(TOKEN)
    .secret("other-value-of-input")
    .start();
    let head = seen_by(&upstream, &proxy);
    assert_eq!(head.all("authorization"), [format!("Bearer {TOKEN}")]);
}

#[test]
fn a_record_of_standard_input_that_was_cut_off_is_an_error() {
    let upstream = Upstream::plain();
    let keys = json!({"auth_scheme": "Bearer", "token_env": TOKEN_ENV});
    for records in [
        format!("{TOKEN_ENV}={TOKEN}"),
        format!("OTHER=x\0{TOKEN_ENV}=ghp_Zk7~tOk"),
        "no-equals-sign-at-all\0".to_owned(),
        format!("={TOKEN}\0"),
    ] {
        let finished = route(&upstream, keys.clone())
            .arg("--tokens-stdin")
            .stdin(&records)
            .secret(TOKEN)
            .run("");
        assert_eq!(finished.code(), 2, "{records:?}: {finished:?}");
        assert!(finished.stderr.contains("--tokens-stdin"), "{finished:?}");
    }
}

#[test]
fn a_value_of_standard_input_may_hold_an_equals_sign() {
    let upstream = Upstream::plain();
    let token = "=a=b=c-and-more==";
    let proxy = route(
        &upstream,
        json!({"auth_scheme": "Bearer", "token_env": TOKEN_ENV}),
    )
    .arg("--tokens-stdin")
    .stdin(format!("{TOKEN_ENV}={token}\0"))
    .secret(token)
    .start();
    let head = seen_by(&upstream, &proxy);
    assert_eq!(head.all("authorization"), [format!("Bearer {token}")]);
}

#[test]
fn a_newline_in_a_value_of_standard_input_is_no_visible_ascii() {
    let upstream = Upstream::plain();
    let proxy = route(
        &upstream,
        json!({"auth_scheme": "Bearer", "token_env": "THE_NAME"}),
    )
    .arg("--tokens-stdin")
    .stdin("THE_NAME=first-half-of\r\nX-Smuggled: second-half\0")
    .secret("first-half-of")
    .secret("second-half")
    .start();
    let text = refused(&proxy, &upstream, get("/api/x"), 500).text();
    assert!(text.contains("THE_NAME"), "{text}");
}

#[test]
fn connections_are_never_shared_between_credentials() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .route(json!({"path": "/two/", "upstream": upstream.url(), "auth_scheme": "Bearer", "token_env": "TWO"}))
        .token("TWO", "another-token-entirely")
        .start();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut first = upstream.accept();
    assert_eq!(
        first.read_head().all("authorization"),
        [format!("Bearer {TOKEN}")]
    );
    first.send(OK);
    client.read_response("GET");
    client.send(get("/two/x"));
    let mut second = upstream.accept();
    assert_eq!(
        second.read_head().all("authorization"),
        ["Bearer another-token-entirely"]
    );
    second.send(OK);
    client.read_response("GET");
    client.send(get("/api/y"));
    assert_eq!(first.read_head().start_line(), "GET /y HTTP/1.1");
    first.send(OK);
    client.read_response("GET");
    upstream.assert_untouched();
}
