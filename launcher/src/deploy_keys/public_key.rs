//! The public half of a key, by which a forge's list is searched.

use serde::{Deserialize, Serialize};

/// Kind and octets, `ssh-ed25519 AAAA…`, without the comment: forges keep that or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct PublicKey(String);

impl PublicKey {
    /// Reads one line as `ssh-keygen` and forges write it.
    pub(super) fn parse(line: &str) -> Option<PublicKey> {
        let mut words = line.split_ascii_whitespace();
        let (kind, octets) = (words.next()?, words.next()?);
        Some(PublicKey(format!("{kind} {octets}")))
    }

    /// Kind and octets.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_makes_no_difference() {
        let one = PublicKey::parse("ssh-ed25519 AAAA bottle:a-22222:app\n").expect("a key");
        assert_eq!(one.as_str(), "ssh-ed25519 AAAA");
        assert_eq!(PublicKey::parse("ssh-ed25519 AAAA").as_ref(), Some(&one));
        assert_ne!(PublicKey::parse("ssh-ed25519 AAAB").as_ref(), Some(&one));
        assert_ne!(PublicKey::parse("ssh-rsa AAAA").as_ref(), Some(&one));
        assert_eq!(PublicKey::parse("ssh-ed25519"), None);
    }
}
