//! The name by which this process recognises itself in `Via` (RFC 9110 §7.6.3).

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// `cred-proxy-` and a random tail per process, so that chained engines do not mistake
/// each other for themselves.
#[derive(Clone, Debug)]
pub struct Pseudonym(String);

impl Pseudonym {
    /// A name of this process alone.
    pub fn of_this_process() -> Self {
        // The keys of a RandomState come from the operating system; a guess would gain
        // an attacker a 508 to his own request.
        let tail = RandomState::new().hash_one(std::process::id());
        Pseudonym(format!("cred-proxy-{tail:016x}"))
    }

    /// The name as it stands in `Via`.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_have_two_names() {
        let (one, other) = (Pseudonym::of_this_process(), Pseudonym::of_this_process());
        assert!(one.as_bytes().starts_with(b"cred-proxy-"));
        assert_ne!(one.as_bytes(), other.as_bytes());
    }
}
