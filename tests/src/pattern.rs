//! Bodies too large to keep: a sequence that both ends can compute.

/// Length of the period: a prime, so that no buffer size divides it and a lost, doubled
/// or swapped piece cannot go unnoticed.
const PERIOD: usize = 65_521;

fn period() -> &'static [u8] {
    static OCTETS: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    OCTETS.get_or_init(|| {
        let mut state = 0x2545_F491u32;
        (0..PERIOD * 2)
            .map(|index| {
                if index == PERIOD {
                    state = 0x2545_F491;
                }
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect()
    })
}

/// At most one period of the sequence, from octet `offset` on.
pub fn slice(offset: u64, length: usize) -> &'static [u8] {
    let start = (offset % PERIOD as u64) as usize;
    &period()[start..start + length.min(PERIOD)]
}

/// The first `length` octets of the sequence.
pub fn octets(length: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(length);
    while all.len() < length {
        all.extend_from_slice(slice(all.len() as u64, length - all.len()));
    }
    all
}

/// Fails unless `received` is the sequence from `offset` on.
pub fn assert_follows(offset: u64, received: &[u8]) {
    let mut at = 0;
    while at < received.len() {
        let expected = slice(offset + at as u64, received.len() - at);
        let piece = &received[at..at + expected.len()];
        assert!(
            piece == expected,
            "body differs from what was sent within {} octets after octet {}",
            expected.len(),
            offset + at as u64
        );
        at += expected.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_follows_itself_at_any_offset() {
        let all = octets(200_000);
        assert_eq!(all.len(), 200_000);
        assert_follows(0, &all);
        assert_follows(70_000, &all[70_000..]);
    }

    #[test]
    #[should_panic(expected = "body differs")]
    fn a_lost_octet_is_noticed() {
        let all = octets(1000);
        assert_follows(1, &all[2..]);
    }
}
