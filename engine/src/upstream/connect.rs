//! From an upstream's URL to a stream: resolve, connect, tunnel, TLS.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::addresses::{by, reach};
use super::connection::UpstreamStream;
#[cfg(feature = "pipes")]
use super::dial_error::ConnectProblem;
use super::dial_error::{DialError, DialStep};
#[cfg(feature = "pipes")]
use super::pipe::Dial;
use super::proxy_tunnel::{self, TunnelAnswer};
use super::tls::{TlsClient, TlsSetupError, Trust};
use crate::config::{NoProxy, ProxyUrl};
use crate::limits::Limits;
use crate::route::{Scheme, UpstreamUrl};

/// Opens connections toward services. One for the process, shared by its workers, so
/// that all of them resume each other's TLS sessions.
pub struct Connector {
    tls: TlsClient,
    proxy: Option<ProxyUrl>,
    no_proxy: NoProxy,
    limits: Arc<Limits>,
    #[cfg(feature = "pipes")]
    pipes: Option<Box<Dial>>,
}

impl Connector {
    /// Reads the trusted roots: from files, so once and early.
    ///
    /// Native roots that are missing are no error, for plain http needs none: see
    /// [`roots_warning`](Self::roots_warning).
    pub fn new(
        trust: Trust,
        proxy: Option<ProxyUrl>,
        no_proxy: NoProxy,
        limits: Arc<Limits>,
    ) -> Result<Connector, TlsSetupError> {
        Ok(Connector {
            tls: TlsClient::new(trust)?,
            proxy,
            no_proxy,
            limits,
            #[cfg(feature = "pipes")]
            pipes: None,
        })
    }

    /// The same, but every upstream is what `dial` gives.
    #[cfg(feature = "pipes")]
    pub(crate) fn over_pipes(self, dial: Box<Dial>) -> Connector {
        Connector {
            pipes: Some(dial),
            ..self
        }
    }

    /// What was wrong with the trusted roots, in one sentence to be logged once at boot.
    pub fn roots_warning(&self) -> Option<&str> {
        self.tls.warning()
    }

    /// Opens a connection, within `connect_time` from resolving to the end of the
    /// handshake. An `https` upstream is reached through the proxy unless `NO_PROXY`
    /// covers it; an `http` upstream always directly.
    pub async fn dial(&self, upstream: &UpstreamUrl) -> Result<UpstreamStream, DialError> {
        let deadline = Instant::now() + self.limits.connect_time;
        let (host, port) = (upstream.host(), upstream.port());
        #[cfg(feature = "pipes")]
        if let Some(dial) = &self.pipes {
            let stream = dial(upstream).map_err(|error| DialError::Connect {
                peer: host_port(host, port),
                problem: ConnectProblem::from(error),
            })?;
            return Ok(UpstreamStream::Pipe(stream));
        }
        match upstream.scheme() {
            Scheme::Http => {
                let peer = host_port(host, port);
                let stream = reach(&peer, host, port, deadline, &self.limits).await?;
                Ok(UpstreamStream::Plain(stream))
            }
            Scheme::Https => {
                let tls_error = |problem| DialError::Tls {
                    host: host.to_owned(),
                    problem,
                };
                let name = self.tls.server_name(host).map_err(tls_error)?;
                let stream = self.reach_for_tls(host, port, deadline).await?;
                let session = by(deadline, self.tls.handshake(name, stream)).await;
                let session = session.ok_or_else(|| DialError::TimedOut {
                    peer: host_port(host, port),
                    step: DialStep::Handshake,
                })?;
                Ok(UpstreamStream::Tls(Box::new(session.map_err(tls_error)?)))
            }
        }
    }

