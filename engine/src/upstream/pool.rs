//! Connections that wait for their next exchange.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::UpstreamConnection;
use crate::limits::{Limits, POOL_KEY_IDLE_TIME};
use crate::route::PoolKey;

/// One worker's idle connections. Its lock is never contended, since a worker is one
/// thread, and never held over an await; it is there because futures must be `Send`.
pub(super) struct Pool {
    idle: Mutex<BTreeMap<PoolKey, IdleQueue>>,
    connections_each: usize,
    idle_time: Duration,
}

/// The idle connections of one key, oldest first. An empty queue stays, so that the
/// next exchange finds its memory; [`Pool::sweep`] drops it when the key, too, is old.
struct IdleQueue {
    connections: VecDeque<IdleConnection>,
    last_use: Instant,
}

struct IdleConnection {
    connection: UpstreamConnection,
    since: Instant,
}

impl Pool {
    pub(super) fn new(limits: &Limits) -> Self {
        Pool {
            idle: Mutex::default(),
            connections_each: limits.pool_connections,
            idle_time: limits.pool_idle_time,
        }
    }

    /// The connection of this key that was used last and is still good. Newest first:
    /// it is the least likely to have been closed, and the rest can grow old together.
    pub(super) fn take(&self, key: PoolKey) -> Option<UpstreamConnection> {
        let mut idle = self.lock();
        let queue = idle.get_mut(&key)?;
        let now = Instant::now();
        queue.last_use = now;
        while let Some(mut waiting) = queue.connections.pop_back() {
            let expired = now.duration_since(waiting.since) >= self.idle_time;
            if !expired && waiting.connection.is_quiet() {
                waiting.connection.reused = true;
                return Some(waiting.connection);
            }
            waiting.connection.say_goodbye();
        }
        None
    }

    /// Keeps a connection whose exchange is complete; one too many costs the oldest its place.
    pub(super) fn put(&self, mut connection: UpstreamConnection) {
        if self.connections_each == 0 {
            connection.say_goodbye();
            return;
        }
        connection.give_back_memory();
        let since = Instant::now();
        let mut idle = self.lock();
        let queue = match idle.entry(connection.key()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(IdleQueue {
                connections: VecDeque::new(),
                last_use: since,
            }),
        };
        queue.last_use = since;
        if queue.connections.len() >= self.connections_each
            && let Some(mut oldest) = queue.connections.pop_front()
        {
            oldest.connection.say_goodbye();
        }
        queue
            .connections
            .push_back(IdleConnection { connection, since });
    }

