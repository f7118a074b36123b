//! RFC 9112 §3 and §3.1, the request line and its method.

use crate::support::{
    get, pair, passes, prove_nothing_left, refused, refused_with, rejected, request,
};

/// > lenient parsing can result in request smuggling security vulnerabilities if there
/// > are multiple recipients of the message and each has its own unique interpretation
/// > of robustness
///
/// The leniency is a MAY, and is not taken: no octet but a single SP separates.
#[test]
fn only_a_single_space_separates_the_words() {
    let (upstream, proxy) = pair();
    for line in [
        "GET\t/api/x HTTP/1.1",
        "GET  /api/x HTTP/1.1",
        "GET /api/x\u{b}HTTP/1.1",
        "GET /api/x\u{c}HTTP/1.1",
        "GET\r/api/x HTTP/1.1",
        " GET /api/x HTTP/1.1",
    ] {
        rejected(&proxy, &upstream, format!("{line}\r\nHost: a\r\n\r\n"), 400);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > A server that receives a request-target longer than any URI it wishes to parse MUST
/// > respond with a 414 (URI Too Long) status code
#[test]
fn a_target_that_is_too_long_is_a_414() {
    let (upstream, proxy) = pair();
    let target = format!("/api/{}", "x".repeat(20_000));
    refused_with(&proxy, &upstream, get(&target), &[414], true);
    prove_nothing_left(&proxy, &upstream);
}

/// > It is RECOMMENDED that all HTTP senders and recipients support, at a minimum,
/// > request-line lengths of 8000 octets.
#[test]
fn a_request_line_of_8000_octets_passes() {
    let (upstream, proxy) = pair();
    let fixed = "GET /api/ HTTP/1.1".len();
    let suffix = "x".repeat(8000 - fixed);
    let seen = passes(&proxy, &upstream, get(&format!("/api/{suffix}")));
    assert_eq!(seen, format!("/{suffix}"));
}

/// > The request method is case-sensitive.
///
/// So `get` is another method than GET, which no route lists.
#[test]
fn the_method_is_case_sensitive() {
    let (upstream, proxy) = pair();
    for method in ["get", "Get", "pOST"] {
        let answer = refused(&proxy, &upstream, request(method, "/api/x", ""), 405);
        assert!(answer.head.has("allow"), "{:?}", answer.head);
    }
    prove_nothing_left(&proxy, &upstream);
}
