//! What a proxy holds: descriptors, connections, tasks, memory.

use std::fs;
use std::thread;
use std::time::Instant;

use crate::process::GUARD;
use crate::proxy::Proxy;

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
    pub fn of(proxy: &Proxy) -> Census {
        let (descriptors, sockets) = (proxy.open_descriptors(), sockets(proxy));
        let mut client = proxy.client_of(proxy.admin_address());
        let answer = client.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let text = answer.text();
        drop(client);
        let begun = Instant::now();
        while proxy.open_descriptors() > descriptors && begun.elapsed() < GUARD {
            thread::yield_now();
        }
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

fn sockets(proxy: &Proxy) -> usize {
    let folder = format!("/proc/{}/fd", proxy.pid());
    let entries = fs::read_dir(folder).expect("/proc/pid/fd");
    // One that is closed meanwhile is no socket any more.
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}
