//! Section 6, the head of a response: what is kept, dropped, added, and which answers
//! of an upstream are none.

use crate::support::{OK, assert_own_answer, get, pair, request, response, sent_downstream};
use harness::head::Framing;
use harness::{Ending, Peer};

#[test]
fn every_line_that_is_not_dropped_travels_as_it_came() {
    let (upstream, proxy) = pair();
    let answer = sent_downstream(
        &proxy,
        &upstream,
        "GET",
        b"HTTP/1.1 200 Quite fine\r\n\
        Server: upstream/1.0\r\n\
        set-cookie: a=1; Path=/\r\n\
        X-Repeated: one\r\n\
        Set-Cookie: b=2, c\r\n\
        X-REPEATED: two\r\n\
        Connection: X-Hop, keep-alive\r\n\
        X-Hop: 1\r\n\
        Keep-Alive: timeout=5\r\n\
        Proxy-Authenticate: Basic\r\n\
        Proxy-Connection: keep-alive\r\n\
        Upgrade: h2c\r\n\
        Trailer: X-Sum\r\n\
        TE: x\r\n\
        Alt-Svc: h3=\":443\"\r\n\
        WWW-Authenticate: Bearer\r\n\
        Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n\
        X-Obs-Text: caf\xe9\r\n\
        Content-Type: text/plain\r\n\
        set-cookie: a=1; Path=/\r\n\
        Content-Length: 2\r\n\
        X-Empty:\r\n\
        \r\nok",
    );
    let mut lines = answer.head.field_lines();
    lines.retain(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    let connection = answer.head.all("connection");
    assert!(
        connection.len() <= 1 && !connection.concat().contains("X-Hop"),
        "{lines:?}"
    );
    lines.retain(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    lines.retain(|line| !line.to_ascii_lowercase().starts_with("via:"));
    let trimmed: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    assert_eq!(
        trimmed,
        [
            "Server: upstream/1.0",
            "set-cookie: a=1; Path=/",
            "X-Repeated: one",
            "Set-Cookie: b=2, c",
            "X-REPEATED: two",
            "WWW-Authenticate: Bearer",
            "Date: Tue, 15 Nov 1994 08:12:31 GMT",
            "X-Obs-Text: caf\u{fffd}",
            "Content-Type: text/plain",
            "set-cookie: a=1; Path=/",
            "X-Empty:",
        ]
    );
    assert_eq!(answer.head.start_line(), "HTTP/1.1 200 Quite fine");
}

#[test]
fn a_missing_date_is_added_and_no_server_is_invented() {
    let (upstream, proxy) = pair();
    let answer = sent_downstream(&proxy, &upstream, "GET", OK);
    let date = answer.head.one("date").expect("Date");
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    assert!(!answer.head.has("server"), "{:?}", answer.head);
}

#[test]
fn the_status_line_always_says_http_1_1() {
    let (upstream, proxy) = pair();
    for (line, seen) in [
        ("HTTP/1.0 200 OK", "HTTP/1.1 200 OK"),
        ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK"),
        ("HTTP/1.1 299 ", "HTTP/1.1 299 "),
        ("HTTP/1.1 404 Not\tFound", "HTTP/1.1 404 Not\tFound"),
        ("HTTP/1.1 599 X", "HTTP/1.1 599 X"),
    ] {
        let octets = format!("{line}\r\nContent-Length: 0\r\n\r\n");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_eq!(answer.head.start_line(), seen);
    }
}

#[test]
fn head_204_and_304_have_no_body_whatever_their_fields_say() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let mut service = None;
    for (method, head) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        ("HEAD", "HTTP/1.1 200 OK\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            "GET",
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
        ),
        ("GET", "HTTP/1.1 304 Not Modified\r\n\r\n"),
        (
            "HEAD",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n",
        ),
    ] {
        eprintln!("row: {method} {head:?}");
        client.send(request(method, "/api/x", ""));
        let service = service.get_or_insert_with(|| upstream.accept());
        service.read_head();
        service.send(head);
        let answer = client.read_response(method);
        assert_eq!(answer.framing, Framing::NoBody);
        client.assert_silent();
        assert!(!answer.closes(), "{:?}", answer.head);
        if head.contains("1000") {
            assert_eq!(answer.head.content_length(), Some(1000));
        }
        if answer.status() == 204 {
            // RFC 9110 §8.6 and RFC 9112 §6.1 forbid both.
            assert!(!answer.head.has("content-length"), "{:?}", answer.head);
            assert!(!answer.head.has("transfer-encoding"), "{:?}", answer.head);
        }
    }
}

#[test]
fn octets_after_a_response_without_body_are_no_response() {
    let (upstream, proxy) = pair();
    for head in [
        "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled",
    ] {
        let mut client = proxy.client();
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        service.send(head);
        let answer = client.read_response("GET");
        assert_eq!(answer.body, b"");
        // The connection with octets that nobody asked for is not used again.
        client.send(get("/api/next"));
        let mut next = upstream.accept();
        assert_eq!(next.read_head().start_line(), "GET /next HTTP/1.1");
        next.send(OK);
        assert_eq!(client.read_response("GET").text(), "ok");
        service.wait_for_close();
    }
}

#[test]
fn an_answer_whose_framing_is_in_doubt_is_a_502() {
    let (upstream, proxy) = pair();
    for fields in [
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: +3\r\n",
        "Content-Length: 03\r\n",
        "Content-Length: 0x3\r\n",
        "Content-Length: 3 3\r\n",
        "Content-Length: \r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: 3, 4\r\n",
        "Content-Length: 18446744073709551616\r\n",
    ] {
        eprintln!("row: {fields:?}");
        let octets = format!("HTTP/1.1 200 OK\r\n{fields}\r\n3\r\nabc\r\n0\r\n\r\n");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
    let old = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    assert_own_answer(&sent_downstream(&proxy, &upstream, "GET", old), 502);
}

#[test]
fn equal_repeats_of_content_length_collapse_to_one() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nok";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.text(), "ok");
    assert_eq!(answer.head.all("content-length"), ["2"]);
}

#[test]
fn an_answer_that_is_no_http_is_a_502() {
    let (upstream, proxy) = pair();
    for octets in [
        "garbage\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        " HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        "HTTP/1.1 200 a\rb\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "+OK POP3 ready\r\n\r\n",
    ] {
        eprintln!("row: {octets:?}");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
}

#[test]
fn interim_responses_are_relayed_in_order() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x\r\nX: y\r\n\r\n\
        HTTP/1.1 102 Processing\r\n\r\n\
        HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n\
        HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    let statuses: Vec<u16> = answer.interim.iter().map(harness::Head::status).collect();
    assert_eq!(statuses, [103, 102, 103]);
    assert!(!answer.interim[0].has("x"), "{:?}", answer.interim[0]);
    assert!(answer.interim[0].has("link"), "{:?}", answer.interim[0]);
    assert_eq!(answer.text(), "ok");
}

#[test]
fn an_interim_response_goes_out_at_once() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n");
    let hints = client.read_head();
    assert_eq!(hints.status(), 103);
    assert_eq!(hints.one("x").as_deref(), Some("y"));
    client.assert_silent();
    service.send(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
}

#[test]
fn a_connection_that_the_upstream_closes_does_not_close_the_clients() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    for _ in 0..2 {
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        service.send(response("200 OK", "Connection: close\r\n", "ok"));
        let answer = client.read_response("GET");
        assert!(!answer.closes(), "{:?}", answer.head);
        assert_eq!(service.wait_for_close().0, Ending::Closed);
    }
}
