//! What a proxy holds: descriptors, connections, tasks, memory.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use crate::process::GUARD;
use crate::proxy::Proxy;
use crate::tcp_state::End;

/// A count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// Open descriptors.
    pub descriptors: usize,
    /// Those of them that are sockets.
    pub sockets: usize,
    /// Tasks alive on the workers: one a connection, besides those that are always there.
    pub tasks: usize,
    /// Exchanges under way.
    pub in_flight: usize,
}

impl Census {
    /// Counts now. The scrape of the counts is not counted: it is over at the end.
    ///
    /// # Panics
    /// When there is no admin address, or it keeps its connection.
    pub fn of(proxy: &Proxy) -> Census {
        let (descriptors, sockets) = (proxy.open_descriptors(), sockets(proxy).len());
        let mut client = proxy.client_of(proxy.admin_address());
        let answer = client.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let scrape = End::other(client.socket()).state();
        drop(client);
        let begun = Instant::now();
        while scrape.is_some_and(|scrape| self::sockets(proxy).contains(&scrape.inode)) {
            assert!(
                begun.elapsed() < GUARD,
                "the admin address keeps {scrape:?}"
            );
            thread::yield_now();
        }
        let text = answer.text();
        let number = |name: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            let value = value.and_then(|value| value.parse().ok());
            value.unwrap_or_else(|| panic!("no {name} in {text}"))
        };
        Census {
            descriptors,
            sockets,
            tasks: number("cred_proxy_tasks"),
            in_flight: number("cred_proxy_in_flight"),
        }
    }

    /// Counts until nothing changes: a process that has just begun still closes files.
    pub fn settled(proxy: &Proxy) -> Census {
        let mut last = Census::of(proxy);
        loop {
            let now = Census::of(proxy);
            if now == last {
                return now;
            }
            last = now;
        }
    }

    /// Waits until `proxy` holds as much as this.
    ///
    /// # Panics
    /// When it does not come to that.
    pub fn wait_for(&self, proxy: &Proxy) {
        let begun = Instant::now();
        loop {
            let now = Census::of(proxy);
            if now == *self {
                return;
            }
            let waited = begun.elapsed();
            assert!(waited < GUARD, "{now:?} instead of {self:?}");
            thread::yield_now();
        }
    }
}

/// The inodes of its sockets.
fn sockets(proxy: &Proxy) -> Vec<u32> {
    let folder = format!("/proc/{}/fd", proxy.pid());
    let entries = fs::read_dir(folder).expect("/proc/pid/fd");
    // One that is closed meanwhile is no socket any more.
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let inode = |target: PathBuf| {
        let name = target.to_str()?.strip_prefix("socket:[")?;
        name.strip_suffix(']')?.parse().ok()
    };
    targets.filter_map(inode).collect()
}
