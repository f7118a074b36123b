//! RFC 9112 §3.2, the request target, and its four forms.

use crate::support::{
    OK, get, pair, passes, prove_nothing_left, refused, refused_with, rejected, request, response,
};
use harness::{Peer, Proxy, Upstream};

/// > No whitespace is allowed in the request-target.
///
/// And the recipient SHOULD NOT correct it.
#[test]
fn no_white_space_is_in_a_target() {
    let (upstream, proxy) = pair();
    for target in ["/api/a b", "/api/a\tb", "/api/ x", "/api/x?a b"] {
        rejected(&proxy, &upstream, get(target), 400);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request
/// > message that lacks a Host header field and to any request message that contains
/// > more than one Host header field line or a Host header field with an invalid field
/// > value.
#[test]
fn a_request_has_one_valid_host() {
    let (upstream, proxy) = pair();
    for fields in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nhost: b\r\n",
        "Host: a, b\r\n",
        "Host: a b\r\n",
        "Host: a/b\r\n",
        "Host: user@a\r\n",
        "Host: a:port\r\n",
        "Host: [::1\r\n",
    ] {
        let octets = format!("GET /api/x HTTP/1.1\r\n{fields}\r\n");
        rejected(&proxy, &upstream, octets, 400);
    }
    let octets = "GET /api/x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n";
    rejected(&proxy, &upstream, octets, 400);
    prove_nothing_left(&proxy, &upstream);
}

/// §3.2.1:
///
/// > a client MUST send only the absolute path and query components of the target URI as
/// > the request-target.
#[test]
fn the_service_is_asked_in_origin_form() {
    let (upstream, proxy) = pair();
    for (target, seen) in [
        ("/api/", "/"),
        ("/api/?q", "/?q"),
        ("http://proxy.test/api/x?q=1", "/x?q=1"),
        ("HTTP://proxy.test:80/api/x%2Fy", "/x%2Fy"),
    ] {
        assert_eq!(passes(&proxy, &upstream, get(target)), seen);
    }
}

/// §3.2.2:
///
/// > When an origin server receives a request with an absolute-form of request-target,
/// > the origin server MUST ignore the received Host header field (if any) and instead
/// > use the host information of the request-target.
#[test]
fn the_authority_of_an_absolute_target_counts_and_host_does_not() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send("GET http://one.test/api/x HTTP/1.1\r\nHost: two.test\r\n\r\n");
    let mut service = upstream.accept();
    let head = service.read_head();
    assert_eq!(head.start_line(), "GET /x HTTP/1.1");
    assert_eq!(head.one("host"), Some(upstream.authority()));
    let location = format!("Location: {}/y\r\n", upstream.url());
    service.send(response("302 Found", &location, ""));
    let answer = client.read_response("GET");
    let location = answer.head.one("location").expect("a reference");
    assert_eq!(location, "http://one.test/api/y");
}

/// §3.2.2, where the operator says which authorities are ours: a Host that is one of them
/// does not help a target that is none. Nor the other way round, which is stricter than
/// the clause.
#[test]
fn an_allowed_host_does_not_cover_another_target() {
    let upstream = Upstream::plain();
    let builder = Proxy::to(&upstream).arg("--allow-host").arg("allowed.test");
    let proxy = builder.start();
    for (target, host) in [("evil.test", "allowed.test"), ("allowed.test", "evil.test")] {
        let octets = format!("GET http://{target}/api/x HTTP/1.1\r\nHost: {host}\r\n\r\n");
        refused(&proxy, &upstream, octets, 421);
    }
    upstream.assert_untouched();
    let octets = "GET http://allowed.test/api/x HTTP/1.1\r\nHost: allowed.test\r\n\r\n";
    assert_eq!(passes(&proxy, &upstream, octets), "/x");
}

/// §3.2.2:
///
/// > A server MUST accept the absolute-form in requests even though most HTTP/1.1 clients
/// > will only send the absolute-form to a proxy.
///
/// Whatever host it names, it leads to a route of ours by its path, and nowhere else.
#[test]
fn an_absolute_target_never_chooses_where_the_request_goes() {
    let (upstream, proxy) = pair();
    let other = Upstream::plain();
    let target = format!("{}/api/x", other.url());
    assert_eq!(passes(&proxy, &upstream, get(&target)), "/x");
    refused(
        &proxy,
        &upstream,
        get(&format!("{}/none", other.url())),
        404,
    );
    other.assert_untouched();
}

/// §3.2.3:
///
/// > The authority-form of request-target is only used for CONNECT requests
#[test]
fn an_authority_is_the_target_of_connect_alone() {
    let (upstream, proxy) = pair();
    for method in ["GET", "POST", "OPTIONS"] {
        let octets = request(method, "proxy.test:80", "");
        refused_with(&proxy, &upstream, octets, &[400], true);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// §3.2.4:
///
/// > The asterisk-form of request-target is only used for a server-wide OPTIONS request
#[test]
fn an_asterisk_is_the_target_of_options_alone() {
    let (upstream, proxy) = pair();
    for method in ["GET", "POST", "HEAD"] {
        refused_with(&proxy, &upstream, request(method, "*", ""), &[400], true);
    }
    let mut client = proxy.client();
    assert_eq!(client.ask(request("OPTIONS", "*", "")).status(), 204);
    upstream.assert_untouched();
    client.send(get("/api/x"));
    upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}
