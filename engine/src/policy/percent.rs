//! Percent-decoding until stable, in one pass.

/// Appends to `out` what is left of `octets` when percent-decoding changes nothing any more.
///
/// Decoding again and again would be quadratic: 16 KiB of `%252525…` shrink by two
/// octets a round. But the escapes of a text never overlap (a `%` is no hex digit), so
/// they may be undone in any order with the same end. Here `out` is a stack that never
/// holds a whole escape: an octet that completes one replaces it by what it stands for,
/// which may complete the next. Each such step drops two octets or more, hence linear.
///
/// `%uXXXX` is an escape too, of a UTF-16 unit: no standard has it, but IIS does in paths
/// unless it is told not to, and ASP.NET in queries.
///
/// `decoded` maps an octet that came out of an escape to what is kept of it; it must
/// leave hex digits, `%` and `u` alone.
pub(super) fn decode_until_stable(octets: &[u8], decoded: impl Fn(u8) -> u8, out: &mut Vec<u8>) {
    let bottom = out.len();
    out.reserve(octets.len());
    for octet in octets {
        out.push(*octet);
        loop {
            let text = &out[bottom..];
            if let Some(octet) = last_octet(text) {
                out.truncate(out.len() - b"%XX".len());
                out.push(decoded(octet));
            } else if let Some(unit) = last_unit(text) {
                out.truncate(out.len() - b"%uXXXX".len());
                // Half of a pair is no character; where both halves stand, no name has one.
                let unit = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend(unit.encode_utf8(&mut [0; 4]).bytes().map(&decoded));
            } else {
                break;
            }
        }
    }
}

/// What the `%XX` stands for with which a text ends.
fn last_octet(text: &[u8]) -> Option<u8> {
    match text {
        [.., b'%', high, low] => Some(hex_digit(*high)? << 4 | hex_digit(*low)?),
        _ => None,
    }
}

/// What the `%uXXXX` stands for with which a text ends.
fn last_unit(text: &[u8]) -> Option<u32> {
    match text {
        [.., b'%', b'u' | b'U', a, b, c, d] => {
            [a, b, c, d].into_iter().try_fold(0, |unit, digit| {
                Some(unit << 4 | u32::from(hex_digit(*digit)?))
            })
        }
        _ => None,
    }
}

fn hex_digit(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        decode_until_stable(text, |octet| octet, &mut out);
        out
    }

    /// The definition: round after round, until one changes nothing.
    fn decode_by_rounds(text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        loop {
            let mut next = Vec::new();
            let mut rest = &text[..];
            while let [first, after @ ..] = rest {
                rest = match rest {
                    [b'%', high, low, after @ ..] => match (hex_digit(*high), hex_digit(*low)) {
                        (Some(high), Some(low)) => {
                            next.push(high << 4 | low);
                            rest = after;
                            continue;
                        }
                        _ => after_first(&mut next, *first, &rest[1..]),
                    },
                    _ => after_first(&mut next, *first, after),
                };
            }
            if next == text {
                return text;
            }
            text = next;
        }
    }

    fn after_first<'a>(next: &mut Vec<u8>, first: u8, after: &'a [u8]) -> &'a [u8] {
        next.push(first);
        after
    }

    #[test]
    fn escapes_are_undone_to_the_bottom() {
        for (text, end) in [
            (&b""[..], &b""[..]),
            (b"abc", b"abc"),
            (b"%2e", b"."),
            (b"%2E%2e", b".."),
            (b"%252e", b"."),
            (b"%25252e", b"."),
            (b"%25%32%65", b"."),
            (b"%%32%65", b"."),
            (b"%2%65", b"."),
            (b"%00", b"\0"),
            (b"%ff", b"\xff"),
            (b"%", b"%"),
            (b"%2", b"%2"),
            (b"%zz", b"%zz"),
            (b"%2g%2d", b"%2g-"),
            (b"100%25", b"100%"),
            (b"%u002e", b"."),
            (b"%U002E%u002F", b"./"),
            (b"%%75002e", b"."),
            (b"%u00%32e", b"."),
            (b"%u0025u002e", b"."),
            (b"%u00252e", b"."),
            (b"%uX%41", b"%uXA"),
            (b"%u002", b"%u002"),
            (b"%u00g0", b"%u00g0"),
            (b"%u00e9%uD83D", "\u{e9}\u{fffd}".as_bytes()),
        ] {
            assert_eq!(decode(text), end, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn one_pass_ends_where_the_rounds_end() {
        // Every text of up to seven octets over an alphabet in which escapes nest.
        let alphabet = b"%25e";
        for length in 0..=7_u32 {
            for number in 0..4_usize.pow(length) {
                let digit = |place: u32| alphabet[number / 4_usize.pow(place) % 4];
                let text: Vec<u8> = (0..length).map(digit).collect();
                assert_eq!(
                    decode(&text),
                    decode_by_rounds(&text),
                    "{}",
                    text.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn deep_nesting_costs_a_pass() {
        let mut text = b"%".to_vec();
        text.extend(b"25".repeat(512 * 1024));
        text.extend(b"2e");
        // Round by round this would move 10^12 octets.
        assert_eq!(decode(&text), b".");
    }

    #[test]
    fn what_was_there_before_is_no_part_of_an_escape() {
        let mut out = b"%2".to_vec();
        decode_until_stable(b"e%41", |octet| octet, &mut out);
        assert_eq!(out, b"%2eA");
    }
}
