//! Toward the service: connections dialled, verified, kept and reused.
//!
//! ```text
//! acquire(permit) ─▶ pool ──── quiet? ─────────────────────────▶ UpstreamConnection
//!                      └ none ─▶ resolve ▶ connect ▶ CONNECT ▶ TLS ──────▲
//! ```
//!
//! Nothing leaves without a [`Permit`]: only policy makes one, and a connection of one
//! origin and credential is never handed to another.

mod addresses;
mod connect;
mod connection;
mod dial_error;
#[cfg(feature = "pipes")]
mod pipe;
mod pool;
mod proxy_tunnel;
mod tls;
mod tls_stream;

#[cfg(test)]
mod testing;

use std::sync::Arc;

pub use connect::Connector;
pub use connection::{UpstreamConnection, UpstreamStream};
pub use dial_error::{ConnectProblem, DialError, DialStep, TlsProblem, TunnelProblem};
#[cfg(feature = "pipes")]
pub use pipe::{Dial, UpstreamPipe};
pub use tls::{TlsSetupError, Trust};
pub use tls_stream::TlsStream;

use crate::limits::Limits;
use crate::policy::Permit;
use crate::route::{PoolKey, UpstreamUrl};
use pool::Pool;

/// One worker's way to the services: the shared [`Connector`] and a pool of its own,
/// for a connection lives on the reactor of the worker that opened it.
pub struct Upstreams {
    connector: Arc<Connector>,
    pool: Pool,
}

impl Upstreams {
    /// An empty pool before `connector`.
    pub fn new(connector: Arc<Connector>, limits: &Limits) -> Self {
        Upstreams {
            connector,
            pool: Pool::new(limits),
        }
    }

    /// A connection for what `permit` allows: the newest idle one, else a new one.
    /// With `fresh_only` always a new one: it replaces a reused one that had died.
    pub async fn acquire(
        &self,
        permit: &Permit<'_>,
        fresh_only: bool,
    ) -> Result<UpstreamConnection, DialError> {
        let route = permit.route();
        self.acquire_for(route.pool_key, &route.upstream, fresh_only)
            .await
    }

    async fn acquire_for(
        &self,
        key: PoolKey,
        upstream: &UpstreamUrl,
        fresh_only: bool,
    ) -> Result<UpstreamConnection, DialError> {
        if !fresh_only && let Some(connection) = self.pool.take(key) {
            return Ok(connection);
        }
        // Boxed: a handshake's state is some KiB that every waiting exchange would
        // otherwise carry along, and a warm one never gets here.
        let stream = match Box::pin(self.connector.dial(upstream)).await {
            // Idle connections of other routes hold descriptors that are needed now.
            Err(error) if error.is_out_of_descriptors() && self.pool.len() > 0 => {
                self.pool.clear();
                Box::pin(self.connector.dial(upstream)).await?
            }
            dialled => dialled?,
        };
        Ok(UpstreamConnection::new(stream, key))
    }

    /// Takes back a connection whose exchange is complete on both sides and may be
    /// followed by another; any other one is to be dropped instead.
    pub fn release(&self, connection: UpstreamConnection) {
        self.pool.put(connection);
    }

    /// Drops idle connections that have expired or died; for the worker's timer.
    pub fn sweep(&self) {
        self.pool.sweep();
    }

    /// How many connections are idle now.
    #[cfg(test)]
    fn idle(&self) -> usize {
        self.pool.len()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{connector, listen, permit, port, readable, refused, table, url};
    use super::*;

    fn upstreams() -> Upstreams {
        let connector = connector(Trust::Only(Vec::new()), None, "");
        Upstreams::new(Arc::new(connector), &Limits::default())
    }

    #[tokio::test]
    async fn a_released_connection_serves_again() {
        let upstreams = upstreams();
        let (_listener, address) = listen().await;
        let upstream = url("http", "127.0.0.1", address.port());
        let key = PoolKey::unique();

        let first = upstreams.acquire_for(key, &upstream, false).await.unwrap();
        assert!(!first.reused);
        assert_eq!(upstreams.idle(), 0);
        let first_port = port(&first);
        upstreams.release(first);
        assert_eq!(upstreams.idle(), 1);

        let second = upstreams.acquire_for(key, &upstream, false).await.unwrap();
        assert!(second.reused);
        assert_eq!(port(&second), first_port);
        assert_eq!(upstreams.idle(), 0);
    }

    #[tokio::test]
    async fn a_replacement_is_never_an_idle_one() {
        let upstreams = upstreams();
        let (_listener, address) = listen().await;
        let upstream = url("http", "127.0.0.1", address.port());
        let key = PoolKey::unique();
        let first = upstreams.acquire_for(key, &upstream, false).await.unwrap();
        let first_port = port(&first);
        upstreams.release(first);

        let fresh = upstreams.acquire_for(key, &upstream, true).await.unwrap();
        assert!(!fresh.reused);
        assert_ne!(port(&fresh), first_port);
        assert_eq!(upstreams.idle(), 1);
    }

    #[tokio::test]
    async fn a_connection_that_ended_is_replaced_unseen() {
        let upstreams = upstreams();
        let (listener, address) = listen().await;
        let upstream = url("http", "127.0.0.1", address.port());
        let key = PoolKey::unique();
        let first = upstreams.acquire_for(key, &upstream, false).await.unwrap();
        drop(listener.accept().await.unwrap());
        readable(&first).await;
        upstreams.release(first);

        let second = upstreams.acquire_for(key, &upstream, false).await.unwrap();
        assert!(!second.reused);
        assert_eq!(upstreams.idle(), 0);
    }

    #[tokio::test]
    async fn routes_share_a_connection_only_with_the_same_credential() {
        let upstreams = upstreams();
        let (_listener, address) = listen().await;
        let routes = [("/a/", "one"), ("/b/", "two"), ("/c/", "one")];
        let table = table(&routes, address.port());
        let acquire = async |path| {
            let permit = permit(&table, path);
            upstreams.acquire(&permit, false).await.unwrap()
        };
        let first = acquire("/a/x").await;
        let first_port = port(&first);
        upstreams.release(first);

        let other = acquire("/b/x").await;
        assert!(!other.reused);
        assert_ne!(port(&other), first_port);

        let same = acquire("/c/x").await;
        assert!(same.reused);
        assert_eq!(port(&same), first_port);
    }

    #[tokio::test]
    async fn a_failed_dial_leaves_nothing_behind_and_its_future_may_change_threads() {
        let upstreams = upstreams();
        let (_nobody, address) = refused();
        let upstream = url("http", "127.0.0.1", address.port());
        let acquired = tokio::spawn(async move {
            let acquired = upstreams
                .acquire_for(PoolKey::unique(), &upstream, false)
                .await;
            (acquired.map(drop), upstreams.idle())
        });
        let (acquired, idle) = acquired.await.unwrap();
        assert_eq!(acquired.unwrap_err().error_type(), "connection_refused");
        assert_eq!(idle, 0);
    }
}
