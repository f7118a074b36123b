//! RFC 9110 §7.2, Host, and §7.4, requests that are not ours.

use crate::support::{get, pair, refused, sent_upstream};
use harness::{Proxy, Upstream};

/// > A user agent MUST generate a Host header field in a request unless it sends that
/// > information as an ":authority" pseudo-header field.
///
/// The gateway is the service's user agent: it names the service, not itself.
#[test]
fn the_host_of_the_service_is_generated() {
    let (upstream, proxy) = pair();
    for host in ["proxy.test", "PROXY.test:8080", "[::1]:1"] {
        let octets = format!("GET /api/x HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let head = sent_upstream(&proxy, &upstream, octets);
        assert_eq!(head.all("host"), [upstream.authority()]);
    }
    let head = sent_upstream(&proxy, &upstream, "GET /api/x HTTP/1.0\r\n\r\n");
    assert_eq!(head.all("host"), [upstream.authority()]);
}

/// §7.4: a request for an authority that the operator did not allow is misdirected, and
/// answered with 421 (paraphrased).
#[test]
fn a_misdirected_request_is_a_421() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--allow-host")
        .arg("allowed.test")
        .start();
    refused(&proxy, &upstream, get("/api/x"), 421);
    upstream.assert_untouched();
}
