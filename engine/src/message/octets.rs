//! Classes of octets, in the words of RFC 5234 and RFC 9110 §5.6, and spans of them.

use super::fault::Malformed;

/// tchar, RFC 9110 §5.6.2.
pub(super) fn is_tchar(octet: u8) -> bool {
    matches!(octet,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
        | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

/// token = 1*tchar
pub(super) fn is_token(octets: &[u8]) -> bool {
    !octets.is_empty() && octets.iter().all(|octet| is_tchar(*octet))
}

/// CTL of RFC 5234 without HTAB, which is white space wherever white space may stand.
pub(super) fn is_control(octet: u8) -> bool {
    (octet < b' ' && octet != b'\t') || octet == 0x7F
}

/// The first control character of a line's content, named.
pub(super) fn refuse_controls(content: &[u8]) -> Result<(), Malformed> {
    // No early exit: a loop without one becomes vector instructions, and nearly every
    // content is clean.
    let found = content
        .iter()
        .fold(false, |found, octet| found | is_control(*octet));
    if !found {
        return Ok(());
    }
    match content.iter().find(|octet| is_control(**octet)) {
        Some(b'\r') => Err(Malformed::BareCr),
        Some(b'\n') => Err(Malformed::BareLf),
        Some(_) | None => Err(Malformed::ControlCharacter),
    }
}

/// OWS = *( SP / HTAB ), RFC 9110 §5.6.3.
pub(super) fn is_ows(octet: u8) -> bool {
    octet == b' ' || octet == b'\t'
}

pub(super) fn trim_ows(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

/// Where some octets stand in a block. 32 bits, for a head's ceiling is 1 MiB.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// Where `part` stands in `block`. A part of another block yields a span that
    /// [`Span::of`] reads as empty or wrong, never one that panics.
    pub(super) fn locate(block: &[u8], part: &[u8]) -> Span {
        let start = part.as_ptr().addr().wrapping_sub(block.as_ptr().addr()) as u32;
        Span {
            start,
            end: start.wrapping_add(part.len() as u32),
        }
    }

    /// The octets themselves.
    pub(super) fn of(self, block: &[u8]) -> &[u8] {
        block
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// A head without the empty line that may stand before it.
pub(super) fn after_empty_line(block: &[u8]) -> &[u8] {
    block.strip_prefix(b"\r\n").unwrap_or(block)
}

/// The start line of a head, without its CRLF.
pub(super) fn start_line(block: &[u8]) -> &[u8] {
    let block = after_empty_line(block);
    let end = memchr::memchr(b'\r', block).unwrap_or(block.len());
    block.get(..end).unwrap_or_default()
}
