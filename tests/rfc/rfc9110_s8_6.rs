//! RFC 9110 §8.6, Content-Length.

use crate::support::{
    assert_own_answer, pair, prove_nothing_left, rejected, request, sent_downstream,
};

/// > a recipient MUST anticipate potentially large decimal numerals and prevent parsing
/// > errors due to integer conversion overflows or precision loss
///
/// (The end of the sentence is left out.)
#[test]
fn a_content_length_never_overflows() {
    let (upstream, proxy) = pair();
    for value in [
        "18446744073709551616",
        "18446744073709551621",
        "99999999999999999999999999",
    ] {
        let fields = format!("Content-Length: {value}\r\n");
        rejected(&proxy, &upstream, request("POST", "/api/x", &fields), 400);
        let octets = format!("HTTP/1.1 200 OK\r\n{fields}\r\nok");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > a recipient of a Content-Length header field value consisting of the same decimal
/// > value repeated as a comma-separated list (e.g, "Content-Length: 42, 42") MAY either
/// > reject the message as invalid or replace that invalid field value with a single
/// > instance of the decimal value
///
/// A request is refused; equal lines of a response become one.
#[test]
fn a_repeated_length_is_refused_in_requests_and_made_one_in_responses() {
    let (upstream, proxy) = pair();
    for fields in [
        "Content-Length: 2, 2\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n",
    ] {
        rejected(
            &proxy,
            &upstream,
            request("POST", "/api/x", fields) + "ok",
            400,
        );
    }
    prove_nothing_left(&proxy, &upstream);
    let octets = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.head.all("content-length"), ["2"]);
    assert_eq!(answer.text(), "ok");
}

/// > A server MUST NOT send a Content-Length header field in any response with a status
/// > code of 1xx (Informational) or 204 (No Content).
#[test]
fn no_length_goes_with_1xx_or_204() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n\
        HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.interim.len(), 1);
    for head in answer.interim.iter().chain([&answer.head]) {
        assert!(!head.has("content-length"), "{head:?}");
    }
}
