//! Section 6, upgrades: allowed, not allowed, unasked.

use std::time::Duration;

use crate::support::{OK, assert_own_answer, pair, request, response};
use harness::{Builder, Client, Connection, Ending, Head, Peer, Proxy, Upstream, flag, pattern};
use serde_json::json;

const ASKS: &str =
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n";
const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX: y\r\n\r\n";

fn allowing(upstream: &Upstream) -> Proxy {
    allowing_builder(upstream).start()
}

fn allowing_builder(upstream: &Upstream) -> Builder {
    Proxy::to(upstream).with(json!({"upgrade": ["websocket"]}))
}

fn assert_upgrades(head: &Head) {
    assert_eq!(
        head.one("upgrade").as_deref(),
        Some("websocket"),
        "{head:?}"
    );
    assert!(
        head.all("connection")
            .concat()
            .eq_ignore_ascii_case("upgrade"),
        "{head:?}"
    );
}

fn tunnel(proxy: &Proxy, upstream: &Upstream) -> (Client, Connection) {
    let mut client = proxy.client();
    client.send(request("GET", "/api/chat", ASKS));
    let mut service = upstream.accept();
    let head = service.read_head();
    assert_upgrades(&head);
    assert_eq!(head.one("sec-websocket-key").as_deref(), Some("k"));
    assert_eq!(head.all("authorization").len(), 1);
    service.send(SWITCHED);
    let head = client.read_head();
    assert_eq!(head.status(), 101);
    assert_upgrades(&head);
    assert_eq!(head.one("x").as_deref(), Some("y"));
    (client, service)
}

#[test]
fn an_allowed_upgrade_becomes_a_tunnel() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let (mut client, mut service) = tunnel(&proxy, &upstream);
    for octet in b"\x81\x05 any octets \0\r\n\r\n" {
        client.send([*octet]);
        assert_eq!(service.read_exact(1), [*octet]);
        service.send([*octet]);
        assert_eq!(client.read_exact(1), [*octet]);
    }
    let large = pattern::octets(300_000);
    std::thread::scope(|scope| {
        scope.spawn(|| client.send(&large));
        service.read_pattern(0, large.len() as u64);
    });
}

#[test]
fn each_direction_of_a_tunnel_ends_by_itself() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let (mut client, mut service) = tunnel(&proxy, &upstream);
    client.send("last words");
    client.half_close();
    assert_eq!(service.read_exact(10), b"last words");
    assert_eq!(service.wait_for_close().0, Ending::Closed);
    service.send("and an answer to them");
    assert_eq!(client.read_exact(21), b"and an answer to them");
    service.close();
    assert_eq!(client.wait_for_close().0, Ending::Closed);

    let (mut client, mut service) = tunnel(&proxy, &upstream);
    service.send("last words");
    service.finish();
    assert_eq!(client.read_exact(10), b"last words");
    assert_eq!(client.wait_for_close().0, Ending::Closed);
    client.send("and an answer to them");
    assert_eq!(service.read_exact(21), b"and an answer to them");
    client.close();
    assert_eq!(service.wait_for_close().0, Ending::Closed);
}

#[test]
fn a_reset_in_a_tunnel_reaches_the_other_side() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let (client, mut service) = tunnel(&proxy, &upstream);
    client.reset();
    service.read_to_end();
    let (mut client, service) = tunnel(&proxy, &upstream);
    service.reset();
    client.read_to_end();
}

#[test]
fn what_the_client_sends_early_is_held_until_the_101() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let mut client = proxy.client();
    client.send(request("GET", "/api/chat", ASKS) + "early octets");
    let mut service = upstream.accept();
    service.read_head();
    assert!(service.is_idle(), "nothing before the 101");
    service.send(format!("{SWITCHED}greeting"));
    assert_eq!(client.read_head().status(), 101);
    assert_eq!(client.read_exact(8), b"greeting");
    assert_eq!(service.read_exact(12), b"early octets");
}

#[test]
fn a_refused_upgrade_is_an_answer_like_any_other() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let mut client = proxy.client();
    client.send(request("GET", "/api/chat", ASKS));
    let mut service = upstream.accept();
    service.read_head();
    service.send(response("426 Upgrade Required", "", "no"));
    assert_eq!(client.read_response("GET").status(), 426);
    client.send(request("GET", "/api/next", ""));
    assert_eq!(service.read_head().start_line(), "GET /next HTTP/1.1");
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}

#[test]
fn an_upgrade_that_the_route_does_not_allow_is_stripped() {
    let (upstream, proxy) = pair();
    let other = Upstream::plain();
    let allowing = allowing(&other);
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n";
    for (proxy, upstream, fields) in [(&proxy, &upstream, ASKS), (&allowing, &other, h2c)] {
        let mut client = proxy.client();
        client.send(request("GET", "/api/chat", fields));
        let mut service = upstream.accept();
        let head = service.read_head();
        assert!(!head.has("upgrade") && !head.has("connection"), "{head:?}");
        assert!(!head.has("http2-settings"), "{head:?}");
        service.send(response(
            "426 Upgrade Required",
            "Upgrade: websocket\r\n",
            "no",
        ));
        assert_eq!(client.read_response("GET").status(), 426);
    }
}

#[test]
fn an_unasked_101_is_a_502() {
    let upstream = Upstream::plain();
    let allowing = allowing(&upstream);
    let plain = Proxy::to(&upstream).start();
    for (proxy, fields) in [(&allowing, ""), (&plain, ASKS), (&plain, "")] {
        let mut client = proxy.client();
        client.send(request("GET", "/api/x", fields));
        let mut service = upstream.accept();
        service.read_head();
        service.send(SWITCHED);
        assert_own_answer(&client.read_response("GET"), 502);
        service.read_to_end();
    }
}

#[test]
fn an_upgrade_to_something_else_than_asked_is_a_502() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let mut client = proxy.client();
    client.send(request("GET", "/api/x", ASKS));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    assert_own_answer(&client.read_response("GET"), 502);
}

#[test]
fn a_tunnel_in_which_nothing_moves_is_closed() {
    let upstream = Upstream::plain();
    let idle = Duration::from_millis(1500);
    let builder = allowing_builder(&upstream);
    let proxy = builder.deadline(flag::TUNNEL_IDLE_TIME, idle).start();
    let (mut client, mut service) = tunnel(&proxy, &upstream);
    let begun = std::time::Instant::now();
    client.send("x");
    assert_eq!(service.read_exact(1), b"x");
    let (_, at) = client.wait_for_close();
    service.wait_for_close();
    let waited = at - begun;
    assert!(waited > idle - Duration::from_millis(100), "{waited:?}");
}

#[test]
fn the_client_may_hang_up_before_the_101() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let mut client = proxy.client();
    client.send(request("GET", "/api/chat", ASKS));
    let mut service = upstream.accept();
    service.read_head();
    client.close();
    service.wait_for_close();
}
