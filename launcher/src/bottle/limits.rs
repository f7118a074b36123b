//! Every number of a bottle's life: its unit in its name, and why it has that size.

use std::time::Duration;

/// How often a sidecar's health is asked for: a start waits half of it on average.
pub(crate) const HEALTH_INTERVAL: Duration = Duration::from_millis(500);

/// How often the launcher looks whether a sidecar is healthy; cheap beside the check itself.
pub(crate) const HEALTH_LOOK: Duration = Duration::from_millis(50);

/// How long a sidecar may take to become healthy: it starts in milliseconds, and a machine
/// that is busy with ten other bottles is slow.
pub(crate) const HEALTHY_WITHIN: Duration = Duration::from_secs(20);

/// How long the probe may take, from the making of its container to its end.
pub(crate) const PROBE_WITHIN: Duration = Duration::from_secs(20);

/// How long the probe waits for a sign of life from an address that must not give one. An
/// address on the same bridge answers within a millisecond.
pub(crate) const PROBE_PATIENCE: Duration = Duration::from_millis(600);

/// How long an agent that was told to end may take to do so before it is ended; with the
/// rest of the teardown it has to stay below three seconds.
pub(crate) const AGENT_GRACE: Duration = Duration::from_millis(1500);

/// Octets of memory of the engine: far above what its own limits let it take.
pub(crate) const PROXY_MEMORY_OCTETS: i64 = 512 * 1024 * 1024;

/// Threads and processes of the engine, its health checks among them.
pub(crate) const PROXY_PROCESSES: i64 = 64;

/// How long the git gate may take to fill its mirrors: it gives up by itself a little earlier,
/// and says why. Whoever waits may end it.
pub(crate) const GATE_FILLED_WITHIN: Duration = Duration::from_secs(1830);

/// Octets of memory of the git gate, its git and its scanner: twice what the largest pushes
/// that it is tried with take.
pub(crate) const GATE_MEMORY_OCTETS: i64 = 512 * 1024 * 1024;

/// Threads and processes of the git gate: sixteen connections of some five processes, of which
/// the scanner has some ten threads.
pub(crate) const GATE_PROCESSES: i64 = 512;

/// Octets of what a local git gate may keep in memory of its own: a scan's settings.
pub(crate) const GATE_SCRATCH_OCTETS: u64 = 64 * 1024 * 1024;

/// How long a local git gate that was told to end may take before it is ended.
pub(crate) const GATE_GRACE: Duration = Duration::from_millis(1500);

/// Threads and processes of an agent: a parallel build takes some hundreds; a fork bomb ends here.
pub(crate) const AGENT_PROCESSES: i64 = 4096;

/// Octets of the machine's memory that an agent leaves to its user's session and the sidecars.
const NOT_THE_AGENTS_OCTETS: u64 = 1024 * 1024 * 1024;

/// Octets of memory that an agent gets on the smallest machine: less, and no client starts.
const AGENT_LEAST_OCTETS: u64 = 1024 * 1024 * 1024;

/// How much rather than its user's programs an agent is ended where memory runs out; these
/// have 0 to 200, and 1000 would have it go even before what a browser gives up.
pub(super) const AGENT_OOM_SCORE: i64 = 500;

/// Octets of memory of an agent, on a machine that has `machine`: it may take nearly all of it,
/// as a build may, and not the last.
/// Locally it is for all processes and scratch places together where the kernel counts them
/// so, or else for the data of each process.
pub(crate) fn agent_memory_octets(machine: u64) -> u64 {
    let left = machine.saturating_sub(NOT_THE_AGENTS_OCTETS);
    left.max(AGENT_LEAST_OCTETS)
}

/// Octets of `/etc/passwd` of an image, with the archive around it.
pub(crate) const PASSWD_OCTETS: usize = 1024 * 1024;

/// Octets of the certificates that go into the engine's image or volume.
pub(crate) const CERTIFICATES_OCTETS: usize = 4 * 1024 * 1024;

/// Octets of a program that becomes an image: a debug build has some tens of MiB.
pub(crate) const PROGRAM_OCTETS: u64 = 512 * 1024 * 1024;

/// Lines of a sidecar's log that are shown when it fails.
pub(crate) const LOG_LINES: usize = 10;

/// Pieces of 64 KiB that wait between the terminal and a container, or an archive and the
/// engine: enough to keep both sides busy.
pub(crate) const PIECES_WAITING: usize = 16;

/// Octets of a piece.
pub(crate) const PIECE_OCTETS: usize = 64 * 1024;

/// How long the engine of a local bottle may take to its first answer, as [`HEALTHY_WITHIN`].
pub(crate) const ANSWER_WITHIN: Duration = HEALTHY_WITHIN;

/// Descriptors of one process of a local agent: what distributions give to a user at most.
pub(crate) const DESCRIPTORS: u64 = 65_536;

/// Octets of each place that a local agent may fill beside its work directory: home, `/tmp`.
/// They are memory, so this is a part of what the agent may have of it.
pub(crate) const SCRATCH_OCTETS: u64 = 2 * 1024 * 1024 * 1024;

/// Octets of memory that the processes of a local agent share by name.
pub(crate) const SHARED_MEMORY_OCTETS: u64 = 512 * 1024 * 1024;

/// Octets of a local engine's log, twice: the last tens of thousands of exchanges.
pub(crate) const LOG_OCTETS: usize = 4 * 1024 * 1024;

/// Octets of what bubblewrap says that are kept: it says a line.
pub(crate) const SANDBOX_WORDS_OCTETS: usize = 4 * 1024;

/// How long the processes of a sandbox may take to be gone once it was ended.
pub(crate) const TEARDOWN_WITHIN: Duration = Duration::from_secs(2);

/// How long a local engine that does not answer may take to say why.
pub(crate) const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_leaves_its_user_a_gibibyte() {
        const GIB: u64 = 1024 * 1024 * 1024;
        assert_eq!(
            [1, 2, 16].map(|n| agent_memory_octets(n * GIB) / GIB),
            [1, 1, 15]
        );
    }
}
