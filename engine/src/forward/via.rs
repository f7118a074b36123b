//! The name by which this process recognises itself in `Via` (RFC 9110 §7.6.3).

/// `cred-proxy-` and a random tail per process, so that chained engines do not mistake
/// each other for themselves.
#[derive(Clone, Debug)]
pub struct Pseudonym(String);

impl Pseudonym {
    /// A name with this tail, which nobody else should have.
    pub fn new(tail: u64) -> Self {
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
    fn a_name_has_a_tail_of_its_own() {
        assert_eq!(
            Pseudonym::new(10).as_bytes(),
            b"cred-proxy-000000000000000a"
        );
    }
}
