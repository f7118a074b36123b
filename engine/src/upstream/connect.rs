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