    async fn reach_for_tls(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<TcpStream, DialError> {
        let target = host_port(host, port);
        match &self.proxy {
            Some(proxy) if !self.no_proxy.matches(host, port) => {
                self.reach_through(proxy, &target, deadline).await
            }
            Some(_) | None => reach(&target, host, port, deadline, &self.limits).await,
        }
    }

    async fn reach_through(
        &self,
        proxy: &ProxyUrl,
        target: &str,
        deadline: Instant,
    ) -> Result<TcpStream, DialError> {
        let peer = format!("the proxy {}", host_port(&proxy.host, proxy.port));
        let mut stream = reach(&peer, &proxy.host, proxy.port, deadline, &self.limits).await?;
        let answer = proxy_tunnel::open(
            &mut stream,
            target,
            proxy.authorization.as_ref(),
            &self.limits,
        );
        match by(deadline, answer).await {
            Some(Ok(TunnelAnswer::Open)) => Ok(stream),
            Some(Ok(TunnelAnswer::Refused(status))) => {
                Err(DialError::ProxyRefused { peer, status })
            }
            Some(Err(problem)) => Err(DialError::Tunnel { peer, problem }),
            None => Err(DialError::TimedOut {
                peer,
                step: DialStep::Tunnel,
            }),
        }
    }
}

/// The authority of CONNECT, always with its port (RFC 9110 §9.3.6).
fn host_port(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        Authority, both, connector, listen, play_proxy, refused, tcp, url,
    };
    use super::*;
    use socket2::SockRef;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

    fn proxy(userinfo: &str, port: u16) -> Option<ProxyUrl> {
        Some(ProxyUrl::parse(&format!("http://{userinfo}127.0.0.1:{port}")).unwrap())
    }

    fn nobody_trusted() -> Trust {
        Trust::Only(Vec::new())
    }

    #[tokio::test]
    async fn an_http_upstream_is_reached_directly_and_without_roots() {
        let (listener, address) = listen().await;
        let (_nobody, refused) = refused();
        let connector = connector(nobody_trusted(), proxy("", refused.port()), "");
        let stream = connector
            .dial(&url("http", "127.0.0.1", address.port()))
            .await
            .unwrap();
        assert!(matches!(stream, UpstreamStream::Plain(_)));
        assert_eq!(tcp(&stream).peer_addr().unwrap(), address);
        assert!(tcp(&stream).nodelay().unwrap());
        assert!(SockRef::from(tcp(&stream)).keepalive().unwrap());
        listener.accept().await.unwrap();
    }

    #[tokio::test]
    async fn a_refused_port_is_told() {
        let (_nobody, address) = refused();
        let connector = connector(nobody_trusted(), None, "");
        let error = connector
            .dial(&url("http", "127.0.0.1", address.port()))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("connecting to {address} failed: connection refused")
        );
        assert_eq!(error.error_type(), "connection_refused");
        assert!(!error.is_timeout());
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_silent_in_the_handshake_is_timed_out() {
        let (_listener, address) = listen().await;
        let connector = connector(Authority::new().trust(), None, "");
        let start = Instant::now();
        let error = connector
            .dial(&url("https", "127.0.0.1", address.port()))
            .await
            .unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(error.error_type(), "connection_timeout");
        assert_eq!(
            error.to_string(),
            format!("the TLS handshake with {address} took too long")
        );
        let over = start.elapsed() - Limits::default().connect_time;
        assert!(over < Duration::from_millis(10), "{over:?}");
    }

