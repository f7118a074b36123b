//! Percent-encoding of a path's segment (RFC 3986 §2.1).

use std::fmt::Write as _;

/// The segment with everything encoded but what is unreserved.
pub(super) fn encoded(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for octet in segment.bytes() {
        match octet {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(octet)),
            octet if octet.is_ascii_alphanumeric() => out.push(char::from(octet)),
            // Writing into a String has no failure.
            octet => drop(write!(out, "%{octet:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unreserved_stays() {
        assert_eq!(encoded("me-1_2.x~"), "me-1_2.x~");
        assert_eq!(encoded("a+b@c/d?e#f%g h"), "a%2Bb%40c%2Fd%3Fe%23f%25g%20h");
        assert_eq!(encoded("é"), "%C3%A9");
    }
}
