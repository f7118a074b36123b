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

/// 1*DIGIT, and nothing else: `str::parse` would take a sign. None above `u64::MAX` too.
pub fn read_decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, octet| {
        let digit = char::from(*octet).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tchar_is_every_visible_character_but_the_delimiters() {
        for octet in 0..=u8::MAX {
            let delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&octet);
            assert_eq!(
                is_tchar(octet),
                octet.is_ascii_graphic() && !delimiter,
                "{octet}"
            );
        }
    }

    #[test]
    fn controls_are_those_of_ascii_but_htab() {
        for octet in 0..=u8::MAX {
            assert_eq!(
                is_control(octet),
                octet.is_ascii_control() && octet != b'\t',
                "{octet}"
            );
        }
    }

    #[test]
    fn controls_are_named_by_the_first_of_them() {
        for (content, expected) in [
            (&b""[..], Ok(())),
            (b"a\tb \x80", Ok(())),
            (b"a\rb\0", Err(Malformed::BareCr)),
            (b"a\0b\r", Err(Malformed::ControlCharacter)),
            (b"a\nb\r", Err(Malformed::BareLf)),
        ] {
            assert_eq!(refuse_controls(content), expected);
        }
    }

    #[test]
    fn only_sp_and_htab_are_trimmed() {
        for (octets, trimmed) in [
            (&b""[..], &b""[..]),
            (b" \t ", b""),
            (b"\t a \t b ", b"a \t b"),
            (b"\x0ba\x0c", b"\x0ba\x0c"),
        ] {
            assert_eq!(trim_ows(octets), trimmed);
        }
    }

    #[test]
    fn a_span_of_something_else_is_no_panic() {
        let (block, other) = (*b"some block", *b"another");
        let _ = Span::locate(&block, &other).of(&block);
        assert_eq!(Span { start: 9, end: 11 }.of(&block), b"");
        assert_eq!(Span::locate(&block, &block[5..]).of(&block), b"block");
    }
}
