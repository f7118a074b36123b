//! Every number of the gate: its unit in its name, and why it has that size.

use std::time::Duration;

/// Octets of `gate.json`: as many repositories as a manifest has, with all their patterns.
pub(super) const CONFIG_OCTETS: usize = 1024 * 1024;

/// How often a taken lock is looked at again.
pub(super) const LOCK_LOOK: Duration = Duration::from_millis(20);

// --- serve ---

/// Characters of a client's word that it is told again: enough to see a slip in a path.
pub(super) const SHOWN_CHARACTERS: usize = 80;

/// How long a local program may take that tells its version.
pub(super) const PROGRAM_TIME: Duration = Duration::from_secs(30);

/// Octets of what such a program writes, and of what git tells of a mirror.
pub(super) const TOOL_ANSWER_OCTETS: usize = 64 * 1024;

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

// --- the scan ---

/// Octets of a piece that the scanner gets to see at once. It reads on to a blank line for at
/// most 25,000 octets, and cuts wherever it stands then: with a piece it never comes to that.
pub(super) const PIECE_OCTETS: usize = 16 * 1024;

/// Octets that a piece shares with the one before: no key is longer, so that none is in two
/// pieces and whole in neither.
pub(super) const OVERLAP_OCTETS: usize = 4 * 1024;

/// How far back from its last octet a piece is cut at the end of a line, if there is one.
pub(super) const CUT_OCTETS: usize = 1024;

/// Octets of our own before the first piece. The scanner skips a stream that looks like an
/// archive; the farthest place that it looks at (of a disc's image) is at 32,774.
pub(super) const PREFACE_OCTETS: usize = 36 * 1024;

/// Units of UTF-16 in a row that are looked at as text: no key is shorter.
pub(super) const RUN_UNITS: usize = 8;

/// Octets of one entry's name in a tree: far more than a file system takes.
pub(super) const ENTRY_OCTETS: usize = 64 * 1024;

/// Names of tree entries that are remembered so as not to be scanned twice. Any more are
/// scanned whenever they come: this bounds memory, not what is scanned.
pub(super) const NAMES_REMEMBERED: usize = 256 * 1024;

/// Places in the feed that are remembered so as to tell where a finding is, and objects of a
/// push: 16 and up to 33 octets for each.
pub(super) const MARKS: usize = 1024 * 1024;

/// Refs of one push. Far more than proc-receive forwards: this bounds memory while it is scanned.
pub(super) const PUSH_REFS: usize = 10_000;

/// Octets of the line about one of them: two ids and a name, which no file system has longer.
pub(super) const PUSH_LINE_OCTETS: usize = 4 * 1024;

/// Octets of an object that are read at once.
pub(super) const OBJECT_READ_OCTETS: usize = 128 * 1024;

/// Octets of the line before an object: an id, a kind, a size.
pub(super) const OBJECT_HEADER_OCTETS: usize = 256;

/// Octets that the scanner gets to read at once: as many as a pipe holds.
pub(super) const SCANNER_WRITE_OCTETS: usize = 64 * 1024;

/// Octets of the scanner's report: a hundred thousand findings. More are as bad.
pub(super) const REPORT_OCTETS: u64 = 64 * 1024 * 1024;

/// How long a scan may take; 200 MiB took half a minute on two slow cores.
pub(super) const SCAN_TIME: Duration = Duration::from_secs(900);

/// How long it may take to find out where findings are, all of them together; and as long, whether
/// a name that is told has a secret in it. What isn't known by then is not told.
pub(super) const TELL_TIME: Duration = Duration::from_secs(60);

/// Findings that are told; the others are counted.
pub(super) const FINDINGS_TOLD: usize = 20;

/// Digits of an object's id that are told: more than any repository needs to tell two apart.
pub(super) const SHORT_ID_DIGITS: usize = 10;

/// Refs that are asked whether a commit with a finding is theirs.
pub(super) const REFS_ASKED: usize = 16;

/// Octets of a commit or tag in which the line of a finding is named by what stands there.
pub(super) const TOLD_OBJECT_OCTETS: usize = 1024 * 1024;

/// Memory that the scanner's language lets garbage grow to, in its own notation: it works in
/// the same 256 MiB as receive-pack and git.
pub(super) const SCANNER_MEMORY: &str = "64MiB";

// --- proc-receive: policy and forwarding ---

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
