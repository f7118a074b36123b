//! From an upstream's URL to a stream: resolve, connect, tunnel, TLS.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::connection::UpstreamStream;
use super::dial_error::{ConnectProblem, DialError, DialStep};
use super::proxy_tunnel::{self, TunnelAnswer};
use super::tls::{TlsClient, TlsSetupError, Trust};
use crate::config::{NoProxy, ProxyUrl};
use crate::limits::{Limits, UPSTREAM_KEEPALIVE_TIME};
use crate::route::{Scheme, UpstreamUrl};

/// Opens connections toward services. One for the process, shared by its workers, so
/// that all of them resume each other's TLS sessions.
pub struct Connector {
    tls: TlsClient,
    proxy: Option<ProxyUrl>,
    no_proxy: NoProxy,
    limits: Arc<Limits>,
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
        })
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
        match upstream.scheme() {
            Scheme::Http => {
                let stream = self
                    .reach(&host_port(host, port), host, port, deadline)
                    .await?;
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
            Some(_) | None => self.reach(&target, host, port, deadline).await,
        }
    }

    async fn reach_through(
        &self,
        proxy: &ProxyUrl,
        target: &str,
        deadline: Instant,
    ) -> Result<TcpStream, DialError> {
        let peer = format!("the proxy {}", host_port(proxy.host(), proxy.port()));
        let mut stream = self
            .reach(&peer, proxy.host(), proxy.port(), deadline)
            .await?;
        let answer = proxy_tunnel::open(&mut stream, target, proxy.authorization(), &self.limits);
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

    async fn reach(
        &self,
        peer: &str,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<TcpStream, DialError> {
        let addresses = match by(deadline, lookup_host((host, port))).await {
            None => {
                return Err(DialError::TimedOut {
                    peer: peer.to_owned(),
                    step: DialStep::Resolve,
                });
            }
            Some(Err(error)) => {
                return Err(DialError::Resolve {
                    peer: peer.to_owned(),
                    reason: Some(error),
                });
            }
            Some(Ok(addresses)) => addresses,
        };
        self.connect_any(peer, addresses, deadline).await
    }

    /// Tries the addresses in the order of the resolver, which has sorted them by
    /// how well they can be reached (RFC 6724).
    async fn connect_any(
        &self,
        peer: &str,
        addresses: impl Iterator<Item = SocketAddr>,
        deadline: Instant,
    ) -> Result<TcpStream, DialError> {
        let mut told = None;
        for address in addresses {
            let until = deadline.min(Instant::now() + self.limits.connect_address_time);
            let failure = match by(until, TcpStream::connect(address)).await {
                Some(Ok(stream)) => match prepare(&stream) {
                    Ok(()) => return Ok(stream),
                    Err(error) => Failure::Problem(ConnectProblem::Other(error)),
                },
                Some(Err(error)) => Failure::Problem(ConnectProblem::from(error)),
                None => Failure::TimedOut,
            };
            told = Some(Failure::more_telling(told, failure));
            if Instant::now() >= deadline {
                break;
            }
        }
        let peer = peer.to_owned();
        Err(match told {
            None => DialError::Resolve { peer, reason: None },
            Some(Failure::Problem(problem)) => DialError::Connect { peer, problem },
            Some(Failure::TimedOut) => DialError::TimedOut {
                peer,
                step: DialStep::Connect,
            },
        })
    }
}

enum Failure {
    TimedOut,
    Problem(ConnectProblem),
}

impl Failure {
    /// The later one; but that this machine has no IPv6, say, tells nothing of a
    /// service that refused, or was silent, on its other address.
    fn more_telling(earlier: Option<Failure>, later: Failure) -> Failure {
        match (earlier, later) {
            (Some(earlier), Failure::Problem(ConnectProblem::Unroutable)) => earlier,
            (Some(_) | None, later) => later,
        }
    }
}

/// No octet waits for company, and a service that vanished without a word is noticed
/// in the end although a stream may be silent for hours.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(UPSTREAM_KEEPALIVE_TIME)
        .with_interval(UPSTREAM_KEEPALIVE_TIME);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// None if the deadline comes first.
async fn by<F: Future>(deadline: Instant, work: F) -> Option<F::Output> {
    timeout_at(deadline, work).await.ok()
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
        Authority, connector, listen, play_proxy, refused, silent, tcp, url,
    };
    use super::*;
    use std::io;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

    fn proxy(userinfo: &str, port: u16) -> Option<ProxyUrl> {
        Some(ProxyUrl::parse(&format!("http://{userinfo}127.0.0.1:{port}")).unwrap())
    }

    fn nobody_trusted() -> Trust {
        Trust::Only(Vec::new())
    }

    fn far() -> Instant {
        Instant::now() + Limits::default().connect_time
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

    #[tokio::test]
    async fn a_name_that_cannot_be_resolved_is_told() {
        let connector = connector(nobody_trusted(), None, "");
        // NUL never gets as far as a resolver.
        let error = connector
            .reach("nul:80", "n\0ul", 80, far())
            .await
            .unwrap_err();
        assert_eq!(error.error_type(), "dns_error");
        assert!(
            error
                .to_string()
                .starts_with("no address found for nul:80: "),
            "{error}"
        );

        let error = connector
            .connect_any("void:80", [].into_iter(), far())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "no address found for void:80");
    }

    #[tokio::test]
    async fn addresses_are_tried_in_order() {
        let connector = connector(nobody_trusted(), None, "");
        let (_nobody, refused) = refused();
        let (_first_listener, first) = listen().await;
        let (_second_listener, second) = listen().await;
        for (addresses, expected) in [
            (vec![first, second], first),
            (vec![second, first], second),
            (vec![refused, first, second], first),
        ] {
            let addresses = addresses.into_iter();
            let stream = connector
                .connect_any("host:80", addresses, far())
                .await
                .unwrap();
            assert_eq!(stream.peer_addr().unwrap(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_costs_its_share_and_the_next_is_tried() {
        let connector = connector(nobody_trusted(), None, "");
        let (_queue, _guest, silent) = silent();
        let (_listener, good) = listen().await;
        let start = Instant::now();
        let addresses = [silent, good].into_iter();
        let stream = connector
            .connect_any("host:80", addresses, far())
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(start.elapsed() >= Limits::default().connect_address_time);
    }

    #[tokio::test(start_paused = true)]
    async fn many_silent_addresses_cost_the_whole_time_and_no_more() {
        let connector = connector(nobody_trusted(), None, "");
        let (_queue, _guest, silent) = silent();
        let start = Instant::now();
        let addresses = [silent; 8].into_iter();
        let error = connector
            .connect_any("host:80", addresses, far())
            .await
            .unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(error.to_string(), "connecting to host:80 took too long");
        let over = start.elapsed() - Limits::default().connect_time;
        assert!(over < Duration::from_millis(10), "{over:?}");
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

    #[test]
    fn a_missing_network_tells_less_than_anything_before_it() {
        let problem = |kind| Failure::Problem(ConnectProblem::from(io::Error::from(kind)));
        let unroutable = || problem(io::ErrorKind::NetworkUnreachable);
        let refused = || problem(io::ErrorKind::ConnectionRefused);
        let told = |earlier, later| match Failure::more_telling(earlier, later) {
            Failure::TimedOut => "timed out".to_owned(),
            Failure::Problem(problem) => problem.to_string(),
        };
        assert_eq!(told(None, unroutable()), "no network leads there");
        assert_eq!(told(Some(unroutable()), refused()), "connection refused");
        assert_eq!(told(Some(refused()), unroutable()), "connection refused");
        assert_eq!(told(Some(Failure::TimedOut), unroutable()), "timed out");
        assert_eq!(
            told(Some(Failure::TimedOut), refused()),
            "connection refused"
        );
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
            let (ours, (request, mut theirs)) = tokio::join!(connector.dial(&upstream), async {
                let (request, stream) = play_proxy(&listener, ESTABLISHED).await;
                (request, acceptor.accept(stream).await.unwrap())
            });
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
        let (ours, _theirs) = tokio::join!(connector.dial(&upstream), async {
            let (stream, _) = listener.accept().await.unwrap();
            acceptor.accept(stream).await.unwrap()
        });
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
                "answered CONNECT with something that is not HTTP",
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
            let (ours, _) = tokio::join!(connector.dial(&upstream), async {
                drop(play_proxy(&listener, answer).await);
            });
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
