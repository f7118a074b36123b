//! What is written: numbers, and the frame around a chunk.

/// How a body is written.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum BodyEncoding {
    /// As it is: its length was announced, or the connection's end is its end.
    Identity,
    /// In chunks (RFC 9112 §7.1).
    Chunked,
}

/// After a chunk's data.
pub const CHUNK_END: &[u8] = b"\r\n";
/// The last chunk, an empty trailer section and the end of the body.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// [`CHUNK_END`] and [`LAST_CHUNK`], for one write of both.
pub const CHUNK_END_AND_LAST: &[u8] = b"\r\n0\r\n\r\n";

/// Digits of the largest number, 2^64 − 1.
const DECIMAL_DIGITS: usize = 20;
const HEXADECIMAL_DIGITS: usize = 16;

/// Appends `chunk-size CRLF`. A length of 0 would end the body: write [`LAST_CHUNK`] then.
pub fn chunk_size_line(length: u64, out: &mut Vec<u8>) {
    let mut digits = [0; HEXADECIMAL_DIGITS];
    let mut rest = length;
    let mut first = 0;
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = match (rest & 0xF) as u8 {
            nibble @ 0..=9 => b'0' | nibble,
            nibble => nibble.wrapping_add(b'a' - 10),
        };
        first = at;
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
    out.extend_from_slice(CHUNK_END);
}

/// Appends a number in decimal digits.
pub fn decimal(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; DECIMAL_DIGITS];
    let mut rest = number;
    let mut first = 0;
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' | (rest % 10) as u8;
        first = at;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_formatter_writes_them() {
        let powers = (0..64).map(|shift| 1_u64 << shift);
        let tens = (0..20).map(|exponent| 10_u64.pow(exponent));
        let edges = powers.chain(tens).flat_map(|n| [n - 1, n, n + 1]);
        for number in edges.chain([u64::MAX]) {
            let mut out = b"> ".to_vec();
            decimal(number, &mut out);
            assert_eq!(out, format!("> {number}").as_bytes());
            out.clear();
            chunk_size_line(number, &mut out);
            assert_eq!(out, format!("{number:x}\r\n").as_bytes());
        }
    }

    #[test]
    fn the_joined_frame_is_both_parts() {
        assert_eq!(CHUNK_END_AND_LAST, [CHUNK_END, LAST_CHUNK].concat());
    }
}
