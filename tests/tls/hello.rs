//! What the proxy says in its TLS hello, and which answers it can live with.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use harness::answer::After;
use harness::origin::Origin;
use harness::{Authority, Peer, Proxy, Upstream, flag};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::{GET, NAME, OK, assert_own_answer, proxy_to, service};

/// Short, for a test waits for it to run out.
const CONNECT_TIME: Duration = Duration::from_millis(300);

fn answering(config: Arc<ServerConfig>) -> Origin {
    Origin::start(Some(config), |_, answer| {
        answer.raw(OK.as_bytes())?;
        Ok(After::Keep)
    })
}

fn assert_served(origin: &Origin, host: &str, authority: &Authority) {
    let proxy = proxy_to(&format!("https://{host}:{}", origin.port()), authority).start();
    assert_eq!(
        proxy.client().ask(GET).text(),
        "ok",
        "{:?}",
        origin.faults()
    );
}

#[test]
fn the_hello_names_the_host_and_offers_http_1_1_only() {
    let authority = Authority::new();
    let origin = answering(authority.server_config(&[NAME]));
    assert_served(&origin, NAME, &authority);
    let hello = origin.requests()[0].hello.clone().expect("a TLS hello");
    assert_eq!(hello.server_name.as_deref(), Some(NAME));
    assert_eq!(hello.offered_protocols, ["http/1.1"]);
}

#[test]
fn an_address_is_no_server_name() {
    let authority = Authority::new();
    let origin = answering(authority.server_config(&["127.0.0.1"]));
    assert_served(&origin, "127.0.0.1", &authority);
    let hello = origin.requests()[0].hello.clone().expect("a TLS hello");
    assert_eq!(hello.server_name, None, "RFC 6066 §3: no literal addresses");
}

#[test]
fn a_service_that_chooses_no_protocol_is_spoken_to_in_http_1_1() {
    let authority = Authority::new();
    let mut config = (*authority.server_config(&[NAME])).clone();
    config.alpn_protocols.clear();
    assert_served(&answering(Arc::new(config)), NAME, &authority);
}

#[test]
fn a_service_that_speaks_http_2_only_is_a_bad_gateway() {
    let authority = Authority::new();
    let mut config = (*authority.server_config(&[NAME])).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let origin = answering(Arc::new(config));
    let url = format!("https://{NAME}:{}", origin.port());
    let proxy = proxy_to(&url, &authority).start();
    let response = proxy.client().ask(GET);
    assert_eq!(response.status(), 502, "{response:?}");
    assert!(origin.requests().is_empty());
}

fn speaking_only(version: &'static SupportedProtocolVersion, authority: &Authority) -> Origin {
    let model = authority.server_config(&[NAME]);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version that the provider has")
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&model.cert_resolver));
    answering(Arc::new(config))
}

#[test]
fn a_service_of_tls_1_2_is_served() {
    let authority = Authority::new();
    assert_served(&speaking_only(&TLS12, &authority), NAME, &authority);
}

#[test]
fn a_service_of_tls_1_3_is_served() {
    let authority = Authority::new();
    assert_served(&speaking_only(&TLS13, &authority), NAME, &authority);
}

#[test]
fn a_service_that_demands_a_client_certificate_is_a_bad_gateway() {
    let authority = Authority::new();
    let model = authority.server_config(&[NAME]);
    let mut roots = RootCertStore::empty();
    let pem = CertificateDer::from_pem_file(authority.pem_file()).expect("ca.pem");
    roots.add(pem).expect("a certificate of an authority");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let demand = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    for version in [&TLS12, &TLS13] {
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .expect("a version that the provider has")
            .with_client_cert_verifier(demand.clone().build().expect("a verifier"))
            .with_cert_resolver(Arc::clone(&model.cert_resolver));
        let origin = answering(Arc::new(config));
        let url = format!("https://{NAME}:{}", origin.port());
        let proxy = proxy_to(&url, &authority).start();
        let response = proxy.client().ask(GET);
        assert_eq!(response.status(), 502, "{version:?}: {response:?}");
        assert!(origin.requests().is_empty());
    }
}

#[test]
fn a_handshake_that_never_ends_is_a_gateway_timeout() {
    let authority = Authority::new();
    let upstream = Upstream::tls(authority.server_config(&[NAME]));
    let proxy = proxy_to(&upstream.url_of(NAME), &authority)
        .deadline(flag::CONNECT_TIME, CONNECT_TIME)
        .start();
    let mut client = proxy.client();
    client.send(GET);
    let silent = upstream.accept_raw();
    let response = client.read_response("GET");
    assert_own_answer(&response, 504, "connection_timeout", &[]);
    drop(silent);
}

#[test]
fn a_service_that_hangs_up_on_the_hello_is_a_bad_gateway() {
    let authority = Authority::new();
    let (upstream, proxy) = service(&authority);
    let mut client = proxy.client();
    client.send(GET);
    drop(upstream.accept_raw());
    assert_eq!(client.read_response("GET").status(), 502);
}

#[test]
fn nobody_listening_is_a_bad_gateway() {
    let authority = Authority::new();
    // Bound but not for long: nobody else is given the port so soon.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let proxy: Proxy = proxy_to(&format!("https://127.0.0.1:{port}"), &authority).start();
    let response = proxy.client().ask(GET);
    assert_own_answer(&response, 502, "connection_refused", &[]);
}
