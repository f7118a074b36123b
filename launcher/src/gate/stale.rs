//! Why a mirror may not be served from: upstream's state is not in it.

use core::fmt;
use std::io;
use std::time::Duration;

/// Why upstream's state is not in the mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stale {
    /// The gate lacks a file to reach it with.
    NoCredential(&'static str),
    /// It did not answer; ssh's last words.
    Unreachable(String),
    /// It has not the key that is pinned.
    HostKey(String),
    /// It does not take the gate's key.
    Permission(String),
    /// It is there, but not the repository.
    NoRepository(String),
    /// It has another object format than the mirror.
    ObjectFormat,
    /// It took too long.
    TimedOut(Duration),
    /// Anything else; git's last words.
    Other(String),
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stale::NoCredential(what) => write!(f, "the gate has no {what} for upstream"),
            Stale::Unreachable(words) => write!(f, "upstream can't be reached: {words}"),
            Stale::HostKey(words) => {
                write!(f, "upstream's host key is not the pinned one: {words}")
            }
            Stale::Permission(words) => write!(f, "upstream does not take the gate's key: {words}"),
            Stale::NoRepository(words) => write!(f, "upstream has no such repository: {words}"),
            Stale::ObjectFormat => f.write_str(
                "upstream's object format is another than before: start the bottle again",
            ),
            Stale::TimedOut(within) => {
                write!(
                    f,
                    "upstream took more than {} s to answer",
                    within.as_secs()
                )
            }
            Stale::Other(words) => write!(f, "upstream could not be fetched from: {words}"),
        }
    }
}

impl From<io::Error> for Stale {
    fn from(error: io::Error) -> Stale {
        Stale::Other(crate::visible::visible(&error.to_string()))
    }
}

/// What git and ssh say after each failure, and what says nothing of it.
const COMMONPLACES: [&str; 5] = [
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
    "fatal: the remote end hung up unexpectedly",
    "fatal: early EOF",
];

/// The reason in git's and ssh's error text, of which the lines are parted by `; `.
pub(super) fn reason(text: &str) -> Stale {
    let told =
        |line: &&str| !line.is_empty() && !line.starts_with('@') && !COMMONPLACES.contains(line);
    let lines: Vec<&str> = text.split("; ").map(str::trim).filter(told).collect();
    // Of a changed host key ssh says so much that this is all one needs.
    let gist = lines
        .iter()
        .find(|line| line.contains("ost key for") || line.contains("host key is known"));
    let words = match (gist, lines.as_slice()) {
        (Some(gist), _) => (*gist).to_owned(),
        (None, []) => "it ended the connection without a word".to_owned(),
        (None, lines) => lines.join("; "),
    };
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if says(&["the gate has no credential"]) {
        Stale::NoCredential("credential")
    } else if says(&["Host key verification failed", "host key is known for"]) {
        Stale::HostKey(words)
    } else if says(&["mismatched algorithms"]) {
        Stale::ObjectFormat
    } else if says(&["Permission denied (", "Too many authentication failures"]) {
        Stale::Permission(words)
    } else if says(&[
        "does not appear to be a git repository",
        "epository not found",
        "epository does not exist",
    ]) {
        Stale::NoRepository(words)
    } else if lines.is_empty()
        || says(&[
            "ssh: connect to host",
            "ssh: Could not resolve",
            "Connection ",
            "Timeout, server",
            "kex_exchange",
        ])
    {
        Stale::Unreachable(words)
    } else {
        Stale::Other(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_told_without_commonplaces() {
        let end = "; fatal: Could not read from remote repository.; ; Please make sure you have the correct access rights; and the repository exists.";
        let rows = [
            (
                "ssh: connect to host h port 22: Connection refused",
                "upstream can't be reached: ssh: connect to host h port 22: Connection refused",
            ),
            (
                "No ED25519 host key is known for [h]:9 and you have requested strict checking.; Host key verification failed.",
                "upstream's host key is not the pinned one: No ED25519 host key is known for [h]:9 and you have requested strict checking.",
            ),
            (
                "@@@@@; @  WARNING  @; @@@@@; Add correct host key in /x to get rid of this message.; Host key for [h]:9 has changed and you have requested strict checking.; Host key verification failed.",
                "upstream's host key is not the pinned one: Host key for [h]:9 has changed and you have requested strict checking.",
            ),
            (
                "git@h: Permission denied (publickey).",
                "upstream does not take the gate's key: git@h: Permission denied (publickey).",
            ),
            (
                "fatal: '/x.git' does not appear to be a git repository",
                "upstream has no such repository: fatal: '/x.git' does not appear to be a git repository",
            ),
            (
                "",
                "upstream can't be reached: it ended the connection without a word",
            ),
            (
                "fatal: mismatched algorithms: client sha1; server sha256",
                "upstream's object format is another than before: start the bottle again",
            ),
            (
                "fatal: bad object",
                "upstream could not be fetched from: fatal: bad object",
            ),
        ];
        for (text, sentence) in rows {
            assert_eq!(reason(&format!("{text}{end}")).to_string(), sentence);
        }
    }
}
