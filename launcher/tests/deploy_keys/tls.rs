//! The way to the forge: whom it believes, and through which proxy it goes.

use harness::Authority;
use harness::connect_proxy::{ConnectProxy, Manner};
use harness::forge_api::{API_TOKEN, ForgeApi};
use harness::upstream::{Deaf, listen};

use crate::rig::{APP, CALL_SECONDS, Child, assert_tells, play_child};

#[test]
fn the_authorities_are_those_of_ssl_cert_file() {
    if play_child() {
        return;
    }
    let name = "tls::the_authorities_are_those_of_ssl_cert_file";
    let authority = Authority::new();
    let place = tempfile::tempdir().expect("a directory");
    let run = |forge: &ForgeApi, authority: &Authority| {
        let child = Child::of(name, &forge.origin().url(), place.path());
        let child = child.env("SSL_CERT_FILE", authority.pem_file());
        child.run(place.path())
    };
    let forge = ForgeApi::start(Some(authority.server_config(&["127.0.0.1"])), &[APP.1]);
    assert_eq!(run(&forge, &authority), [""; 0]);
    let calls = forge.calls();
    assert_eq!(calls.len(), 3, "reached, registered and revoked: {calls:?}");

    let disbelieved = [
        (authority.expired(&["127.0.0.1"]), "expired"),
        (authority.wrong_name(), "not valid for"),
        (
            Authority::new().server_config(&["127.0.0.1"]),
            "invalid peer certificate",
        ),
    ];
    for (config, why) in disbelieved {
        let forge = ForgeApi::start(Some(config), &[APP.1]);
        let told = run(&forge, &authority);
        assert_eq!(
            told.len(),
            1,
            "nothing was sent, so nothing is looked for: {told:?}"
        );
        assert_tells(&told, &["does not prove to be itself (", why]);
        assert_eq!(forge.calls(), [""; 0]);
    }
}

#[test]
fn a_handshake_is_waited_for_as_long_as_the_limit() {
    if play_child() {
        return;
    }
    let name = "tls::a_handshake_is_waited_for_as_long_as_the_limit";
    let authority = Authority::new();
    let place = tempfile::tempdir().expect("a directory");
    // Connections are made, and nobody takes them.
    let listener = listen();
    let mute = format!("https://{}", listener.local_addr().expect("an address"));
    let child = Child::of(name, &mute, place.path()).env("SSL_CERT_FILE", authority.pem_file());
    let told = child.env(CALL_SECONDS, "1").run(place.path());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_tells(&told, &["gave no whole answer within 1 s"]);
}

#[test]
fn a_proxy_sees_a_tunnel_and_only_where_it_is_for_https() {
    if play_child() {
        return;
    }
    let name = "tls::a_proxy_sees_a_tunnel_and_only_where_it_is_for_https";
    let authority = Authority::new();
    let config = authority.server_config(&["127.0.0.1", "localhost"]);
    let forge = ForgeApi::start(Some(config), &[APP.1]);
    let place = tempfile::tempdir().expect("a directory");
    let child = |host: &str| {
        let url = format!("https://{host}:{}", forge.origin().port());
        let child = Child::of(name, &url, place.path());
        child.env("SSL_CERT_FILE", authority.pem_file())
    };

    let proxy = ConnectProxy::start(Manner::Tunnel(forge.origin().address()));
    let through = child("localhost").env("HTTPS_PROXY", proxy.url("user:word@"));
    assert_eq!(through.run(place.path()), [""; 0]);
    let heads = proxy.heads();
    assert_eq!(heads.len(), 3, "one for each call");
    for head in &heads {
        let line = format!("CONNECT localhost:{} HTTP/1.1", forge.origin().port());
        assert_eq!(head.start_line(), line);
        assert!(!format!("{head:?}").contains(API_TOKEN));
    }

    let dead = Deaf::new().url();
    let around = child("127.0.0.1")
        .env("HTTPS_PROXY", &dead)
        .env("NO_PROXY", "127.0.0.1");
    assert_eq!(around.run(place.path()), [""; 0]);
    let others = child("127.0.0.1")
        .env("ALL_PROXY", &dead)
        .env("HTTP_PROXY", &dead);
    assert_eq!(others.run(place.path()), [""; 0]);
    let into = child("127.0.0.1").env("HTTPS_PROXY", &dead);
    assert_tells(&into.run(place.path()), &["could not be registered at"]);
    assert_eq!(forge.keys(APP.1), []);
}
