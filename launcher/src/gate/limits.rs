//! Every number of the gate: its unit in its name, and why it has that size.

use std::time::Duration;

/// Octets of `gate.json`: as many repositories as a manifest has, with all their patterns.
pub(super) const CONFIG_OCTETS: usize = 1024 * 1024;

/// How often a taken lock is looked at again.
pub(super) const LOCK_LOOK: Duration = Duration::from_millis(20);

// --- serve ---

/// How long a local program may take that tells its version.
pub(super) const PROGRAM_TIME: Duration = Duration::from_secs(30);

/// Octets of what such a program writes, and of what git tells of a mirror.
pub(super) const ANSWER_OCTETS: usize = 64 * 1024;

/// How long the first filling of a mirror may take: all of a large repository.
pub(super) const FILL_TIME: Duration = Duration::from_secs(1800);

/// Mirrors that are filled at once. Each takes two connections, and sshd begins to turn
/// connections away when ten wait for their authentication (`MaxStartups`).
pub(super) const FILLS: usize = 4;

/// How long access-hook may take to ask upstream, its waiting for the lock included.
pub(super) const REFRESH_TIME: Duration = Duration::from_secs(300);

/// Octets of upstream's answer about its HEAD: `*/HEAD` of every remote that it may know.
pub(super) const HEAD_OCTETS: usize = 1024 * 1024;

/// How long the health check waits for the gate.
pub(super) const HEALTH_CHECK_TIME: Duration = Duration::from_secs(5);

/// Connections at once; one more is told so.
pub(super) const CONNECTIONS: usize = 16;

/// Connections at once that are being told that there are too many; one more is closed.
pub(super) const REFUSALS: usize = 32;

/// Octets of a connection's first line: a service and a path of at most a name's length,
/// a host name and a version. git's own are below 400.
pub(super) const REQUEST_OCTETS: usize = 1024;

/// Octets of a buffer of a connection, one for either direction: a pkt-line has at most
/// 65520.
pub(super) const RELAY_OCTETS: usize = 64 * 1024;

/// How long accepting rests when the kernel has no descriptor or memory for it.
pub(super) const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How often it is looked whether killed processes are gone.
pub(super) const STRAYS_LOOK: Duration = Duration::from_millis(5);

/// How long the gate waits at its end for what is left of connections, and then for all
/// that was killed: whoever asked it to end waits two seconds.
pub(super) const END_TIME: Duration = Duration::from_millis(1500);

/// See [`END_TIME`].
pub(super) const STRAYS_TIME: Duration = Duration::from_millis(300);

/// How long the parts of a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// For the first line.
    pub(super) request: Duration,
    /// Of a fetch, for the first octet of the answer: access-hook's own time, and some more
    /// to tell how it went.
    pub(super) refresh: Duration,
    /// Of a push, between the last octet of the advertisement and the first of the pack: a
    /// client is silent while it compresses.
    pub(super) compress: Duration,
    /// Without an octet either way; who works writes one every 5 s.
    pub(super) quiet: Duration,
    /// For git to remove its locks, before it is killed.
    pub(super) grace: Duration,
    /// For the client to read the last words.
    pub(super) linger: Duration,
}

/// Those of the gate.
pub(super) const TIMES: Times = Times {
    request: Duration::from_secs(15),
    refresh: Duration::from_secs(REFRESH_TIME.as_secs() + 15),
    compress: Duration::from_secs(120),
    quiet: Duration::from_secs(15),
    grace: Duration::from_secs(1),
    linger: Duration::from_secs(2),
};

// --- end of serve ---
