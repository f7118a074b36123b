//! RFC 9110 §5, fields: names (§5.1), order (§5.3), limits (§5.4), values (§5.5), lists
//! (§5.6.1).

use crate::support::{
    assert_own_answer, pair, prove_nothing_left, refused_with, rejected, request, sent_downstream,
    sent_upstream,
};

/// §5.1:
///
/// > A proxy MUST forward unrecognized header fields unless the field name is listed in
/// > the Connection header field (Section 7.6.1) or the proxy is specifically configured
/// > to block, or otherwise transform, such fields.
#[test]
fn unknown_fields_are_forwarded() {
    let (upstream, proxy) = pair();
    let fields = "X-Odd: 1\r\n!#$%&'*+.^`|~: 2\r\n9: 3\r\n";
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", fields));
    for (name, value) in [("x-odd", "1"), ("!#$%&'*+.^`|~", "2"), ("9", "3")] {
        assert_eq!(head.all(name), [value]);
    }
    let octets = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.head.all("9"), ["3"]);
}

/// §5.3:
///
/// > a proxy MUST NOT change the order of these field line values when forwarding a
/// > message.
#[test]
fn lines_of_one_name_keep_their_order() {
    let (upstream, proxy) = pair();
    let fields = "X: c\r\nY: 1\r\nx: a\r\nX: b\r\nX: a\r\n";
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", fields));
    assert_eq!(head.all("x"), ["c", "a", "b", "a"]);
    let cookies = "Set-Cookie: c=1\r\nset-cookie: a=1, b\r\nSet-Cookie: b=1\r\n";
    let octets = format!("HTTP/1.1 200 OK\r\n{fields}{cookies}Content-Length: 0\r\n\r\n");
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.head.all("x"), ["c", "a", "b", "a"]);
    assert_eq!(answer.head.all("set-cookie"), ["c=1", "a=1, b", "b=1"]);
}

/// §5.4:
///
/// > A server that receives a request header field line, field value, or set of fields
/// > larger than it wishes to process MUST respond with an appropriate 4xx (Client Error)
/// > status code.
#[test]
fn fields_beyond_the_limits_are_a_431() {
    let (upstream, proxy) = pair();
    let long = format!("X: {}\r\n", "y".repeat(70_000));
    for fields in [long, "X: y\r\n".repeat(200)] {
        let octets = request("GET", "/api/x", &fields);
        refused_with(&proxy, &upstream, octets, &[431], true);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// §5.5:
///
/// > a recipient of CR, LF, or NUL within a field value MUST either reject the message or
/// > replace each of those characters with SP before further processing or forwarding of
/// > that message.
#[test]
fn cr_lf_or_nul_in_a_value_is_refused() {
    let (upstream, proxy) = pair();
    for value in ["a\0b", "a\rb", "a\nb", "\0", "a\r"] {
        let fields = format!("X: {value}\r\n");
        rejected(&proxy, &upstream, request("GET", "/api/x", &fields), 400);
        let octets = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// §5.5:
///
/// > A recipient SHOULD treat other allowed octets in field content (i.e., obs-text) as
/// > opaque data.
#[test]
fn octets_above_ascii_travel_as_they_came() {
    let (upstream, proxy) = pair();
    let octets = b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: \x80\xe9\xff\r\n\r\n";
    let head = sent_upstream(&proxy, &upstream, octets);
    let line = b"\r\nX: \x80\xe9\xff\r\n";
    assert!(head.octets().windows(line.len()).any(|w| w == line));
    let octets = b"HTTP/1.1 200 OK\r\nX: \x80\xe9\xff\r\nContent-Length: 0\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    let found = answer.head.octets().windows(line.len()).any(|w| w == line);
    assert!(found, "{:?}", answer.head);
}

/// §5.6.1.2:
///
/// > A recipient MUST parse and ignore a reasonable number of empty list elements
#[test]
fn empty_members_of_a_list_are_ignored() {
    let (upstream, proxy) = pair();
    let fields = "Connection: , ,x-hop,, \t,\r\nX-Hop: 1\r\nX: y\r\n";
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", fields));
    assert!(!head.has("x-hop") && head.has("x"), "{head:?}");
}
