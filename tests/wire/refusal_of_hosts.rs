//! Section 4, Host: exactly one and well-formed; section 1, `--allow-host`.

use crate::support::{OK, pair, passes, prove_nothing_left, refused, refused_with, rejected};
use harness::{Peer, Proxy, Upstream};

fn with_hosts(lines: &str) -> String {
    format!("GET /api/x HTTP/1.1\r\n{lines}\r\n")
}

#[test]
fn http_1_1_needs_exactly_one_well_formed_host() {
    let (upstream, proxy) = pair();
    for lines in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nX: y\r\nhost: b\r\n",
        "Host: a b\r\n",
        "Host: a, b\r\n",
        "Host: a/b\r\n",
        "Host: a?b\r\n",
        "Host: a#b\r\n",
        "Host: user@a\r\n",
        "Host: user:password@a\r\n",
        "Host: a:b\r\n",
        "Host: a:65536\r\n",
        "Host: a:-1\r\n",
        "Host: a:80:80\r\n",
        "Host: [::1\r\n",
        "Host: ::1\r\n",
        "Host: [a]x\r\n",
        "Host: http://a\r\n",
        "Host: a\\b\r\n",
        "Host: a\tb\r\n",
        "Host: <a>\r\n",
        "Host: \"a\"\r\n",
    ] {
        rejected(&proxy, &upstream, with_hosts(lines), 400);
    }
    refused_with(
        &proxy,
        &upstream,
        b"GET /api/x HTTP/1.1\r\nHost: ex\xe9mple\r\n\r\n",
        &[400],
        true,
    );
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn any_well_formed_host_is_accepted_and_replaced() {
    let (upstream, proxy) = pair();
    for host in [
        "a",
        "cred-proxy:9099",
        "127.0.0.1",
        "[::1]:80",
        "EXAMPLE.org.",
        "a_b",
        "xn--nxasmq6b",
    ] {
        let mut client = proxy.client();
        client.send(with_hosts(&format!("Host: {host}\r\n")));
        let mut service = upstream.accept();
        let head = service.read_head();
        assert_eq!(head.one("host"), Some(upstream.authority()), "{host}");
        service.send(OK);
        assert_eq!(client.read_response("GET").status(), 200);
    }
}

#[test]
fn http_1_0_may_come_without_a_host() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send("GET /api/x HTTP/1.0\r\n\r\n");
    let mut service = upstream.accept();
    let head = service.read_head();
    assert_eq!(head.start_line(), "GET /x HTTP/1.1");
    assert_eq!(head.one("host"), Some(upstream.authority()));
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}

#[test]
fn a_host_that_the_operator_did_not_allow_is_answered_with_421() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--allow-host")
        .arg("cred-proxy:9099")
        .start();
    for host in [
        "evil.example",
        "cred-proxy",
        "cred-proxy:9098",
        "cred-proxy:9099.evil.example",
        "evil-cred-proxy:9099",
        "xcred-proxy:9099",
    ] {
        let octets = with_hosts(&format!("Host: {host}\r\n"));
        refused_with(&proxy, &upstream, octets, &[421, 400], false);
    }
    prove_nothing_left_for(&proxy, &upstream);
    for host in ["cred-proxy:9099", "CRED-Proxy:9099"] {
        let octets = with_hosts(&format!("Host: {host}\r\n"));
        assert_eq!(passes(&proxy, &upstream, octets), "/x", "{host}");
    }
}

#[test]
fn several_hosts_may_be_allowed_by_the_environment() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .env("CRED_PROXY_ALLOW_HOST", "one.test,two.test:81")
        .start();
    refused(&proxy, &upstream, with_hosts("Host: three.test\r\n"), 421);
    for host in ["one.test", "two.test:81"] {
        let octets = with_hosts(&format!("Host: {host}\r\n"));
        assert_eq!(passes(&proxy, &upstream, octets), "/x", "{host}");
    }
}

/// As [`prove_nothing_left`], with the allowed Host.
fn prove_nothing_left_for(proxy: &Proxy, upstream: &Upstream) {
    upstream.assert_untouched();
    let octets = "GET /api/sentinel HTTP/1.1\r\nHost: cred-proxy:9099\r\n\r\n";
    assert_eq!(passes(proxy, upstream, octets), "/sentinel");
    upstream.assert_untouched();
}
