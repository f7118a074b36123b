//! Inputs that are texts of several lines, so that seeds can be read and written by hand.

use crate::delivery::HEAD_LIMITS;
use engine::message::{HeadLimits, HeadScan, HeadStorage, RequestHead, ResponseHead};

/// The lines of `input`, without LF or CRLF, empty ones left out.
pub(crate) fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input
        .split(|octet| *octet == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}

/// A head of `start_lines` and the lines of `input`, each with the end that a line of
/// HTTP has.
pub(crate) fn head(start_lines: &str, input: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for line in lines(start_lines.as_bytes()).chain(lines(input)) {
        head.extend_from_slice(line);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// What the engine reads in a head that is all of `octets`.
pub(crate) fn request(octets: &[u8]) -> Option<RequestHead> {
    RequestHead::parse(whole(octets, &HEAD_LIMITS)?).ok()
}

/// The same for a response.
pub(crate) fn response(octets: &[u8]) -> Option<ResponseHead> {
    let limits = HeadLimits {
        leading_empty_line: false,
        ..HEAD_LIMITS
    };
    ResponseHead::parse(whole(octets, &limits)?).ok()
}

fn whole(octets: &[u8], limits: &HeadLimits) -> Option<HeadStorage> {
    // Arriving in pieces is the matter of other targets, and costs as much as all else here.
    let end = HeadScan::default().scan(octets, limits).ok()??;
    (end == octets.len()).then(|| HeadStorage {
        block: octets.to_vec(),
        ..HeadStorage::default()
    })
}
