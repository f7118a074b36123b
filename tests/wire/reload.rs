//! Section 2, SIGHUP: new routes and tokens at once, for new requests; a bad file
//! changes nothing.

use crate::support::{OK, get};
use harness::proxy::bearer;
use harness::{Connection, Peer, Proxy, TOKEN, Upstream};
use serde_json::json;

/// Reloads for the `nth` time, and waits for the line that tells how it went.
fn nth_reload_line(proxy: &Proxy, nth: usize) -> String {
    proxy.reload();
    let lines = proxy.wait_for_lines("a line about the reload", nth, |line| {
        line.contains("reloaded")
    });
    lines[nth - 1].clone()
}

fn served(proxy: &Proxy, upstream: &Upstream, path: &str, credential: &str) -> Connection {
    let mut client = proxy.client();
    client.send(get(path));
    let mut service = upstream.accept();
    assert_eq!(service.read_head().all("authorization"), [credential]);
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
    service
}

#[test]
fn new_routes_count_at_once_and_old_ones_are_gone() {
    let (old, new) = (Upstream::plain(), Upstream::plain());
    let proxy = Proxy::to(&old).start();
    served(&proxy, &old, "/api/x", &format!("Bearer {TOKEN}"));
    proxy.rewrite_routes(json!({"routes": [
        bearer("/new/", &new.url()),
        bearer("/api/moved/", &new.url()),
    ]}));
    let line = nth_reload_line(&proxy, 1);
    assert!(line.contains("/new/"), "{line}");
    served(&proxy, &new, "/new/x", &format!("Bearer {TOKEN}"));
    served(&proxy, &new, "/api/moved/x", &format!("Bearer {TOKEN}"));
    assert_eq!(proxy.client().ask(get("/api/x")).status(), 404);
    old.assert_untouched();
}

#[test]
fn a_connection_that_is_open_sees_the_new_routes_with_its_next_request() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let mut client = proxy.client();
    assert_eq!(client.ask(get("/new/x")).status(), 404);
    proxy.rewrite_routes(json!({"routes": [bearer("/new/", &upstream.url())]}));
    nth_reload_line(&proxy, 1);
    client.send(get("/new/x"));
    upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").status(), 200);
    assert_eq!(client.ask(get("/api/x")).status(), 404);
}

#[test]
fn a_request_in_flight_keeps_what_it_had() {
    let (old, new) = (Upstream::plain(), Upstream::plain());
    let proxy = Proxy::to(&old).start();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = old.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n");
    proxy.rewrite_routes(json!({"routes": [bearer("/api/", &new.url())]}));
    nth_reload_line(&proxy, 1);
    // Even the rewriting of its references is by the routes of then.
    service.send(format!("Location: {}/a\r\n\r\n", old.url()));
    service.send_chunk("one");
    let head = client.read_head();
    let location = head.one("location").unwrap();
    assert!(location.ends_with("/api/a"), "{location}");
    assert_eq!(client.read_chunk().as_deref(), Some(&b"one"[..]));
    service.send("0\r\n\r\n");
    assert_eq!(client.read_chunk(), None);
    client.send(get("/api/next"));
    new.accept().answer(OK);
    assert_eq!(client.read_response("GET").status(), 200);
    old.assert_untouched();
}

#[test]
fn token_files_are_read_again() {
    let upstream = Upstream::plain();
    let builder = Proxy::builder()
        .secret("the-first-of-tokens")
        .secret("the-second-of-tokens");
    let path = builder.file("token", "the-first-of-tokens\n");
    let route = json!({"path": "/api/", "upstream": upstream.url(), "auth_scheme": "Bearer", "token_file": path});
    let proxy = builder.route(route).start();
    let first = served(&proxy, &upstream, "/api/x", "Bearer the-first-of-tokens");
    std::fs::write(&path, "the-second-of-tokens\n").expect("written");
    nth_reload_line(&proxy, 1);
    // On a connection of its own: the pooled one belongs to the first token.
    served(&proxy, &upstream, "/api/x", "Bearer the-second-of-tokens");
    drop(first);
    std::fs::remove_file(&path).expect("removed");
    nth_reload_line(&proxy, 2);
    assert_eq!(proxy.client().ask(get("/api/x")).status(), 500);
}

#[test]
fn a_bad_file_leaves_the_old_routes_and_one_line_says_why() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let before = proxy.log_lines().len();
    for (nth, text) in [
        (1, "{".to_owned()),
        (2, json!({"routes": [{"path": "/x/"}]}).to_string()),
        (
            3,
            json!({"routes": [bearer("/y/", "ftp://h")], "extra": 1}).to_string(),
        ),
        (4, String::new()),
    ] {
        proxy.rewrite_routes(text);
        nth_reload_line(&proxy, nth);
        let lines = proxy.log_lines();
        let about: Vec<&String> = lines[before..]
            .iter()
            .filter(|line| line.contains("reloaded"))
            .collect();
        assert_eq!(about.len(), nth, "{about:?}");
        let mut client = proxy.client();
        client.send(get("/api/x"));
        upstream
            .accept()
            .answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assert_eq!(client.read_response("GET").status(), 200);
    }
    std::fs::remove_file(proxy.folder().join("routes.json")).expect("removed");
    nth_reload_line(&proxy, 5);
    let mut client = proxy.client();
    client.send(get("/api/x"));
    upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}
