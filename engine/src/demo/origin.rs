//! The service of the demonstration: HTTPS with a throw-away authority, and a bearer
//! token that it wants to see.
//!
//! `/events` is a stream that sends an event only after `/arrived` was asked for the one
//! before; everything else is answered with a greeting.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// What the event stream says.
pub(super) const EVENTS: [&str; 4] = ["tokens", "flow", "one by", "one"];

/// Between the arrival of one event and the sending of the next, so that a person can
/// watch.
const PAUSE: Duration = Duration::from_millis(300);

/// A running service.
pub(super) struct Origin {
    address: SocketAddr,
    authority: Certificate,
    state: Arc<State>,
}

struct State {
    token: String,
    received: Mutex<String>,
    requests: Mutex<usize>,
    arrived: Notify,
}

impl Origin {
    /// Starts one that answers only to `token`.
    pub(super) async fn start(token: &str) -> io::Result<Self> {
        let (authority, config) = identity().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let state = Arc::new(State {
            token: token.to_owned(),
            received: Mutex::default(),
            requests: Mutex::default(),
            arrived: Notify::new(),
        });
        let origin = Origin {
            address: listener.local_addr()?,
            authority,
            state: Arc::clone(&state),
        };
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), state));
        Ok(origin)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that vouches for it.
    pub(super) fn authority(&self) -> CertificateDer<'static> {
        self.authority.der().clone()
    }

    /// The same, as a file would have it.
    pub(super) fn authority_pem(&self) -> String {
        self.authority.pem()
    }

    /// Everything that ever reached it.
    pub(super) fn received(&self) -> String {
        let received = self.state.received.lock();
        received.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests reached it.
    pub(super) fn requests(&self) -> usize {
        *self
            .state
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An authority that lives as long as the process, and a certificate of its making.
fn identity() -> Result<(Certificate, ServerConfig), rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let names = vec![IpAddr::V4(Ipv4Addr::LOCALHOST).to_string()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
        });
    // The key and the certificate were made for each other a moment ago.
    let config = config.map_err(|_mismatch| rcgen::Error::CouldNotParseKeyPair)?;
    Ok((authority_certificate, config))
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            // A connection that breaks shows in the transcript as a missing answer.
            let _ = answer(stream, acceptor, &state).await;
        });
    }
}

async fn answer(stream: TcpStream, acceptor: TlsAcceptor, state: &State) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    state
        .received
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push_str(&head);
    *state
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner) += 1;
    let authorised = head.contains(&format!("\r\nauthorization: Bearer {}\r\n", state.token));
    if !authorised {
        let body = "who are you?\n";
        write_whole(&mut stream, "401 Unauthorized", body).await?;
    } else if head.starts_with("GET /events ") {
        write_events(&mut stream, state).await?;
    } else if head.starts_with("GET /arrived ") {
        state.arrived.notify_one();
        write_whole(&mut stream, "200 OK", "noted\n").await?;
    } else {
        write_whole(&mut stream, "200 OK", "hello, you are authorised\n").await?;
    }
    stream.shutdown().await
}

async fn write_whole<W: AsyncWriteExt + Unpin>(
    stream: &mut W,
    status: &str,
    body: &str,
) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await
}

async fn write_events<W: AsyncWriteExt + Unpin>(stream: &mut W, state: &State) -> io::Result<()> {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    for event in EVENTS {
        let data = format!("data: {event}\n\n");
        let chunk = format!("{:x}\r\n{data}\r\n", data.len());
        stream.write_all(chunk.as_bytes()).await?;
        stream.flush().await?;
        state.arrived.notified().await;
        tokio::time::sleep(PAUSE).await;
    }
    stream.write_all(b"0\r\n\r\n").await
}
