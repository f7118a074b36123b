//! The name of one bottle.

/// Letters and digits that nobody mistakes for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How many of them stand behind the agent's name: two starts of one agent at once get the
/// same with a chance of one to 33 million, and Docker refuses the second then.
const LENGTH: usize = 5;

/// A new name for a bottle of `agent`: `<agent>-<5 random>`.
///
/// # Errors
///
/// The kernel has no random octets.
pub(crate) fn make(agent: &str) -> std::io::Result<String> {
    let mut random = [0_u8; LENGTH];
    let mut filled = 0;
    while filled < LENGTH {
        let flags = rustix::rand::GetRandomFlags::empty();
        filled += rustix::rand::getrandom(&mut random[filled..], flags)?;
    }
    let letters = random.map(|octet| char::from(ALPHABET[usize::from(octet) % ALPHABET.len()]));
    Ok(format!("{agent}-{}", String::from_iter(letters)))
}

/// Could this be the name of a bottle? What a person writes becomes a path and a filter.
pub fn is_valid(slug: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !slug.is_empty()
        && slug.len() <= 128
        && slug.chars().all(fits)
        && slug.starts_with(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_slugs_of_one_agent_differ_and_are_names() {
        let one = make("implementer").expect("random octets");
        let two = make("implementer").expect("random octets");
        assert_ne!(one, two);
        assert!(one.starts_with("implementer-") && one.len() == "implementer-".len() + LENGTH);
        assert!(is_valid(&one) && is_valid(&two));
    }

    #[test]
    fn what_is_no_slug_is_refused() {
        for bad in ["", "../x", "A-b", "-a", "a/b", "a b", "é"] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }
}
