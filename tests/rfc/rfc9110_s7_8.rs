//! RFC 9110 §7.8, Upgrade.

use crate::support::{OK, assert_own_answer, request};
use harness::{Peer, Proxy, Upstream};
use serde_json::json;

const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

fn allowing(upstream: &Upstream) -> Proxy {
    let builder = Proxy::to(upstream).with(json!({"upgrade": ["websocket"]}));
    builder.start()
}

/// > A sender of Upgrade MUST also send an "Upgrade" connection option in the Connection
/// > header field (Section 7.6.1) to inform intermediaries not to forward this field.
///
/// So one that came without the option was forwarded by mistake, and asks for nothing;
/// with it, and allowed by the route, it is asked for anew, names in any case.
#[test]
fn an_upgrade_is_asked_for_with_its_connection_option() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let mut client = proxy.client();
    client.send(request("GET", "/api/x", "Upgrade: websocket\r\n"));
    let (head, _) = upstream.accept().answer(OK);
    assert!(!head.has("upgrade") && !head.has("connection"), "{head:?}");
    client.read_response("GET");
    let mut client = proxy.client();
    client.send(request(
        "GET",
        "/api/x",
        "Connection: UPGRADE\r\nUpgrade: WebSocket\r\n",
    ));
    let mut service = upstream.accept();
    let head = service.read_head();
    let option = head.one("connection").unwrap_or_default();
    assert!(option.eq_ignore_ascii_case("upgrade"), "{head:?}");
    let protocol = head.one("upgrade").unwrap_or_default();
    assert!(protocol.eq_ignore_ascii_case("websocket"), "{head:?}");
    service.send(SWITCHED);
    assert_eq!(client.read_head().status(), 101);
    client.send("ping");
    assert_eq!(service.read_exact(4), b"ping");
}

/// > A server MUST NOT switch to a protocol that was not indicated by the client in the
/// > corresponding request's Upgrade header field.
#[test]
fn a_switch_to_what_was_not_asked_for_is_a_502() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let asks = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (fields, switched) in [
        ("", SWITCHED.to_owned()),
        (asks, SWITCHED.replace("websocket", "h2c")),
        (asks, "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned()),
    ] {
        let mut client = proxy.client();
        client.send(request("GET", "/api/x", fields));
        let mut service = upstream.accept();
        service.read_head();
        service.send(switched);
        assert_own_answer(&client.read_response("GET"), 502);
    }
}

/// > A server that receives an Upgrade header field in an HTTP/1.0 request MUST ignore
/// > that Upgrade field.
#[test]
fn an_upgrade_of_a_1_0_request_is_ignored() {
    let upstream = Upstream::plain();
    let proxy = allowing(&upstream);
    let mut client = proxy.client();
    client.send("GET /api/x HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    let (head, _) = upstream.accept().answer(OK);
    assert!(!head.has("upgrade") && !head.has("connection"), "{head:?}");
    assert_eq!(client.read_response("GET").text(), "ok");
}
