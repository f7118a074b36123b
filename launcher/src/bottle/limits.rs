//! Every number of a bottle's life: its unit in its name, and why it has that size.

use std::time::Duration;

/// How often a sidecar's health is asked for: a start waits half of it on average.
pub(super) const HEALTH_INTERVAL: Duration = Duration::from_millis(500);

/// How often the launcher looks whether a sidecar is healthy; cheap beside the check itself.
pub(super) const HEALTH_LOOK: Duration = Duration::from_millis(50);

/// How long a sidecar may take to become healthy: it starts in milliseconds, and a machine
/// that is busy with ten other bottles is slow.
pub(super) const HEALTHY_WITHIN: Duration = Duration::from_secs(20);

/// How long the probe may take, from the making of its container to its end.
pub(super) const PROBE_WITHIN: Duration = Duration::from_secs(20);

/// How long the probe waits for a sign of life from an address that must not give one. An
/// address on the same bridge answers within a millisecond.
pub(super) const PROBE_PATIENCE: Duration = Duration::from_millis(600);

/// How long an agent that was told to end may take to do so before it is ended; with the
/// rest of the teardown it has to stay below three seconds.
pub(super) const AGENT_GRACE: Duration = Duration::from_millis(1500);

/// Octets of memory of the engine: far above what its own limits let it take.
pub(super) const PROXY_MEMORY_OCTETS: i64 = 512 * 1024 * 1024;

/// Threads and processes of the engine, its health checks among them.
pub(super) const PROXY_PROCESSES: i64 = 64;

/// Threads and processes of an agent: a parallel build takes some hundreds; a fork bomb ends here.
pub(super) const AGENT_PROCESSES: i64 = 4096;

/// Octets of the machine's memory that an agent leaves to its user's session and the sidecars.
const NOT_THE_AGENTS_OCTETS: i64 = 1024 * 1024 * 1024;

/// Octets of memory that an agent gets on the smallest machine: less, and no client starts.
const AGENT_LEAST_OCTETS: i64 = 1024 * 1024 * 1024;

/// How much rather than its user's programs an agent is ended where memory runs out; these
/// have 0 to 200, and 1000 would have it go even before what a browser gives up.
pub(super) const AGENT_OOM_SCORE: i64 = 500;

/// Octets of memory of an agent, on a machine that has `machine`: it may take nearly all of it,
/// as a build may, and not the last.
pub(super) fn agent_memory_octets(machine: i64) -> i64 {
    (machine - NOT_THE_AGENTS_OCTETS).max(AGENT_LEAST_OCTETS)
}

/// Octets of `/etc/passwd` of an image, with the archive around it.
pub(super) const PASSWD_OCTETS: usize = 1024 * 1024;

/// Octets of the certificates that go into the engine's image or volume.
pub(super) const CERTIFICATES_OCTETS: usize = 4 * 1024 * 1024;

/// Octets of a program that becomes an image: a debug build has some tens of MiB.
pub(super) const PROGRAM_OCTETS: u64 = 512 * 1024 * 1024;

/// Lines of a sidecar's log that are shown when it fails.
pub(super) const LOG_LINES: usize = 10;

/// Pieces of 64 KiB that wait between the terminal and a container, or an archive and the
/// engine: enough to keep both sides busy.
pub(super) const PIECES_WAITING: usize = 16;

/// Octets of a piece.
pub(super) const PIECE_OCTETS: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_leaves_its_user_a_gibibyte() {
        const GIB: i64 = 1024 * 1024 * 1024;
        assert_eq!(
            [1, 2, 16].map(|n| agent_memory_octets(n * GIB) / GIB),
            [1, 1, 15]
        );
    }
}