    /// Drops what has expired or died, and keys that nobody asks for any more: a
    /// reload that changed a credential left the old one's behind.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        self.lock().retain(|_key, queue| {
            queue.connections.retain_mut(|waiting| {
                let expired = now.duration_since(waiting.since) >= self.idle_time;
                let stays = !expired && waiting.connection.is_quiet();
                if !stays {
                    waiting.connection.say_goodbye();
                }
                stays
            });
            !queue.connections.is_empty() || now.duration_since(queue.last_use) < POOL_KEY_IDLE_TIME
        });
    }

    /// Drops every idle connection, for the sake of its descriptor.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// How many connections wait.
    pub(super) fn len(&self) -> usize {
        self.lock()
            .values()
            .map(|queue| queue.connections.len())
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PoolKey, IdleQueue>> {
        // Nothing here leaves the map half changed, so a panic elsewhere spoils nothing.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{plain_pair, port, readable, tls_pair};
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::advance;

    fn pool(connections: usize) -> Pool {
        Pool::new(&Limits {
            pool_connections: connections,
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn the_newest_serves_first() {
        let (pool, key) = (pool(8), PoolKey::unique());
        let (first, _service) = plain_pair(key).await;
        let (second, _service) = plain_pair(key).await;
        let ports = [port(&first), port(&second)];
        pool.put(first);
        pool.put(second);
        let taken = pool.take(key).unwrap();
        assert!(taken.reused);
        assert_eq!(port(&taken), ports[1]);
        assert_eq!(port(&pool.take(key).unwrap()), ports[0]);
        assert!(pool.take(key).is_none());
    }

    #[tokio::test]
    async fn one_past_the_bound_costs_the_oldest_its_place() {
        let (pool, key) = (pool(2), PoolKey::unique());
        let mut services = Vec::new();
        let mut ports = Vec::new();
        for kept in [1, 2, 2] {
            let (connection, service) = plain_pair(key).await;
            ports.push(port(&connection));
            services.push(service);
            pool.put(connection);
            assert_eq!(pool.len(), kept);
        }
        assert_eq!(port(&pool.take(key).unwrap()), ports[2]);
        assert_eq!(port(&pool.take(key).unwrap()), ports[1]);
        assert!(pool.take(key).is_none());
    }

    #[tokio::test]
    async fn a_pool_for_none_keeps_none() {
        let (pool, key) = (pool(0), PoolKey::unique());
        let (connection, _service) = plain_pair(key).await;
        pool.put(connection);
        assert_eq!(pool.len(), 0);
        assert!(pool.take(key).is_none());
    }

    #[tokio::test]
    async fn another_credential_never_gets_the_connection() {
        let (pool, mine, yours) = (pool(8), PoolKey::unique(), PoolKey::unique());
        let (connection, _service) = plain_pair(mine).await;
        pool.put(connection);
        assert!(pool.take(yours).is_none());
        assert!(pool.take(mine).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_serves_until_it_expires() {
        let (pool, key) = (pool(8), PoolKey::unique());
        let idle_time = Limits::default().pool_idle_time;
        let (connection, _service) = plain_pair(key).await;
        pool.put(connection);
        advance(idle_time - Duration::from_millis(1)).await;
        pool.put(pool.take(key).unwrap());
        advance(idle_time).await;
        assert!(pool.take(key).is_none());
        assert_eq!(pool.len(), 0);
    }

    #[tokio::test]
    async fn a_dead_one_is_dropped_and_the_next_newest_serves() {
        let (pool, key) = (pool(8), PoolKey::unique());
        let (alive, _service) = plain_pair(key).await;
        let (ended, service) = plain_pair(key).await;
        drop(service);
        readable(&ended).await;
        let (spoken_to, mut service) = plain_pair(key).await;
        service
            .write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
            .await
            .unwrap();
        readable(&spoken_to).await;
        let alive_port = port(&alive);
        for connection in [alive, ended, spoken_to] {
            pool.put(connection);
        }
        assert_eq!(port(&pool.take(key).unwrap()), alive_port);
        assert_eq!(pool.len(), 0);
    }

    #[tokio::test]
    async fn a_connection_that_dies_while_idle_is_swept() {
        let (pool, key) = (pool(8), PoolKey::unique());
        let (alive, _alive_service) = plain_pair(key).await;
        let (dying, service) = plain_pair(key).await;
        pool.put(dying);
        pool.put(alive);
        pool.sweep();
        assert_eq!(pool.len(), 2);
        drop(service);
        while pool.len() == 2 {
            tokio::task::yield_now().await;
            pool.sweep();
        }
        assert_eq!(pool.len(), 1);
        assert!(pool.take(key).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_drops_the_expired_and_long_afterwards_their_key() {
        let (pool, key) = (pool(8), PoolKey::unique());
        let (old, _old_service) = plain_pair(key).await;
        pool.put(old);
        advance(Duration::from_secs(20)).await;
        let (young, _young_service) = plain_pair(key).await;
        let young_port = port(&young);
        pool.put(young);
        advance(Duration::from_secs(10)).await;
        pool.sweep();
        assert_eq!(pool.len(), 1);
        assert_eq!(port(&pool.take(key).unwrap()), young_port);

        advance(POOL_KEY_IDLE_TIME - Duration::from_millis(1)).await;
        pool.sweep();
        assert_eq!(
            pool.lock().len(),
            1,
            "its memory waits for the next exchange"
        );
        advance(Duration::from_millis(1)).await;
        pool.sweep();
        assert_eq!(pool.lock().len(), 0);
    }

    #[tokio::test]
    async fn a_warm_key_keeps_its_memory() {
        let (pool, key) = (pool(8), PoolKey::unique());
        let (mut connection, _service) = plain_pair(key).await;
        pool.put(connection);
        let capacity = pool.lock()[&key].connections.capacity();
        for _exchange in 0..100 {
            connection = pool.take(key).unwrap();
            pool.put(connection);
        }
        assert_eq!(pool.lock()[&key].connections.capacity(), capacity);
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_is_told_that_its_connection_is_no_longer_kept() {
        let idle_time = Limits::default().pool_idle_time;
        for way in ["bound", "taken", "swept"] {
            let (pool, key) = (pool(1), PoolKey::unique());
            let (connection, mut service) = tls_pair(key).await;
            pool.put(connection);
            match way {
                "bound" => pool.put(plain_pair(key).await.0),
                "taken" => {
                    advance(idle_time).await;
                    assert!(pool.take(key).is_none());
                }
                _ => {
                    advance(idle_time).await;
                    pool.sweep();
                }
            }
            let end = service.read(&mut [0]).await;
            assert!(matches!(end, Ok(0)), "{way}: {end:?}");
        }
    }
}
