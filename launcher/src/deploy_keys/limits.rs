//! Every number of the room: its unit in its name or type, and why it has that size.

use std::time::Duration;

/// How long things may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `ssh-keygen`, which takes milliseconds.
    pub keygen: Duration,
    /// One call of the API, from the look-up of the host's name to the answer's last octet.
    pub call: Duration,
    /// The whole list of a repository's keys, however many pages it has.
    pub listing: Duration,
    /// How long a key whose registration has no known end is looked for.
    pub settle: Duration,
    /// How long between two such looks.
    pub look: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            keygen: Duration::from_secs(10),
            call: Duration::from_secs(30),
            listing: Duration::from_secs(60),
            settle: Duration::from_secs(5),
            look: Duration::from_millis(500),
        }
    }
}

/// Octets of an answer's body: a page of keys has some tens of thousands.
pub(super) const ANSWER_OCTETS: u64 = 1024 * 1024;

/// Octets of an answer's head.
pub(super) const HEAD_OCTETS: usize = 64 * 1024;

/// Keys on a page: what the forge gives unless it was told to give fewer.
pub(super) const PAGE_KEYS: u32 = 50;

/// Pages that are read. A repository has a handful of keys.
pub(super) const PAGES: u32 = 200;

/// Characters of a forge's own words that are shown.
pub(super) const WORDS_CHARACTERS: usize = 200;

/// Octets of an intent: a URL, two names and a key.
pub(super) const INTENT_OCTETS: usize = 64 * 1024;

/// Octets of a public key's file.
pub(super) const PUBLIC_KEY_OCTETS: usize = 4 * 1024;
