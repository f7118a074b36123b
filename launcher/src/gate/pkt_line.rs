//! gitprotocol-common(5), "pkt-line Format": four hexadecimal digits that count themselves,
//! then the data.

use std::io::{self, Read, Write};

/// The length of the length.
pub(super) const HEADER_OCTETS: usize = 4;

/// The most data that a pkt-line holds: `LARGE_PACKET_DATA_MAX` of git.
pub(super) const DATA_OCTETS: usize = 65_516;

const FLUSH: &[u8; HEADER_OCTETS] = b"0000";

/// What the first four octets say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// `0000`: the end of a list.
    Flush,
    /// `0001`: the end of a part of a list.
    Delimiter,
    /// `0002`: the end of a response.
    ResponseEnd,
    /// So many octets of data follow.
    Data(usize),
}

impl Header {
    /// What these say; none where they are no header.
    pub(super) fn of(octets: [u8; HEADER_OCTETS]) -> Option<Header> {
        let mut length = 0;
        for octet in octets {
            let digit = char::from(octet).to_digit(16)?;
            length = length * 16 + usize::try_from(digit).ok()?;
        }
        match length {
            0 => Some(Header::Flush),
            1 => Some(Header::Delimiter),
            2 => Some(Header::ResponseEnd),
            length => length
                .checked_sub(HEADER_OCTETS)
                .filter(|data| *data <= DATA_OCTETS)
                .map(Header::Data),
        }
    }
}

/// The data of the next pkt-line without the line feed that may end it; none at a flush.
///
/// # Errors
///
/// The input's, its end within a pkt-line or before one, or what is no pkt-line.
pub(super) fn read(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER_OCTETS];
    input.read_exact(&mut header)?;
    match Header::of(header) {
        Some(Header::Flush) => Ok(None),
        Some(Header::Data(length)) => {
            let mut data = vec![0; length];
            input.read_exact(&mut data)?;
            data.pop_if(|last| *last == b'\n');
            Ok(Some(data))
        }
        Some(Header::Delimiter | Header::ResponseEnd) | None => {
            let text = header.escape_ascii();
            Err(io::Error::other(format!("{text} begins no pkt-line here")))
        }
    }
}

/// Writes one; a text is to fit in [`DATA_OCTETS`].
///
/// # Errors
///
/// The output's, or that the data is too long.
pub(super) fn write(output: &mut impl Write, data: &[u8]) -> io::Result<()> {
    if data.len() > DATA_OCTETS {
        return Err(io::Error::other("more than a pkt-line holds"));
    }
    write!(output, "{:04x}", data.len() + HEADER_OCTETS)?;
    output.write_all(data)
}

/// Writes the end of a list, and all that was held back.
///
/// # Errors
///
/// The output's.
pub(super) fn write_flush(output: &mut impl Write) -> io::Result<()> {
    output.write_all(FLUSH)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Option<Header> {
        Header::of(text.as_bytes().try_into().expect("four octets"))
    }

    #[test]
    fn a_header_counts_itself() {
        assert_eq!(header("0000"), Some(Header::Flush));
        assert_eq!(header("0001"), Some(Header::Delimiter));
        assert_eq!(header("0002"), Some(Header::ResponseEnd));
        assert_eq!(header("0003"), None);
        assert_eq!(header("0004"), Some(Header::Data(0)));
        assert_eq!(header("000a"), Some(Header::Data(6)));
        assert_eq!(header("000A"), Some(Header::Data(6)));
        assert_eq!(header("fff0"), Some(Header::Data(DATA_OCTETS)));
        assert_eq!(header("fff1"), None);
        assert_eq!(header("+00a"), None);
        assert_eq!(header("00 4"), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let longest = vec![b'x'; DATA_OCTETS];
        let mut octets = Vec::new();
        write(&mut octets, b"ok refs/heads/a").expect("room");
        write(&mut octets, &longest).expect("room");
        write(&mut octets, b"").expect("room");
        write_flush(&mut octets).expect("room");
        assert!(octets.starts_with(b"0013ok refs/heads/afff0xx"));

        let mut input = octets.as_slice();
        let expected = [
            Some(b"ok refs/heads/a".to_vec()),
            Some(longest),
            Some(Vec::new()),
            None,
        ];
        for one in expected {
            assert_eq!(read(&mut input).expect("a pkt-line"), one);
        }
        let end = read(&mut input).expect_err("nothing is left");
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
        write(&mut octets, &vec![0; DATA_OCTETS + 1]).expect_err("too long");
    }

    #[test]
    fn one_line_feed_at_the_end_is_no_data() {
        assert_eq!(
            read(&mut &b"0006a\n"[..]).expect("data"),
            Some(b"a".to_vec())
        );
        assert_eq!(
            read(&mut &b"0006\n\n"[..]).expect("data"),
            Some(b"\n".to_vec())
        );
    }

    #[test]
    fn what_is_cut_or_odd_is_an_error() {
        for octets in [&b""[..], b"00", b"0005", b"0003", b"0001", b"zzzz"] {
            assert!(read(&mut &*octets).is_err(), "{octets:?}");
        }
    }
}
