//! From a host's name to a connection: its addresses, tried in turn.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use super::dial_error::{ConnectProblem, DialError, DialStep};
use crate::limits::{Limits, UPSTREAM_KEEPALIVE_TIME};

/// A connection to `host`, which sentences call `peer`, before `deadline`.
pub(super) async fn reach(
    peer: &str,
    host: &str,
    port: u16,
    deadline: Instant,
    limits: &Limits,
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
    connect_any(peer, addresses, deadline, limits).await
}

/// Tries the addresses in the order of the resolver, which has sorted them by
/// how well they can be reached (RFC 6724).
async fn connect_any(
    peer: &str,
    addresses: impl Iterator<Item = SocketAddr>,
    deadline: Instant,
    limits: &Limits,
) -> Result<TcpStream, DialError> {
    let mut told = None;
    for address in addresses {
        let until = deadline.min(Instant::now() + limits.connect_address_time);
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
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(UPSTREAM_KEEPALIVE_TIME)
        .with_interval(UPSTREAM_KEEPALIVE_TIME);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// None if the deadline comes first.
pub(super) async fn by<F: Future>(deadline: Instant, work: F) -> Option<F::Output> {
    timeout_at(deadline, work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{listen, refused, silent};
    use super::*;
    use std::time::Duration;

    fn far() -> Instant {
        Instant::now() + Limits::default().connect_time
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_resolved_is_told() {
        let limits = Limits::default();
        // NUL never gets as far as a resolver.
        let error = reach("nul:80", "n\0ul", 80, far(), &limits)
            .await
            .unwrap_err();
        assert_eq!(error.error_type(), "dns_error");
        assert!(
            error
                .to_string()
                .starts_with("no address found for nul:80: "),
            "{error}"
        );

        let error = connect_any("void:80", [].into_iter(), far(), &limits)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "no address found for void:80");
    }

    #[tokio::test]
    async fn addresses_are_tried_in_order() {
        let limits = Limits::default();
        let (_nobody, refused) = refused();
        let (_first_listener, first) = listen().await;
        let (_second_listener, second) = listen().await;
        for (addresses, expected) in [
            (vec![first, second], first),
            (vec![second, first], second),
            (vec![refused, first, second], first),
        ] {
            let addresses = addresses.into_iter();
            let stream = connect_any("host:80", addresses, far(), &limits)
                .await
                .unwrap();
            assert_eq!(stream.peer_addr().unwrap(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_costs_its_share_and_the_next_is_tried() {
        let limits = Limits::default();
        let (_queue, _guest, silent) = silent();
        let (_listener, good) = listen().await;
        let start = Instant::now();
        let addresses = [silent, good].into_iter();
        let stream = connect_any("host:80", addresses, far(), &limits)
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(start.elapsed() >= Limits::default().connect_address_time);
    }

    #[tokio::test(start_paused = true)]
    async fn many_silent_addresses_cost_the_whole_time_and_no_more() {
        let limits = Limits::default();
        let (_queue, _guest, silent) = silent();
        let start = Instant::now();
        let addresses = [silent; 8].into_iter();
        let error = connect_any("host:80", addresses, far(), &limits)
            .await
            .unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(error.to_string(), "connecting to host:80 took too long");
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
}
