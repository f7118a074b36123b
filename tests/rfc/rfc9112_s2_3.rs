//! RFC 9112 §2.3, the version.

use crate::support::{pair, prove_nothing_left, refused_with, sent_downstream, sent_upstream};

/// > HTTP-version is case-sensitive.
#[test]
fn the_version_is_case_sensitive() {
    let (upstream, proxy) = pair();
    for version in [
        "http/1.1",
        "Http/1.1",
        "HTTP/1.1x",
        "HTTP/01.1",
        "HTTP/1.01",
    ] {
        let octets = format!("GET /api/x {version}\r\nHost: a\r\n\r\n");
        refused_with(&proxy, &upstream, octets, &[400, 505], true);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > Intermediaries that process HTTP messages (i.e., all intermediaries other than those
/// > acting as tunnels) MUST send their own HTTP-version in forwarded messages
#[test]
fn each_side_sees_the_version_of_the_proxy() {
    let (upstream, proxy) = pair();
    let head = sent_upstream(&proxy, &upstream, "GET /api/x HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(head.start_line(), "GET /x HTTP/1.1");
    let octets = "HTTP/1.0 200 Fine\r\nContent-Length: 0\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.head.start_line(), "HTTP/1.1 200 Fine");
}
