//! RFC 9112 §6.3, the length of a message body, by its numbered rules.

use crate::support::{
    OK, assert_own_answer, get, misframed, one_exchange, pair, prove_nothing_left, refused_with,
    rejected, request, sent_downstream,
};
use harness::head::Framing;
use harness::{Ending, Peer};

/// Rule 1:
///
/// > is always terminated by the first empty line after the header fields, regardless of
/// > the header fields present in the message, and thus cannot contain a message body or
/// > trailer section.
#[test]
fn rule_1_some_responses_end_with_their_head() {
    let (upstream, proxy) = pair();
    for (method, status) in [
        ("HEAD", "200 OK"),
        ("GET", "204 No Content"),
        ("GET", "304 Not Modified"),
    ] {
        for fields in [
            "Content-Length: 1000\r\n",
            "Transfer-Encoding: chunked\r\n",
            "",
        ] {
            let mut client = proxy.client();
            client.send(request(method, "/api/x", ""));
            let mut service = upstream.accept();
            service.read_head();
            service.send(format!("HTTP/1.1 {status}\r\n{fields}\r\n"));
            assert_eq!(client.read_response(method).framing, Framing::NoBody);
            // Both connections go on.
            client.send(get("/api/next"));
            assert_eq!(service.read_head().start_line(), "GET /next HTTP/1.1");
            service.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            assert_eq!(client.read_response("GET").status(), 200);
        }
    }
}

/// Rule 3:
///
/// > Such a message might indicate an attempt to perform request smuggling (Section 11.2)
/// > or response splitting (Section 11.1) and ought to be handled as an error.
#[test]
fn rule_3_two_framings_are_an_error() {
    let (upstream, proxy) = pair();
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ] {
        misframed(&proxy, &upstream, fields);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// Rule 4:
///
/// > If a Transfer-Encoding header field is present in a request and the chunked transfer
/// > coding is not the final encoding, the message body length cannot be determined
/// > reliably; the server MUST respond with the 400 (Bad Request) status code and then
/// > close the connection.
///
/// Where the coding is also unknown, §6.1 has 501, and that is what is said.
#[test]
fn rule_4_chunked_is_the_final_coding_of_a_request() {
    let (upstream, proxy) = pair();
    for value in ["gzip", "chunked, gzip", "identity", "chunked;q=1"] {
        let fields = format!("Transfer-Encoding: {value}\r\n");
        let octets = request("POST", "/api/x", &fields) + "0\r\n\r\n";
        refused_with(&proxy, &upstream, octets, &[400, 501], true);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// Rule 5, of a request:
///
/// > the message framing is invalid and the recipient MUST treat it as an unrecoverable
/// > error
///
/// The exception for a list of equal values may be taken, and is not for requests.
#[test]
fn rule_5_an_invalid_content_length_of_a_request_is_a_400() {
    let (upstream, proxy) = pair();
    for value in [
        "+5", "-5", "0x5", "5 5", "5_0", "5.0", "", "5, 6", "5, 5", "05",
    ] {
        let fields = format!("Content-Length: {value}\r\n");
        let octets = request("POST", "/api/x", &fields) + "hello";
        rejected(&proxy, &upstream, octets, 400);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// Rule 5, of a response:
///
/// > the proxy MUST close the connection to the server, discard the received response,
/// > and send a 502 (Bad Gateway) response to the client.
#[test]
fn rule_5_an_invalid_content_length_of_a_response_is_a_502_and_the_end() {
    let (upstream, proxy) = pair();
    for value in ["+5", "0x5", "5 5", "5, 6", "5\r\nContent-Length: 6"] {
        let mut client = proxy.client();
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        service.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\nhello"
        ));
        assert_own_answer(&client.read_response("GET"), 502);
        service.read_to_end();
    }
}

/// Rule 6:
///
/// > If the sender closes the connection or the recipient times out before the indicated
/// > number of octets are received, the recipient MUST consider the message to be
/// > incomplete and close the connection.
#[test]
fn rule_6_a_body_that_is_too_short_is_never_made_whole() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 5\r\n") + "hel");
    let mut service = upstream.accept();
    assert_eq!(service.read_head().content_length(), Some(5));
    client.half_close();
    assert_eq!(service.read_to_end().0, b"hel");
    drop(client);
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    service.close();
    assert_eq!(client.read_head().content_length(), Some(5));
    assert_eq!(client.read_to_end().0, b"hel");
}

/// Rule 7:
///
/// > If this is a request message and none of the above are true, then the message body
/// > length is zero (no message body is present).
#[test]
fn rule_7_a_request_without_framing_has_no_body() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "") + &get("/api/next"));
    let mut service = upstream.accept();
    let (head, body) = service.answer(OK);
    assert_eq!((head.is_chunked(), body.len()), (false, 0));
    assert!(matches!(head.content_length(), None | Some(0)), "{head:?}");
    assert_eq!(service.answer(OK).0.start_line(), "GET /next HTTP/1.1");
    assert_eq!(client.read_response("POST").text(), "ok");
    assert_eq!(client.read_response("GET").text(), "ok");
}

/// Rule 8:
///
/// > this is a response message without a declared message body length, so the message
/// > body length is determined by the number of octets received prior to the server
/// > closing the connection.
#[test]
fn rule_8_a_response_without_length_lasts_until_the_close() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.framing, Framing::Chunked);
    assert_eq!(
        answer.text(),
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    );
}

/// > A client MUST NOT process, cache, or forward such extra data as a separate response,
/// > since such behavior would be vulnerable to cache poisoning.
#[test]
fn what_follows_a_final_response_is_no_response() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send(format!(
        "{OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    ));
    assert_eq!(client.read_response("GET").text(), "ok");
    assert_eq!(service.wait_for_close().0, Ending::Closed);
    client.assert_silent();
    one_exchange(&proxy, &upstream);
}
