//! Every number of the gate: its unit in its name, and why it has that size.

use std::time::Duration;

/// Octets of `gate.json`: as many repositories as a manifest has, with all their patterns.
pub(super) const CONFIG_OCTETS: usize = 1024 * 1024;

/// How often a taken lock is looked at again.
pub(super) const LOCK_LOOK: Duration = Duration::from_millis(20);

// proc-receive: policy and forwarding.

/// Octets of all that a push asks for. It becomes two arguments a ref, and Linux takes 2 MiB of
/// them: some two thousand refs at once.
pub(super) const COMMANDS_OCTETS: usize = 256 * 1024;

/// Letters of the reason of a refusal. It fits in a pkt-line however it is escaped.
pub(super) const REASON_LETTERS: usize = 1000;

/// Octets that git may answer: every ref of a mirror with its value.
pub(super) const ERRAND_OCTETS: usize = 64 * 1024 * 1024;

/// Octets of a line of error text; what is longer is told as several.
pub(super) const ERRAND_LINE_OCTETS: usize = 2000;

/// Lines of upstream's own that reach the agent: a page of links and advice.
pub(super) const UPSTREAM_LINES: usize = 200;

/// Lines of what git and ssh say at their end that go into a reason: cause and consequence.
pub(super) const LAST_LINES: usize = 3;

/// How long git may think about what is on this machine: a history of a million commits.
pub(super) const QUESTION_TIME: Duration = Duration::from_secs(120);

/// How long a forward may take: the largest push, slow hooks at upstream.
pub(super) const FORWARD_TIME: Duration = Duration::from_secs(1800);

/// How long upstream may take to list its refs.
pub(super) const LISTING_TIME: Duration = Duration::from_secs(60);

/// When it is told that another push or fetch is waited for.
pub(super) const LOCK_TELL: Duration = Duration::from_secs(1);

/// How long another may have the mirror: a forward and what comes before and after it.
pub(super) const LOCK_TIME: Duration = Duration::from_secs(2100);
