//! Section 7, the proxy's own answers, and what of section 4 it answers itself.

use std::time::Duration;

use crate::support::{
    OK, assert_own_answer, assert_refusal, get, pair, prove_nothing_left, request,
};
use harness::head::Framing;
use harness::upstream::Deaf;
use harness::{Ending, Peer, Proxy, Upstream, flag};
use serde_json::Value;

#[test]
fn an_answer_is_text_unless_accept_names_json() {
    let (_upstream, proxy) = pair();
    let mut client = proxy.client();
    for accept in [
        "",
        "Accept: */*\r\n",
        "Accept: text/html\r\n",
        "Accept: text/event-stream\r\n",
    ] {
        assert_refusal(&client.ask(request("GET", "/none", accept)), 404);
    }
    for accept in [
        "application/json",
        "application/vnd.github+json",
        "text/plain, application/json;q=0.9, */*;q=0.1",
        "Application/JSON",
        "application/json, text/event-stream",
    ] {
        for (path, status) in [
            ("/none", 404),
            ("/api/../x", 400),
            ("/api/git-receive-pack", 403),
        ] {
            let answer = client.ask(request("GET", path, &format!("Accept: {accept}\r\n")));
            assert_eq!(answer.status(), status);
            let content_type = answer.head.one("content-type").unwrap_or_default();
            assert!(
                content_type.starts_with("application/json"),
                "{:?}",
                answer.head
            );
            assert_eq!(answer.framing, Framing::ContentLength);
            let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
            let keys: Vec<&str> = body
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(keys, ["error", "message"], "{body}");
            assert!(
                body["error"].is_string() && body["message"].is_string(),
                "{body}"
            );
            assert_eq!(answer.head.one("x-should-retry").as_deref(), Some("false"));
            assert!(answer.head.has("proxy-status"), "{:?}", answer.head);
        }
    }
}

#[test]
fn an_answer_to_head_has_no_body() {
    let (_upstream, proxy) = pair();
    let mut client = proxy.client();
    for _ in 0..2 {
        let answer = client.ask(request("HEAD", "/none", ""));
        assert_eq!(answer.framing, Framing::NoBody);
        assert_refusal(&answer, 404);
    }
    client.assert_silent();
}

#[test]
fn an_answer_to_head_has_no_body_even_if_its_head_was_not_understood() {
    let upstream = Upstream::plain();
    let short = Duration::from_millis(200);
    let proxy = Proxy::to(&upstream)
        .deadline(flag::REQUEST_HEAD_TIME, short)
        .start();
    for (octets, status) in [
        ("HEAD /api/x HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("HEAD /api/x HTTP/1.1\r\n", 408),
        ("\r\nHEAD /api/x", 408),
    ] {
        let mut client = proxy.client();
        client.send(octets);
        assert_eq!(client.read_response("HEAD").status(), status);
        assert_eq!(client.wait_for_close().0, Ending::Closed, "{octets:?}");
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn an_answer_of_the_proxy_has_a_date() {
    let (_upstream, proxy) = pair();
    let answer = proxy.client().ask(get("/none"));
    let date = answer.head.one("date").unwrap_or_default();
    assert!(
        date.ends_with(" GMT") && date.len() == 29,
        "{:?}",
        answer.head
    );
}

#[test]
fn options_asterisk_is_answered_by_the_proxy() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    for host in ["localhost", "127.0.0.1", "proxy.test"] {
        let answer = client.ask(format!("OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(answer.status(), 204, "{host}");
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn options_asterisk_from_a_loopback_host_is_answered_whatever_is_allowed() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--allow-host")
        .arg("only.test")
        .start();
    let authority = proxy.authority();
    for host in ["localhost", "127.0.0.1", "[::1]", &authority] {
        let answer = proxy
            .client()
            .ask(format!("OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(answer.status(), 204, "{host}");
    }
    let answer = proxy
        .client()
        .ask("OPTIONS * HTTP/1.1\r\nHost: other.test\r\n\r\n");
    assert_refusal(&answer, 421);
    let answer = proxy
        .client()
        .ask("GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_refusal(&answer, 421);
}

#[test]
fn options_with_max_forwards_0_stops_here_and_a_larger_count_is_decremented() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let answer = client.ask(request("OPTIONS", "/api/x", "Max-Forwards: 0\r\n"));
    assert_eq!(answer.status(), 204);
    upstream.assert_untouched();
    client.send(request("OPTIONS", "/api/x", "Max-Forwards: 1\r\n"));
    let mut service = upstream.accept();
    let head = service.read_head();
    assert_eq!(head.start_line(), "OPTIONS /x HTTP/1.1");
    assert_eq!(head.all("max-forwards"), ["0"]);
    service.send(OK);
    client.read_response("OPTIONS");
    client.send(request("OPTIONS", "/api/x", ""));
    assert!(!service.read_head().has("max-forwards"));
    service.send(OK);
    client.read_response("OPTIONS");
}

#[test]
fn unread_input_does_not_eat_the_answer() {
    let (upstream, proxy) = pair();
    for head in [
        "POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n",
        "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        "POST /api/../x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n61a80\r\n",
    ] {
        let mut client = proxy.client();
        client.send(head);
        // As much as the proxy swallows while it lingers, or as it lets come.
        let _ = client.push(&vec![b'x'; 400_000]);
        let answer = client.read_response("POST");
        assert_refusal(&answer, answer.status());
        if answer.closes() {
            let (octets, ending) = client.read_to_end();
            assert_eq!((octets.len(), ending), (0, Ending::Closed));
        }
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn an_unreachable_upstream_is_a_502_that_says_why_and_may_be_retried() {
    let deaf = Deaf::new();
    let proxy = Proxy::to_url(&deaf.url()).start();
    let mut client = proxy.client();
    for _ in 0..2 {
        let answer = client.ask(get("/api/x"));
        assert_own_answer(&answer, 502);
        let retry = answer.head.one("x-should-retry");
        assert_ne!(retry.as_deref(), Some("false"), "{:?}", answer.head);
        let status = answer.head.one("proxy-status").unwrap();
        assert!(status.contains("connection_refused"), "{status}");
        assert!(!answer.closes(), "{:?}", answer.head);
    }
}
