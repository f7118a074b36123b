//! RFC 9112 §5.1, field line parsing.

use crate::support::{
    assert_own_answer, pair, prove_nothing_left, rejected, request, sent_downstream, sent_upstream,
};

/// > A server MUST reject, with a response status code of 400 (Bad Request), any received
/// > request message that contains whitespace between a header field name and colon.
#[test]
fn white_space_before_the_colon_is_a_400() {
    let (upstream, proxy) = pair();
    for line in [
        "X : y",
        "X\t: y",
        "Transfer-Encoding : chunked",
        "Content-Length : 5",
    ] {
        let octets = request("POST", "/api/x", &format!("{line}\r\n"));
        rejected(&proxy, &upstream, octets, 400);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > A proxy MUST remove any such whitespace from a response message before forwarding
/// > the message downstream.
///
/// Nothing of such a message is forwarded: it is answered with 502.
#[test]
fn white_space_before_the_colon_of_a_response_never_travels() {
    let (upstream, proxy) = pair();
    for line in [
        "X : y",
        "Content-Length : 2",
        "Transfer-Encoding\t: chunked",
    ] {
        let octets = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\nok");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
}

/// > The field line value does not include that leading or trailing whitespace
#[test]
fn optional_white_space_is_no_part_of_a_value() {
    let (upstream, proxy) = pair();
    let fields = "Content-Length: \t0\t \r\nConnection:\t x-hop \r\nX-Hop: 1\r\n";
    let head = sent_upstream(&proxy, &upstream, request("POST", "/api/x", fields));
    assert_eq!(head.content_length(), Some(0));
    assert!(!head.has("x-hop"), "{head:?}");
    let octets = "HTTP/1.1 200 OK\r\nContent-Length:\t 2 \t\r\n\r\nok";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.text(), "ok");
}
