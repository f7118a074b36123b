//! RFC 9112 §2.2, message parsing.

use crate::support::{
    assert_own_answer, get, one_exchange, pair, passes, prove_nothing_left, rejected, request,
    sent_downstream, sent_upstream,
};

/// > A recipient of such a bare CR MUST consider that element to be invalid or replace
/// > each bare CR with SP before processing the element or forwarding the message.
///
/// Here it is always invalid.
#[test]
fn a_bare_cr_makes_the_message_invalid() {
    let (upstream, proxy) = pair();
    for octets in [
        "GET /api/x\r HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: a\r\nX\r: a\r\n\r\n",
    ] {
        rejected(&proxy, &upstream, octets, 400);
    }
    prove_nothing_left(&proxy, &upstream);
    let octets = "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n";
    assert_own_answer(&sent_downstream(&proxy, &upstream, "GET", octets), 502);
}

/// > a recipient MAY recognize a single LF as a line terminator and ignore any preceding
/// > CR.
///
/// Not here: two recipients that differ in this see two messages.
#[test]
fn a_single_lf_is_no_line_terminator() {
    let (upstream, proxy) = pair();
    for octets in [
        "GET /api/x HTTP/1.1\nHost: a\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: a\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: a\r\n\n",
    ] {
        rejected(&proxy, &upstream, octets, 400);
    }
    prove_nothing_left(&proxy, &upstream);
    let octets = "HTTP/1.1 200 OK\nContent-Length: 0\n\n";
    assert_own_answer(&sent_downstream(&proxy, &upstream, "GET", octets), 502);
}

/// > A recipient MUST parse an HTTP message as a sequence of octets in an encoding that
/// > is a superset of US-ASCII.
///
/// (The reference to US-ASCII is left out.) The octets of U+010A, whose low octet is LF,
/// and what is no UTF-8 at all, are octets of a value like any other.
#[test]
fn a_message_is_octets_and_not_characters() {
    let (upstream, proxy) = pair();
    let mut octets =
        b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: \xc4\x8a\xff\xe5\x98\x8d\r\n\r\n".to_vec();
    let head = sent_upstream(&proxy, &upstream, &octets);
    let sent = b"\r\nX: \xc4\x8a\xff\xe5\x98\x8d\r\n";
    assert!(head.octets().windows(sent.len()).any(|w| w == sent));
    octets.retain(|octet| *octet != 0x8a);
    sent_upstream(&proxy, &upstream, &octets);
}

/// > a server that is expecting to receive and parse a request-line SHOULD ignore at
/// > least one empty line (CRLF) received prior to the request-line.
#[test]
fn one_empty_line_before_a_request_is_ignored() {
    let (upstream, proxy) = pair();
    let octets = format!("\r\n{}", get("/api/x"));
    assert_eq!(passes(&proxy, &upstream, octets), "/x");
}

/// > A recipient that receives whitespace between the start-line and the first header
/// > field MUST either reject the message as invalid or consume each
/// > whitespace-preceded line without further processing of it
#[test]
fn white_space_before_the_first_field_is_refused() {
    let (upstream, proxy) = pair();
    for space in [" ", "\t", " \t "] {
        let octets = format!("GET /api/x HTTP/1.1\r\n{space}X: y\r\nHost: a\r\n\r\n");
        rejected(&proxy, &upstream, octets, 400);
        let octets = format!("GET /api/x HTTP/1.1\r\n{space}\r\nHost: a\r\n\r\n");
        rejected(&proxy, &upstream, octets, 400);
    }
    prove_nothing_left(&proxy, &upstream);
    let octets = "HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 0\r\n\r\n";
    assert_own_answer(&sent_downstream(&proxy, &upstream, "GET", octets), 502);
}

/// > receives a sequence of octets that does not match the HTTP-message grammar aside
/// > from the robustness exceptions listed above, the server SHOULD respond with a 400
/// > (Bad Request) response and close the connection.
#[test]
fn what_is_no_message_is_a_400_and_the_end() {
    let (upstream, proxy) = pair();
    for octets in [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "EHLO proxy.test\r\n\r\n",
        "{\"json\": true}\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
    ] {
        rejected(&proxy, &upstream, octets, 400);
    }
    prove_nothing_left(&proxy, &upstream);
    sent_upstream(&proxy, &upstream, request("GET", "/api/x", "X:\r\n"));
    one_exchange(&proxy, &upstream);
}
