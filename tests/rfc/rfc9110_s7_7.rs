//! RFC 9110 §7.7, transformations.

use crate::support::{get, pair, passes, response, sent_downstream};

/// > A proxy MUST NOT modify the "absolute-path" and "query" parts of the received target
/// > URI when forwarding it to the next inbound server except as required by that
/// > forwarding protocol.
///
/// A gateway changes the route's path for the service's base path, and no octet more.
#[test]
fn path_and_query_travel_as_they_came() {
    let (upstream, proxy) = pair();
    for suffix in [
        "@scope%2Fname",
        "%7euser/%41",
        "a//b",
        "a;b=c/d",
        "x?a=%20&b=+&c=%2F..%2F",
        "x?",
        "x??y=/?",
        "caf%C3%A9",
    ] {
        let seen = passes(&proxy, &upstream, get(&format!("/api/{suffix}")));
        assert_eq!(seen, format!("/{suffix}"));
    }
}

/// > A proxy MUST NOT transform the content (Section 6.4) of a response message that
/// > contains a no-transform cache directive
///
/// No content is transformed, with or without it.
#[test]
fn content_and_what_describes_it_travel_as_they_came() {
    let (upstream, proxy) = pair();
    let fields = "Content-Encoding: gzip\r\nContent-Type: text/html\r\nETag: \"x\"\r\n\
        Cache-Control: no-transform\r\nAccept-Ranges: bytes\r\n";
    let octets = response("200 OK", fields, "\u{1f}not gzip at all\0\r\n");
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.text(), "\u{1f}not gzip at all\0\r\n");
    for line in fields.lines().map(str::trim) {
        assert!(
            answer.head.field_lines().contains(&line.to_owned()),
            "{line}"
        );
    }
}
