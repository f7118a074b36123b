//! What the tests of this room stand on: a throw-away authority, and services on
//! loopback ports of the kernel's choice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ALL_VERSIONS, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::server::TlsStream;

use super::{Connector, Trust, UpstreamConnection, UpstreamStream};
use crate::config::{NoProxy, ProxyUrl};
use crate::limits::Limits;
use crate::message::{HeadStorage, RequestHead, RequestTarget};
use crate::policy::{Credential, CredentialForm, DecodedPath, Permit, Secret, decide};
use crate::route::{PoolKey, Route, RouteTable, UpstreamUrl};

/// A certificate authority that nobody trusts unless told to.
pub(super) struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self::named("throw-away authority")
    }

    pub(super) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority {
            certificate: params.self_signed(&key).unwrap().der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::Only(vec![self.certificate()])
    }

    /// A service with a good certificate for `names`.
    pub(super) fn acceptor(&self, names: &[&str]) -> TlsAcceptor {
        self.acceptor_with(leaf(names), ALL_VERSIONS, &[b"h2", b"http/1.1"])
    }

    /// A service with this certificate, signed by the authority, that speaks only
    /// these versions of TLS and these protocols over it.
    pub(super) fn acceptor_with(
        &self,
        params: CertificateParams,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&[u8]],
    ) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(versions)
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate], PrivateKeyDer::from(key))
                .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

pub(super) fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    CertificateParams::new(names).unwrap()
}

pub(super) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port where nobody listens: this socket holds it, and never will.
pub(super) fn refused() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// A port that answers no one: its accept queue is full, so the kernel drops what comes.
pub(super) fn silent() -> (socket2::Socket, std::net::TcpStream, SocketAddr) {
    let (socket, address) = refused();
    socket.listen(0).unwrap();
    let only_guest = std::net::TcpStream::connect(address).unwrap();
    (socket, only_guest, address)
}

pub(super) fn url(scheme: &str, host: &str, port: u16) -> UpstreamUrl {
    UpstreamUrl::parse(&format!("{scheme}://{host}:{port}")).unwrap()
}

/// Routes with a credential each, all to one plain upstream.
pub(super) fn table(routes: &[(&str, &str)], port: u16) -> RouteTable {
    let form = CredentialForm::Scheme("Bearer".to_owned());
    let routes = routes.iter().map(|&(path, token)| {
        let token = Secret::new(token.as_bytes().to_vec());
        let credential = Credential::render("authorization", &form, &token).unwrap();
        Route::new(path.to_owned(), url("http", "127.0.0.1", port), credential)
    });
    RouteTable::new(routes.collect()).unwrap()
}

/// What policy gives for a GET of `path`.
pub(super) fn permit<'t>(table: &'t RouteTable, path: &str) -> Permit<'t> {
    let storage = HeadStorage {
        block: format!("GET {path} HTTP/1.1\r\nHost: proxy\r\n\r\n").into_bytes(),
        ..HeadStorage::default()
    };
    let head = RequestHead::parse(storage).unwrap();
    let target = RequestTarget::of(&head).unwrap();
    let route = table.find(path.as_bytes()).unwrap();
    let decoded = DecodedPath::of(path.as_bytes()).unwrap();
    decide(route, &head, &target, &decoded, b"cred-proxy-test").unwrap()
}

pub(super) fn connector(trust: Trust, proxy: Option<ProxyUrl>, no_proxy: &str) -> Connector {
    let limits = Arc::new(Limits::default());
    Connector::new(trust, proxy, NoProxy::parse(no_proxy), limits).unwrap()
}

/// A plain connection of `key`, and the service's side of it.
pub(super) async fn plain_pair(key: PoolKey) -> (UpstreamConnection, TcpStream) {
    let (listener, address) = listen().await;
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    let stream = UpstreamStream::Plain(ours.unwrap());
    (UpstreamConnection::new(stream, key), theirs.unwrap().0)
}

/// A TLS connection of `key`, and the service's side of it.
pub(super) async fn tls_pair(key: PoolKey) -> (UpstreamConnection, TlsStream<TcpStream>) {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["127.0.0.1"]);
    let (listener, address) = listen().await;
    let connector = connector(authority.trust(), None, "");
    let upstream = url("https", "127.0.0.1", address.port());
    let (ours, theirs) = tokio::join!(connector.dial(&upstream), async {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.unwrap()
    });
    (UpstreamConnection::new(ours.unwrap(), key), theirs)
}

/// Both sides' outcomes; if one fails, the other must not wait for it for ever.
pub(super) async fn both<A, B>(
    ours: impl Future<Output = A>,
    theirs: impl Future<Output = B>,
) -> (A, B) {
    let both = async { tokio::join!(ours, theirs) };
    timeout(Duration::from_secs(10), both).await.unwrap()
}

/// Plays the proxy to one connection: what it was asked, octet by octet, and the
/// connection after `answer`.
pub(super) async fn play_proxy(listener: &TcpListener, answer: &[u8]) -> (String, TcpStream) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        assert_ne!(
            stream.read_buf(&mut request).await.unwrap(),
            0,
            "{request:?}"
        );
    }
    stream.write_all(answer).await.unwrap();
    (String::from_utf8(request).unwrap(), stream)
}

/// Until the reactor has seen that something is there to read, be it an end.
pub(super) async fn readable(connection: &UpstreamConnection) {
    tcp(&connection.stream).readable().await.unwrap();
}

pub(super) fn tcp(stream: &UpstreamStream) -> &TcpStream {
    match stream {
        UpstreamStream::Plain(stream) => stream,
        UpstreamStream::Tls(stream) => stream.tcp(),
        #[cfg(feature = "pipes")]
        UpstreamStream::Pipe(_) => panic!("no socket"),
    }
}

/// Our own port: which connection this is.
pub(super) fn port(connection: &UpstreamConnection) -> u16 {
    tcp(&connection.stream).local_addr().unwrap().port()
}
