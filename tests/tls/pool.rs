//! Connections to services are kept, but never shared between credentials.

use std::collections::BTreeSet;
use std::sync::Arc;

use harness::answer::After;
use harness::origin::Origin;
use harness::proxy::{TOKEN_ENV, bearer};
use harness::{Authority, Peer, Proxy, TOKEN, Upstream};
use serde_json::json;

use crate::{GET, NAME, OK, proxy_to};

fn answering(authority: &Authority, after: After) -> Origin {
    Origin::start(Some(authority.server_config(&[NAME])), move |_, answer| {
        answer.raw(OK.as_bytes())?;
        Ok(after)
    })
}

fn url(origin: &Origin) -> String {
    format!("https://{NAME}:{}", origin.port())
}

#[test]
fn requests_one_after_the_other_use_one_connection_to_the_service() {
    let authority = Authority::new();
    let origin = answering(&authority, After::Keep);
    let proxy = proxy_to(&url(&origin), &authority)
        .arg("--threads")
        .arg("1")
        .start();
    let mut client = proxy.client();
    assert_eq!(client.ask(GET).text(), "ok");
    assert_eq!(client.ask(GET).text(), "ok");
    drop(client);
    // Another agent's connection, the same credential.
    assert_eq!(proxy.client().ask(GET).text(), "ok");
    assert_eq!(origin.requests().len(), 3);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn two_credentials_for_one_host_never_share_a_connection() {
    let authority = Authority::new();
    let origin = answering(&authority, After::Keep);
    let other = "the-other-token-0123456789";
    let mut second = bearer("/b/", &url(&origin));
    second["token_env"] = "CRED_PROXY_TOKEN_1".into();
    let proxy = Proxy::builder()
        .route(bearer("/a/", &url(&origin)))
        .route(second)
        .token(TOKEN_ENV, TOKEN)
        .token("CRED_PROXY_TOKEN_1", other)
        .env("SSL_CERT_FILE", authority.pem_file())
        .arg("--threads")
        .arg("1")
        .start();
    let mut client = proxy.client();
    for _ in 0..3 {
        for path in ["/a/x", "/b/x"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: proxy\r\n\r\n");
            assert_eq!(client.ask(request).text(), "ok");
        }
    }
    let requests = origin.requests();
    let pairs: BTreeSet<(usize, &str)> = requests
        .iter()
        .map(|request| (request.connection, request.only("authorization")))
        .collect();
    let connections: BTreeSet<usize> = pairs.iter().map(|(connection, _)| *connection).collect();
    assert_eq!(
        pairs.len(),
        connections.len(),
        "two credentials on one: {pairs:?}"
    );
    assert_eq!(
        connections.len(),
        2,
        "each credential keeps its own: {pairs:?}"
    );
    let values: BTreeSet<&str> = pairs.iter().map(|(_, value)| *value).collect();
    let expected = [format!("Bearer {TOKEN}"), format!("Bearer {other}")];
    assert_eq!(values, expected.iter().map(String::as_str).collect());
}

#[test]
fn the_same_token_under_two_schemes_is_two_credentials() {
    let authority = Authority::new();
    let origin = answering(&authority, After::Keep);
    let basic = json!({
        "path": "/b/", "upstream": url(&origin), "auth_scheme": "Basic", "token_env": TOKEN_ENV,
    });
    let proxy = Proxy::builder()
        .route(bearer("/a/", &url(&origin)))
        .route(basic)
        .token(TOKEN_ENV, TOKEN)
        .env("SSL_CERT_FILE", authority.pem_file())
        .start();
    let mut client = proxy.client();
    for path in ["/a/x", "/b/x", "/a/x", "/b/x"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: proxy\r\n\r\n");
        assert_eq!(client.ask(request).text(), "ok");
    }
    let requests = origin.requests();
    let pairs: BTreeSet<(usize, &str)> = requests
        .iter()
        .map(|request| (request.connection, request.only("authorization")))
        .collect();
    assert_eq!(pairs.len(), 2, "{pairs:?}");
    assert_eq!(origin.connections(), 2);
}

#[test]
fn a_service_that_closes_after_every_answer_is_dialled_anew() {
    for after in [After::Close, After::Cut] {
        let authority = Authority::new();
        let origin = answering(&authority, after);
        let proxy = proxy_to(&url(&origin), &authority).start();
        let mut client = proxy.client();
        for _ in 0..5 {
            assert_eq!(client.ask(GET).text(), "ok", "after {after:?}");
        }
        assert_eq!(origin.requests().len(), 5, "none lost, none twice");
    }
}

#[test]
fn an_answer_that_nobody_asked_for_is_never_given_to_anybody() {
    let authority = Authority::new();
    let upstream = Upstream::tls(authority.server_config(&[NAME]));
    let proxy = proxy_to(&upstream.url_of(NAME), &authority)
        .arg("--threads")
        .arg("1")
        .start();
    let mut client = proxy.client();
    client.send(GET);
    let mut first = upstream.accept();
    let unasked = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nunasked";
    first.answer(format!("{OK}{unasked}"));
    assert_eq!(client.read_response("GET").text(), "ok");
    client.send(GET);
    upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
}

#[test]
fn many_agents_at_once_are_each_answered_with_their_own() {
    let authority = Authority::new();
    let origin = Origin::start(Some(authority.server_config(&[NAME])), |request, answer| {
        answer.whole("200 OK", &[], request.target.as_bytes())
    });
    let proxy = Arc::new(proxy_to(&url(&origin), &authority).start());
    std::thread::scope(|scope| {
        for agent in 0..16 {
            let proxy = Arc::clone(&proxy);
            scope.spawn(move || {
                let mut client = proxy.client();
                for turn in 0..20 {
                    let path = format!("/{agent}/{turn}");
                    let request = format!("GET /api{path} HTTP/1.1\r\nHost: proxy\r\n\r\n");
                    assert_eq!(client.ask(request).text(), path);
                }
            });
        }
    });
    assert_eq!(origin.requests().len(), 320);
    assert!(
        origin.connections() <= 16,
        "{} connections",
        origin.connections()
    );
}
