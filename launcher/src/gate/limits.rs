//! Every number of the gate: its unit in its name, and why it has that size.

use std::time::Duration;

/// Octets of `gate.json`: as many repositories as a manifest has, with all their patterns.
pub(super) const CONFIG_OCTETS: usize = 1024 * 1024;

/// How often a taken lock is looked at again.
pub(super) const LOCK_LOOK: Duration = Duration::from_millis(20);

// --- the server ---

/// Conversations at the same time: an agent has one or two, a fleet of sub-agents some.
pub(super) const CONVERSATIONS: usize = 16;

/// How long a client may take to say what it wants: it knows before it connects.
pub(super) const FIRST_LINE_TIME: Duration = Duration::from_secs(15);

/// Octets of that: a name, a host and a version.
pub(super) const REQUEST_OCTETS: usize = 4096;

/// How long neither side of a conversation may say anything: git that works says something every
/// five seconds.
pub(super) const QUIET: Duration = Duration::from_secs(15);

/// The same between the refs that a push is shown and the first octet of its pack: a client says
/// nothing while it compresses.
pub(super) const ADVERTISED_QUIET: Duration = Duration::from_secs(120);

/// How long a refresh from upstream may take before a fetch is refused, the wait for another one
/// included in it a second time.
pub(super) const REFRESH_TIME: Duration = Duration::from_secs(140);

/// How long a fetch waits for its first octet: twice the time of a refresh, and the time that
/// git takes to say why.
pub(super) const REFRESH_QUIET: Duration = Duration::from_secs(300);

/// How long a mirror may take to be filled, question and fetch each: a launcher waits for
/// somewhat longer.
pub(super) const FILL_TIME: Duration = Duration::from_secs(150);

/// How long a git without a network may take: milliseconds, on a machine that is not busy.
pub(super) const GIT_TIME: Duration = Duration::from_secs(20);

/// How long a conversation's processes may take to end once they were asked to.
pub(super) const END_GRACE: Duration = Duration::from_secs(1);

/// How often it is looked whether they have.
pub(super) const END_LOOK: Duration = Duration::from_millis(10);

/// Octets of a piece on its way.
pub(super) const PIECE_OCTETS: usize = 64 * 1024;

/// Octets of what a git says that is asked for little.
pub(super) const FETCH_WORDS_OCTETS: usize = 64 * 1024;

/// Octets of the list of upstream's refs: some hundred thousand.
pub(super) const REFS_OCTETS: usize = 32 * 1024 * 1024;
