//! The ways in which input arrives: whatever the split, the answer must be the same.

use engine::message::{Fault, HeadLimits, HeadScan};

/// Octets of a piece: each octet alone, CRLF apart and together, and the whole input.
pub(crate) const PIECE_OCTETS: [usize; 5] = [1, 2, 3, 7, usize::MAX];

/// Small, so that inputs of libFuzzer's usual size reach every limit.
pub(crate) const HEAD_LIMITS: HeadLimits = HeadLimits {
    first_line_octets: 512,
    head_octets: 2048,
    field_lines: 32,
    leading_empty_line: true,
};

/// What a scan answers, which is the same for every split.
pub(crate) fn scan(input: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Fault> {
    let whole = HeadScan::default().scan(input, limits);
    for octets in PIECE_OCTETS {
        let split = scan_in_pieces(input, octets, limits);
        assert_eq!(split, whole, "pieces of {octets} octets against the whole");
    }
    whole
}

fn scan_in_pieces(
    input: &[u8],
    octets: usize,
    limits: &HeadLimits,
) -> Result<Option<usize>, Fault> {
    let mut scan = HeadScan::default();
    let mut arrived = 0;
    while arrived < input.len() {
        arrived = arrived.saturating_add(octets).min(input.len());
        if let Some(end) = scan.scan(&input[..arrived], limits)? {
            return Ok(Some(end));
        }
    }
    Ok(None)
}
