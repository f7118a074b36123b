//! Section 4, `Expect: 100-continue` and answers that come before the request is over.

use crate::support::{OK, get, pair, request, response};
use harness::{Client, Connection, Peer, Upstream};

fn expecting(client: &mut Client, upstream: &Upstream, framing: &str) -> Connection {
    let fields = format!("Expect: 100-continue\r\n{framing}\r\n");
    client.send(request("POST", "/api/x", &fields));
    let mut service = upstream.accept();
    let head = service.read_head();
    assert_eq!(head.all("expect"), ["100-continue"], "{head:?}");
    service
}

#[test]
fn the_expectation_travels_up_and_the_100_of_the_upstream_down() {
    let (upstream, proxy) = pair();
    for framing in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        let mut client = proxy.client();
        let mut service = expecting(&mut client, &upstream, framing);
        client.assert_silent();
        service.send("HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(client.read_head().status(), 100);
        client.assert_silent();
        if framing.starts_with('C') {
            client.send("hello");
            assert_eq!(service.read_exact(5), b"hello");
        } else {
            client.send("5\r\nhello\r\n0\r\n\r\n");
            assert_eq!(service.read_chunked(), b"hello");
        }
        service.send(OK);
        let answer = client.read_response("POST");
        assert!(answer.interim.is_empty(), "one 100 only");
        assert_eq!(answer.text(), "ok");
    }
}

#[test]
fn a_body_that_does_not_wait_for_the_100_is_forwarded() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = expecting(&mut client, &upstream, "Content-Length: 5");
    client.send("hello");
    assert_eq!(service.read_exact(5), b"hello");
    service.send(OK);
    assert_eq!(client.read_response("POST").text(), "ok");
}

#[test]
fn the_upstream_may_refuse_instead_of_saying_100() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = expecting(&mut client, &upstream, "Content-Length: 5");
    service.send(response("417 Expectation Failed", "", "no"));
    assert_eq!(client.read_response("POST").status(), 417);
    // The five octets may still come or not: neither connection can go on.
    client.wait_for_close();
    service.wait_for_close();
}

#[test]
fn the_expectation_of_a_1_0_client_is_dropped() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send("POST /api/x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
    let mut service = upstream.accept();
    let (head, body) = service.read_request();
    assert!(!head.has("expect"), "{head:?}");
    assert_eq!(body, b"hi");
    service.send("HTTP/1.1 100 Continue\r\n\r\n");
    service.send(OK);
    let answer = client.read_response("POST");
    assert!(answer.interim.is_empty(), "no 1xx for HTTP/1.0");
    assert_eq!(answer.text(), "ok");
}

#[test]
fn an_early_413_reaches_a_client_that_is_still_sending() {
    let (upstream, proxy) = pair();
    for framing in ["Content-Length: 50000000", "Transfer-Encoding: chunked"] {
        let mut client = proxy.client();
        client.send(request("POST", "/api/x", &format!("{framing}\r\n")));
        let mut service = upstream.accept();
        service.read_head();
        if framing.starts_with('C') {
            client.send("some of it");
            assert_eq!(service.read_exact(10), b"some of it");
        } else {
            client.send_chunk("some of it");
            assert_eq!(service.read_chunk().as_deref(), Some(&b"some of it"[..]));
        }
        service.send(response(
            "413 Content Too Large",
            "Connection: close\r\n",
            "too large",
        ));
        let answer = client.read_response("POST");
        assert_eq!(
            (answer.status(), answer.text().as_str()),
            (413, "too large")
        );
        // The request is not complete, so neither connection is used again.
        client.read_to_end();
        service.read_to_end();
    }
}

#[test]
fn an_early_answer_survives_an_upstream_that_closes_after_it() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 50000000\r\n"));
    let mut service = upstream.accept();
    service.read_head();
    service.send(response(
        "413 Content Too Large",
        "Connection: close\r\n",
        "too large",
    ));
    service.close();
    // The upstream's kernel answers what still comes with a reset.
    let _ = client.push(&vec![b'x'; 1 << 20]);
    let answer = client.read_response("POST");
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (413, "too large")
    );
}

#[test]
fn an_early_answer_goes_on_beside_the_body() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 10\r\n"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    service.send_chunk("early");
    assert_eq!(client.read_head().status(), 200);
    assert_eq!(client.read_chunk().as_deref(), Some(&b"early"[..]));
    client.send("0123456789");
    assert_eq!(service.read_exact(10), b"0123456789");
    service.send_chunk("late");
    service.send("0\r\n\r\n");
    assert_eq!(client.read_chunked(), b"late");
    client.send(get("/api/next"));
    assert_eq!(service.read_head().start_line(), "GET /next HTTP/1.1");
    service.send(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
}

#[test]
fn a_complete_early_answer_ends_both_connections() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 10\r\n") + "01234");
    let mut service = upstream.accept();
    service.read_head();
    assert_eq!(service.read_exact(5), b"01234");
    service.send(OK);
    assert_eq!(client.read_response("POST").text(), "ok");
    client.read_to_end();
    service.read_to_end();
    crate::support::one_exchange(&proxy, &upstream);
}