    #[tokio::test]
    async fn an_https_upstream_is_reached_through_the_proxy() {
        let rows = [
            ("", ""),
            ("user:pass@", "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"),
        ];
        for (userinfo, credential) in rows {
            let authority = Authority::new();
            let acceptor = authority.acceptor(&["service.test"]);
            let (listener, address) = listen().await;
            let connector = connector(authority.trust(), proxy(userinfo, address.port()), "");
            // The name is the proxy's to resolve: here it has no address.
            let upstream = url("https", "service.test", 8443);
            let (ours, (request, mut theirs)) = both(connector.dial(&upstream), async {
                let (request, stream) = play_proxy(&listener, ESTABLISHED).await;
                (request, acceptor.accept(stream).await.unwrap())
            })
            .await;
            assert_eq!(
                request,
                format!(
                    "CONNECT service.test:8443 HTTP/1.1\r\nHost: service.test:8443\r\n{credential}\r\n"
                )
            );
            assert_eq!(theirs.get_ref().1.server_name(), Some("service.test"));
            let mut ours = ours.unwrap();
            let mut received = [0; 4];
            ours.write_all(b"ping").await.unwrap();
            theirs.read_exact(&mut received).await.unwrap();
            assert_eq!(&received, b"ping");
        }
    }

    #[tokio::test]
    async fn the_proxy_is_passed_by_for_what_no_proxy_covers() {
        let authority = Authority::new();
        let acceptor = authority.acceptor(&["127.0.0.1"]);
        let (_nobody, refused) = refused();
        let (listener, address) = listen().await;
        let upstream = url("https", "127.0.0.1", address.port());
        let connector = connector(authority.trust(), proxy("", refused.port()), "127.0.0.1");
        let (ours, _theirs) = both(connector.dial(&upstream), async {
            let (stream, _) = listener.accept().await.unwrap();
            acceptor.accept(stream).await.unwrap()
        })
        .await;
        assert_eq!(tcp(&ours.unwrap()).peer_addr().unwrap(), address);
    }

    #[tokio::test]
    async fn what_the_proxy_does_instead_is_told_and_never_the_credential() {
        let rows: [(&[u8], &str, &str); 5] = [
            (
                b"HTTP/1.1 407 Proxy Authentication Required\r\nX: dXNlcjpwYXNz\r\n\r\n",
                "refused CONNECT with status 407",
                "proxy_configuration_error",
            ),
            (
                b"HTTP/1.1 403 user:pass may not\r\n\r\nuser:pass",
                "refused CONNECT with status 403",
                "http_request_denied",
            ),
            (
                b"user:pass dXNlcjpwYXNz\r\n\r\n",
                "answered CONNECT in a way that was not understood",
                "http_protocol_error",
            ),
            (
                b"HTTP/1.1 200 OK\r\n\r\nuser:pass",
                "sent octets through the tunnel before anything was asked",
                "http_protocol_error",
            ),
            (
                b"",
                "hung up instead of answering CONNECT",
                "connection_terminated",
            ),
        ];
        for (answer, sentence, error_type) in rows {
            let (listener, address) = listen().await;
            let trust = Authority::new().trust();
            let connector = connector(trust, proxy("user:pass@", address.port()), "");
            let upstream = url("https", "service.test", 443);
            let (ours, _) = both(connector.dial(&upstream), async {
                drop(play_proxy(&listener, answer).await);
            })
            .await;
            let error = ours.unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("the proxy {address} {sentence}")),
                "{text}"
            );
            assert_eq!(error.error_type(), error_type, "{text}");
            assert!(!error.is_timeout());
            for secret in ["user", "pass", "dXNlcjpwYXNz"] {
                assert!(
                    !text.contains(secret) && !format!("{error:?}").contains(secret),
                    "{text}"
                );
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_proxy_is_timed_out() {
        let (_listener, address) = listen().await;
        let trust = Authority::new().trust();
        let connector = connector(trust, proxy("", address.port()), "");
        let error = connector
            .dial(&url("https", "service.test", 443))
            .await
            .unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(
            error.to_string(),
            format!("the proxy {address} took too long to answer CONNECT")
        );
    }

    #[tokio::test]
    async fn a_proxy_that_is_not_there_is_told() {
        let (_nobody, address) = refused();
        let trust = Authority::new().trust();
        let connector = connector(trust, proxy("", address.port()), "");
        let error = connector
            .dial(&url("https", "service.test", 443))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("connecting to the proxy {address} failed: connection refused")
        );
    }
}
