//! Verification cannot be turned off, and its failures say what is wrong.

use std::sync::Arc;

use harness::{Authority, Peer, Proxy, Upstream};
use rcgen::generate_simple_self_signed;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::{GET, NAME, OK, assert_own_answer, proxy_to, service};

/// A service with this certificate is refused in words of which one is in `words`,
/// before a single octet of a request has left.
fn assert_refused(config: Arc<ServerConfig>, authority: &Authority, words: &[&str]) {
    let upstream = Upstream::tls(config);
    let proxy = proxy_to(&upstream.url_of(NAME), authority).start();
    let mut client = proxy.client();
    client.send(GET);
    assert!(upstream.try_accept().is_err(), "the handshake went through");
    let response = client.read_response("GET");
    assert_own_answer(&response, 502, "tls_certificate_error", words);
    // The refusal is the service's fault: the agent's connection goes on.
    assert_eq!(
        client
            .ask("GET /none HTTP/1.1\r\nHost: proxy\r\n\r\n")
            .status(),
        404
    );
}

#[test]
fn a_service_of_an_authority_in_ssl_cert_file_is_believed() {
    let authority = Authority::new();
    let (upstream, proxy) = service(&authority);
    let mut client = proxy.client();
    client.send(GET);
    let (head, _) = upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
    assert_eq!(
        head.all("authorization"),
        [format!("Bearer {}", harness::TOKEN)]
    );
}

#[test]
fn a_service_of_an_authority_in_ssl_cert_dir_is_believed() {
    let authority = Authority::new();
    let upstream = Upstream::tls(authority.server_config(&[NAME]));
    let proxy = Proxy::to_url(&upstream.url_of(NAME))
        .env("SSL_CERT_DIR", authority.pem_folder())
        .start();
    let mut client = proxy.client();
    client.send(GET);
    upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
}

#[test]
fn a_service_at_an_address_is_believed_by_that_address() {
    let authority = Authority::new();
    let upstream = Upstream::tls(authority.server_config(&["127.0.0.1"]));
    let proxy = proxy_to(&upstream.url(), &authority).start();
    let mut client = proxy.client();
    client.send(GET);
    upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
}

#[test]
fn a_certificate_for_another_host_is_refused_by_name() {
    let authority = Authority::new();
    assert_refused(authority.wrong_name(), &authority, &["name"]);
}

#[test]
fn a_certificate_that_ran_out_is_refused_as_expired() {
    let authority = Authority::new();
    let config = authority.expired(&[NAME]);
    assert_refused(config, &authority, &["expired"]);
}

#[test]
fn a_certificate_of_the_future_is_refused_as_not_yet_valid() {
    let authority = Authority::new();
    let config = authority.not_yet_valid(&[NAME]);
    assert_refused(config, &authority, &["not yet valid", "not valid yet"]);
}

#[test]
fn a_certificate_that_no_authority_signed_is_refused() {
    let trusted = Authority::new();
    let signed = generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key.into())
        .expect("a certificate that fits its key");
    let words = ["issuer", "trust", "authority"];
    assert_refused(Arc::new(config), &trusted, &words);
}

#[test]
fn a_certificate_of_another_authority_of_the_same_name_is_refused() {
    // Only the signature tells them apart: the stranger even sends its own certificate.
    let (trusted, stranger) = (Authority::new(), Authority::new());
    let config = stranger.server_config(&[NAME]);
    let words = ["issuer", "trust", "authority", "signature"];
    assert_refused(config, &trusted, &words);
}

#[test]
fn a_certificate_that_is_not_for_servers_is_refused() {
    let authority = Authority::new();
    let config = authority.sign(&[NAME], |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_refused(config, &authority, &["usage", "purpose"]);
}

#[test]
fn a_service_without_tls_is_refused_before_the_credential_leaves() {
    let authority = Authority::new();
    let upstream = Upstream::plain();
    let url = format!("https://{NAME}:{}", upstream.address().port());
    let proxy = proxy_to(&url, &authority).start();
    let mut client = proxy.client();
    client.send(GET);
    let mut connection = upstream.accept();
    connection.pull_more("a TLS hello");
    connection.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    let response = client.read_response("GET");
    assert_eq!(response.status(), 502, "{response:?}");
    assert!(response.text().contains("TLS"), "{response:?}");
    let (rest, _) = connection.read_to_end();
    let seen = [upstream.received(0), rest].concat();
    assert!(
        memchr::memmem::find(&seen, b"HTTP/1.1").is_none(),
        "a request in the clear"
    );
}
