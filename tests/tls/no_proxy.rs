//! `NO_PROXY`: who is reached past the outbound proxy.

use harness::Authority;
use harness::answer::After;
use harness::connect_proxy::{ConnectProxy, Manner};
use harness::origin::Origin;

use crate::{GET, NAME, OK, proxy_to};

/// Whether a request to `https://host:port` went past the outbound proxy; `PORT` in the
/// variable stands for that port.
fn goes_past(host: &str, variable: &str, value: &str) -> bool {
    let authority = Authority::new();
    let names = [NAME, "127.0.0.1", "service.example"];
    let origin = Origin::start(Some(authority.server_config(&names)), |_, answer| {
        answer.raw(OK.as_bytes())?;
        Ok(After::Keep)
    });
    let outbound = ConnectProxy::start(Manner::Tunnel(origin.address()));
    let port = origin.port().to_string();
    let proxy = proxy_to(&format!("https://{host}:{port}"), &authority)
        .env("HTTPS_PROXY", outbound.url(""))
        .env(variable, value.replace("PORT", &port))
        .start();
    let response = proxy.client().ask(GET);
    assert_eq!(response.text(), "ok", "{host} with {variable}={value}");
    outbound.heads().is_empty()
}

#[test]
fn what_no_proxy_names_is_reached_directly() {
    let rows = [
        (NAME, "localhost"),
        (NAME, "LOCALHOST"),
        (NAME, "a.example, localhost ,b.example"),
        (NAME, "localhost:PORT"),
        (NAME, "*"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1:PORT"),
        ("127.0.0.1", "10.0.0.0/8,127.0.0.0/8"),
        ("127.0.0.1", "127.0.0.1/32"),
    ];
    for (host, value) in rows {
        assert!(
            goes_past(host, "NO_PROXY", value),
            "{host} with NO_PROXY={value}"
        );
    }
}

#[test]
fn the_variable_in_lower_case_is_honoured() {
    assert!(goes_past(NAME, "no_proxy", "localhost"));
}

#[test]
fn what_no_proxy_does_not_name_goes_through_the_outbound_proxy() {
    let rows = [
        (NAME, ""),
        (NAME, "localhos,ocalhost,host"),
        (NAME, "localhost:1"),
        (NAME, "localhost.example"),
        ("127.0.0.1", "10.0.0.0/8"),
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "128.0.0.0/1"),
        ("service.example", ".ice.example,.other.example"),
        ("service.example", "vice.example"),
    ];
    for (host, value) in rows {
        assert!(
            !goes_past(host, "NO_PROXY", value),
            "{host} with NO_PROXY={value}"
        );
    }
}
