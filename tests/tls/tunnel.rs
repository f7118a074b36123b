//! Through a company's outbound proxy (`HTTPS_PROXY`).

use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::agent::assert_only_ours;
use harness::answer::After;
use harness::connect_proxy::{ConnectProxy, Manner};
use harness::origin::Origin;
use harness::{Authority, Builder, Peer, Response, TOKEN, Upstream, flag};

use crate::{GET, OK, assert_own_answer, proxy_to};

/// A host that no resolver knows: only the outbound proxy can bring anybody there.
const HOST: &str = "service.example";

fn answering(authority: &Authority) -> Origin {
    Origin::start(Some(authority.server_config(&[HOST])), |_, answer| {
        answer.raw(OK.as_bytes())?;
        Ok(After::Keep)
    })
}

fn through(outbound: &ConnectProxy, userinfo: &str, authority: &Authority) -> Builder {
    proxy_to(&format!("https://{HOST}"), authority).env("HTTPS_PROXY", outbound.url(userinfo))
}

#[test]
fn a_service_is_reached_through_https_proxy() {
    let authority = Authority::new();
    let origin = answering(&authority);
    let outbound = ConnectProxy::start(Manner::Tunnel(origin.address()));
    let proxy = through(&outbound, "", &authority).start();
    let mut client = proxy.client();
    assert_eq!(client.ask(GET).text(), "ok");
    assert_eq!(client.ask(GET).text(), "ok");

    let heads = outbound.heads();
    assert_eq!(
        heads.len(),
        1,
        "the tunnel is kept like any connection: {heads:?}"
    );
    assert_eq!(
        heads[0].start_line(),
        format!("CONNECT {HOST}:443 HTTP/1.1")
    );
    assert_eq!(heads[0].all("host"), [format!("{HOST}:443")]);
    assert!(!heads[0].has("proxy-authorization") && !heads[0].has("authorization"));

    let requests = origin.requests();
    assert_only_ours(&requests, "authorization", &format!("Bearer {TOKEN}"));
    assert_eq!(requests[0].only("host"), HOST);
    let hello = requests[0].hello.clone().expect("a TLS hello");
    assert_eq!(
        hello.server_name.as_deref(),
        Some(HOST),
        "the service, not the proxy"
    );
}

#[test]
fn another_port_and_the_variable_in_lower_case_are_honoured() {
    let authority = Authority::new();
    let origin = answering(&authority);
    let outbound = ConnectProxy::start(Manner::Tunnel(origin.address()));
    let proxy = proxy_to(&format!("https://{HOST}:8443/base/"), &authority)
        .env("https_proxy", outbound.url(""))
        .start();
    assert_eq!(proxy.client().ask(GET).text(), "ok");
    let line = outbound.heads()[0].start_line();
    assert_eq!(line, format!("CONNECT {HOST}:8443 HTTP/1.1"));
    assert_eq!(origin.requests()[0].only("host"), format!("{HOST}:8443"));
    assert_eq!(origin.requests()[0].target, "/base/x");
}

