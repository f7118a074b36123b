//! Connections that wait for their next exchange.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::UpstreamConnection;
use crate::limits::{Limits, POOL_KEY_IDLE_TIME};
use crate::route::PoolKey;

/// One worker's idle connections. Its lock is never contended, since a worker is one
/// thread, and never held over an await; it is there because futures must be `Send`.
pub(super) struct Pool {
    idle: Mutex<HashMap<PoolKey, IdleQueue>>,
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
        }
        None
    }

    /// Keeps a connection whose exchange is complete; one too many costs the oldest its place.
    pub(super) fn put(&self, connection: UpstreamConnection) {
        if self.connections_each == 0 {
            return;
        }
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
        if queue.connections.len() >= self.connections_each {
            queue.connections.pop_front();
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
                now.duration_since(waiting.since) < self.idle_time && waiting.connection.is_quiet()
            });
            !queue.connections.is_empty() || now.duration_since(queue.last_use) < POOL_KEY_IDLE_TIME
        });
    }

    /// How many connections wait.
    pub(super) fn len(&self) -> usize {
        self.lock()
            .values()
            .map(|queue| queue.connections.len())
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PoolKey, IdleQueue>> {
        // Nothing here leaves the map half changed, so a panic elsewhere spoils nothing.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
