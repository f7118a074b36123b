//! RFC 9112 §9.2 to §9.6, the management of connections.

use crate::support::{
    OK, assert_own_answer, get, pair, prove_nothing_left, request, response, reused,
};
use harness::{Ending, Peer, Proxy, Service, Upstream};

/// §9.2:
///
/// > If a client receives data on a connection that doesn't have outstanding requests,
/// > the client MUST NOT consider that data to be a valid response; the client SHOULD
/// > close the connection, since message delimitation is now ambiguous
#[test]
fn an_unasked_response_is_nobodys() {
    let (upstream, proxy) = pair();
    for unasked in [
        OK,
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
        "x",
    ] {
        let (mut client, mut service) = reused(&proxy, &upstream);
        service.send(unasked);
        client.send(request("POST", "/api/x", "Content-Length: 1\r\n") + "x");
        let mut fresh = upstream.accept();
        fresh.answer(response("200 OK", "Connection: close\r\n", "own"));
        assert_eq!(client.read_response("POST").text(), "own");
        assert_eq!(service.read_to_end().0, b"");
    }
}

/// §9.3:
///
/// > HTTP/1.1 defaults to the use of persistent connections
#[test]
fn a_connection_persists_unless_told_otherwise() {
    let (upstream, proxy) = pair();
    let (mut client, mut service) = reused(&proxy, &upstream);
    for fields in ["", "Connection: keep-alive\r\n", "Connection: x-odd\r\n"] {
        client.send(request("GET", "/api/x", fields));
        service.read_head();
        service.send(OK);
        assert!(!client.read_response("GET").closes());
    }
    upstream.assert_untouched();
}

/// §9.3:
///
/// > A server MUST read the entire request message body or close the connection after
/// > sending its response; otherwise, the remaining data on a persistent connection would
/// > be misinterpreted as the next request.
#[test]
fn the_body_of_a_refused_request_is_read_or_the_connection_closed() {
    let (upstream, proxy) = pair();
    let smuggled = get("/api/smuggled");
    for fields in [
        format!("Content-Length: {}\r\n", smuggled.len()),
        "Content-Length: 1000000\r\n".to_owned(),
    ] {
        let mut client = proxy.client();
        client.send(request("POST", "/none", &fields) + &smuggled);
        let answer = client.read_response("POST");
        assert_own_answer(&answer, 404);
        if answer.closes() {
            assert_eq!(client.wait_for_close().0, Ending::Closed);
        } else {
            client.assert_silent();
        }
    }
    prove_nothing_left(&proxy, &upstream);
}

/// §9.3.2:
///
/// > it MUST send the corresponding responses in the same order that the requests were
/// > received.
#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let service = Service::plain(|request| response("200 OK", "", &request.target()).into_bytes());
    let proxy = Proxy::to_url(&service.url()).start();
    let mut client = proxy.client();
    client.send(get("/api/1") + &get("/none") + &get("/api/2") + &request("OPTIONS", "*", ""));
    client.send(request("POST", "/api/3", "Content-Length: 3\r\n") + "abc" + &get("/api/4"));
    assert_eq!(client.read_response("GET").text(), "/1");
    assert_eq!(client.read_response("GET").status(), 404);
    assert_eq!(client.read_response("GET").text(), "/2");
    assert_eq!(client.read_response("OPTIONS").status(), 204);
    assert_eq!(client.read_response("POST").text(), "/3");
    assert_eq!(client.read_response("GET").text(), "/4");
}

/// §9.5:
///
/// > A client, server, or proxy MAY close the transport connection at any time.
///
/// Whoever does so between two messages disturbs neither the other side nor anybody else.
#[test]
fn a_close_between_messages_disturbs_nobody() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).arg("--threads").arg("1").start();
    let (mut client, service) = reused(&proxy, &upstream);
    service.close();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.answer(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
    client.close();
    let mut client = proxy.client();
    client.send(get("/api/y"));
    assert_eq!(service.answer(OK).0.start_line(), "GET /y HTTP/1.1");
    assert_eq!(client.read_response("GET").text(), "ok");
    upstream.assert_untouched();
}

/// §9.6:
///
/// > The server SHOULD send a "close" connection option in its final response on that
/// > connection. The server MUST NOT process any further requests received on that
/// > connection.
#[test]
fn close_is_answered_with_close_and_nothing_after_it_is_processed() {
    let (upstream, proxy) = pair();
    for option in ["close", "CLOSE", "x-odd, Close"] {
        let mut client = proxy.client();
        let fields = format!("Connection: {option}\r\n");
        client.send(request("GET", "/api/x", &fields) + &get("/api/ignored"));
        let mut service = upstream.accept();
        assert_eq!(service.read_head().start_line(), "GET /x HTTP/1.1");
        service.send(response("200 OK", "Connection: close\r\n", "ok"));
        service.close();
        assert!(client.read_response("GET").closes());
        assert_eq!(client.wait_for_close().0, Ending::Closed);
    }
    upstream.assert_untouched();
}

/// §9.6:
///
/// > A client that receives a "close" connection option MUST cease sending requests on
/// > that connection
#[test]
fn close_of_the_upstream_is_obeyed_even_while_it_stays_open() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut services = Vec::new();
    for option in ["close", "x-odd, CLOSE"] {
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        let fields = format!("Connection: {option}\r\n");
        service.answer(response("200 OK", &fields, "ok"));
        assert!(!client.read_response("GET").closes());
        services.push(service);
    }
    for service in &mut services {
        assert_eq!(service.wait_for_close().0, Ending::Closed);
    }
}

/// §9.6:
///
/// > To avoid the TCP reset problem, servers typically close a connection in stages.
#[test]
fn an_answer_survives_the_unread_rest_of_its_request() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/none", "Content-Length: 3000000\r\n"));
    // As much as the proxy lets come.
    let _ = client.push(&vec![b'x'; 2_000_000]);
    assert_own_answer(&client.read_response("POST"), 404);
    upstream.assert_untouched();
}
