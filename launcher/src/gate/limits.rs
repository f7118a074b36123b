//! Every number of the gate: its unit in its name, and why it has that size.

use std::time::Duration;

/// Octets of `gate.json`: as many repositories as a manifest has, with all their patterns.
pub(super) const CONFIG_OCTETS: usize = 1024 * 1024;

/// How often a taken lock is looked at again.
pub(super) const LOCK_LOOK: Duration = Duration::from_millis(20);

// The scan.

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

/// Refs of one push, and octets of the line about one.
pub(super) const PUSH_REFS: usize = 10_000;
pub(super) const PUSH_LINE_OCTETS: usize = 4 * 1024;

/// Octets of the scanner's report: a hundred thousand findings. More are as bad.
pub(super) const REPORT_OCTETS: u64 = 64 * 1024 * 1024;

/// How long a scan may take; 200 MiB took half a minute on two slow cores.
pub(super) const SCAN_TIME: Duration = Duration::from_secs(900);

/// How long what is told of findings may take to find out.
pub(super) const TELL_TIME: Duration = Duration::from_secs(60);

/// Findings that are told; the others are counted.
pub(super) const FINDINGS_TOLD: usize = 20;

/// Refs that are asked whether a commit with a finding is theirs.
pub(super) const REFS_ASKED: usize = 16;

/// Octets of a commit or tag in which the line of a finding is named by what stands there.
pub(super) const TOLD_OBJECT_OCTETS: usize = 1024 * 1024;

/// Memory that the scanner's language lets garbage grow to, in its own notation: it works in
/// the same 256 MiB as receive-pack and git.
pub(super) const SCANNER_MEMORY: &str = "64MiB";