#[test]
fn every_way_to_say_yes_to_connect_opens_the_tunnel() {
    let rows = [
        "HTTP/1.0 200 Connection established\r\n\r\n",
        "HTTP/1.1 200 OK\r\nVia: 1.1 a\r\nProxy-Agent: b\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        // RFC 9110 §9.3.6: in a 2xx to CONNECT both are ignored.
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    for head in rows {
        let authority = Authority::new();
        let origin = answering(&authority);
        let outbound = ConnectProxy::start(Manner::TunnelSaying(head, origin.address()));
        let proxy = through(&outbound, "", &authority).start();
        let response = proxy.client().ask(GET);
        assert_eq!(response.text(), "ok", "after {head:?}");
    }
}

#[test]
fn an_ipv6_address_stands_in_brackets() {
    let authority = Authority::new();
    let address = "2001:db8::1";
    let tls = authority.server_config(&[address]);
    let origin = Origin::start(Some(tls), |_, answer| answer.whole("200 OK", &[], b"ok"));
    let outbound = ConnectProxy::start(Manner::Tunnel(origin.address()));
    let proxy = proxy_to(&format!("https://[{address}]"), &authority)
        .env("HTTPS_PROXY", outbound.url(""))
        .start();
    assert_eq!(proxy.client().ask(GET).text(), "ok");
    let line = outbound.heads()[0].start_line();
    assert_eq!(line, format!("CONNECT [{address}]:443 HTTP/1.1"));
    assert_eq!(origin.requests()[0].only("host"), format!("[{address}]"));
}

#[test]
fn the_outbound_proxys_own_credentials_go_to_it_alone() {
    // As they stand in the URL, and as they mean.
    let rows = [
        ("worker:pass-word-1@", "worker:pass-word-1"),
        ("worker:p%40ss%3Aw%2Frd-2@", "worker:p@ss:w/rd-2"),
    ];
    for (userinfo, meaning) in rows {
        let authority = Authority::new();
        let origin = answering(&authority);
        let outbound = ConnectProxy::start(Manner::Tunnel(origin.address()));
        let proxy = through(&outbound, userinfo, &authority)
            .secret(meaning.split_once(':').expect("user:password").1)
            .start();
        assert_eq!(proxy.client().ask(GET).text(), "ok");
        let expected = format!("Basic {}", STANDARD.encode(meaning));
        assert_eq!(outbound.heads()[0].all("proxy-authorization"), [expected]);
        let request = &origin.requests()[0];
        assert!(request.all("proxy-authorization").is_empty(), "{request:?}");
    }
}

/// The answer to the agent when the outbound proxy says this to CONNECT.
fn answer_after(said: &str) -> Response {
    let authority = Authority::new();
    let outbound = ConnectProxy::start(Manner::Say(said.to_owned()));
    let proxy = through(&outbound, "worker:pass-word-3@", &authority)
        .secret("pass-word-3")
        .start();
    let response = proxy.client().ask(GET);
    let head = outbound.wait_for_head();
    assert!(
        !head.text().contains(TOKEN),
        "our credential went to the outbound proxy"
    );
    response
}

#[test]
fn a_refusal_of_the_outbound_proxy_is_a_bad_gateway_that_names_its_status() {
    for status in [
        "403 Forbidden",
        "407 Proxy Authentication Required",
        "503 Busy",
    ] {
        let said = format!("HTTP/1.1 {status}\r\nContent-Length: 6\r\n\r\nsecret");
        let response = answer_after(&said);
        assert_eq!(response.status(), 502, "{response:?}");
        assert!(response.text().contains(&status[..3]), "{response:?}");
        assert!(response.head.has("proxy-status"), "{response:?}");
        assert!(!response.text().contains("secret"), "{response:?}");
    }
}

#[test]
fn what_is_no_answer_to_connect_is_a_bad_gateway() {
    for said in [
        "",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConne",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let response = answer_after(said);
        assert_eq!(response.status(), 502, "after {said:?}: {response:?}");
    }
}

#[test]
fn an_outbound_proxy_that_never_answers_is_a_gateway_timeout() {
    let authority = Authority::new();
    let outbound = ConnectProxy::start(Manner::Silent);
    let proxy = through(&outbound, "", &authority)
        .deadline(flag::CONNECT_TIME, Duration::from_millis(1000))
        .start();
    let response = proxy.client().ask(GET);
    assert_own_answer(&response, 504, "connection_timeout", &[]);
    assert_eq!(outbound.heads().len(), 1);
}

#[test]
fn an_outbound_proxy_that_is_not_there_is_a_bad_gateway() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let proxy = proxy_to(&format!("https://{HOST}"), &authority)
        .env("HTTPS_PROXY", format!("http://{address}"))
        .start();
    assert_eq!(proxy.client().ask(GET).status(), 502);
}

#[test]
fn a_service_behind_the_outbound_proxy_is_verified_all_the_same() {
    let authority = Authority::new();
    let origin = Origin::start(Some(authority.wrong_name()), |_, answer| {
        answer.whole("200 OK", &[], b"")
    });
    let outbound = ConnectProxy::start(Manner::Tunnel(origin.address()));
    let proxy = through(&outbound, "", &authority).start();
    let response = proxy.client().ask(GET);
    assert_own_answer(&response, 502, "tls_certificate_error", &["name"]);
    assert!(origin.requests().is_empty());
}

#[test]
fn a_service_of_plain_http_is_not_sent_through_https_proxy() {
    let authority = Authority::new();
    let outbound = ConnectProxy::start(Manner::Silent);
    let upstream = Upstream::plain();
    let proxy = proxy_to(&upstream.url(), &authority)
        .env("HTTPS_PROXY", outbound.url(""))
        .start();
    let mut client = proxy.client();
    client.send(GET);
    upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
    assert!(outbound.heads().is_empty());
}
