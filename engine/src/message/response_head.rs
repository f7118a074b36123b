//! A response's head: the status line and the field section.

use std::mem::MaybeUninit;

use super::fault::{Fault, LimitReached, Malformed, Unsupported};
use super::field::{self, FieldSection, HeadStorage};
use super::octets::{self, Span};
use super::start_line::{Status, Version};
use crate::limits::{FIELD_LINES_CEILING, HEAD_OCTETS_CEILING};

/// `HTTP/1.1 SP 3DIGIT`: what stands before the reason phrase and its SP.
const BEFORE_REASON: usize = "HTTP/1.1 200".len();

/// A response's head that follows the grammar. What frames its body is decided elsewhere.
#[derive(Debug)]
pub struct ResponseHead {
    fields: FieldSection,
    version: Version,
    status: Status,
    reason: Span,
}

impl ResponseHead {
    /// `storage.block` is exactly what [`HeadScan`](super::HeadScan) delimited: that lines
    /// end in CRLF and hold no control character is taken from there, not looked at again.
    pub fn parse(storage: HeadStorage) -> Result<ResponseHead, Fault> {
        let HeadStorage { block, mut lines } = storage;
        if block.len() > HEAD_OCTETS_CEILING {
            return Err(LimitReached::HeadOctets.into());
        }
        // Not initialised: 32 KiB would be written for every response, and few are used.
        let mut slots = [const { MaybeUninit::uninit() }; FIELD_LINES_CEILING];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            &block,
            &mut slots,
        );
        match parsed {
            // Two readers of one head must agree on where it ends.
            Ok(httparse::Status::Complete(end)) if end == block.len() => {}
            Ok(httparse::Status::Complete(_) | httparse::Status::Partial) => {
                return Err(Malformed::HeadEnd.into());
            }
            Err(error) => return Err(name_fault(error, &block)),
        }
        let version = response.version.and_then(Version::of_minor);
        let version = version.ok_or(Unsupported::Version)?;
        let status = response.code.and_then(Status::of);
        let status = status.ok_or(Malformed::StatusLine)?;
        // Not httparse's reason: it withholds one that holds obs-text. A status line
        // without the SP before an empty reason is in use, and has one reading.
        let reason = octets::start_line(&block)
            .get(BEFORE_REASON..)
            .and_then(|reason| reason.strip_prefix(b" "))
            .unwrap_or_default();
        let reason = Span::locate(&block, reason);
        let fields = response.headers.iter();
        field::span_lines(
            &block,
            fields.map(|field| (field.name.as_bytes(), field.value)),
            &mut lines,
        );
        Ok(ResponseHead {
            fields: FieldSection::new(HeadStorage { block, lines }),
            version,
            status,
            reason,
        })
    }

    /// The memory, emptied, for the next head.
    pub fn into_storage(self) -> HeadStorage {
        let mut storage = self.fields.into_storage();
        storage.clear();
        storage
    }

    /// The version as it came.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The status code.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The reason phrase as it came; may be empty, may hold HTAB and obs-text.
    pub fn reason(&self) -> &[u8] {
        self.reason.of(self.fields.block())
    }

    /// The field lines.
    pub fn fields(&self) -> &FieldSection {
        &self.fields
    }
}

/// httparse says which element it stopped at; which fault that is, the element says.
#[cold]
fn name_fault(error: httparse::Error, block: &[u8]) -> Fault {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => {
            field::name_fault(block).into()
        }
        httparse::Error::TooManyHeaders => LimitReached::FieldLines.into(),
        httparse::Error::Version => {
            let mut parts = octets::start_line(block).split(|octet| *octet == b' ');
            match parts.next() {
                Some(version) if Version::is_foreign(version) => Unsupported::Version.into(),
                Some(_) | None => Malformed::StatusLine.into(),
            }
        }
        httparse::Error::NewLine | httparse::Error::Status | httparse::Error::Token => {
            Malformed::StatusLine.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, response, response_octets};
    use super::*;

    type Seen = Result<(Version, u16, Vec<u8>), Fault>;

    fn see(pieces: &[&[u8]]) -> Seen {
        let head = response(pieces)?;
        let reason = head.reason().to_vec();
        Ok((head.version(), head.status().as_u16(), reason))
    }

    #[test]
    fn status_lines_that_are_taken() {
        for (sentence, line, version, code, reason) in [
            (
                "a reason",
                &b"HTTP/1.1 200 OK"[..],
                Version::Http11,
                200,
                &b"OK"[..],
            ),
            (
                "an empty reason",
                b"HTTP/1.1 404 ",
                Version::Http11,
                404,
                b"",
            ),
            (
                "not even the SP before it",
                b"HTTP/1.0 599",
                Version::Http10,
                599,
                b"",
            ),
            (
                "words, HTAB and obs-text",
                b"HTTP/1.1 100  a\tb \xff ",
                Version::Http11,
                100,
                b" a\tb \xff ",
            ),
        ] {
            for lines in [&b"\r\n\r\n"[..], b"\r\na: b\r\n\r\n"] {
                let octets = [line, lines].concat();
                let expected = Ok((version, code, reason.to_vec()));
                check(&[(sentence, &octets, expected)], see);
            }
        }
    }

    const STATUS_LINE: Fault = Fault::Malformed(Malformed::StatusLine);

    #[rustfmt::skip]
    const FAULTS: &[(&str, &str, &str, Fault)] = &[
        ("another protocol", "ICY 200 OK", "", STATUS_LINE),
        ("lower case", "http/1.1 200 OK", "", STATUS_LINE),
        ("no status", "HTTP/1.1", "", STATUS_LINE),
        ("a version of two digits", "HTTP/1.10 200 OK", "", STATUS_LINE),
        ("two spaces before the status", "HTTP/1.1  200 OK", "", STATUS_LINE),
        ("a tab before the status", "HTTP/1.1\t200 OK", "", STATUS_LINE),
        ("two digits", "HTTP/1.1 20 OK", "", STATUS_LINE),
        ("four digits", "HTTP/1.1 2000 OK", "", STATUS_LINE),
        ("a sign", "HTTP/1.1 +20 OK", "", STATUS_LINE),
        ("no SP before the reason", "HTTP/1.1 200OK", "", STATUS_LINE),
        ("a class below 1", "HTTP/1.1 099 ", "", STATUS_LINE),
        ("a class above 5", "HTTP/1.1 600 ", "", STATUS_LINE),
        ("1.2", "HTTP/1.2 200 OK", "", Fault::Unsupported(Unsupported::Version)),
        ("2.0", "HTTP/2.0 200 OK", "", Fault::Unsupported(Unsupported::Version)),
        ("a control character in the reason", "HTTP/1.1 200 \x1b", "", Fault::Malformed(Malformed::ControlCharacter)),
        ("a space before a colon", "HTTP/1.1 200 OK", "a : b\r\n", Fault::Malformed(Malformed::SpaceBeforeColon)),
        ("an empty name", "HTTP/1.1 200 OK", ": b\r\n", Fault::Malformed(Malformed::FieldName)),
        ("no colon", "HTTP/1.1 200 OK", "a\r\n", Fault::Malformed(Malformed::ColonMissing)),
        ("a fold", "HTTP/1.1 200 OK", "a: b\r\n\tc\r\n", Fault::Malformed(Malformed::ObsFold)),
        ("a fold of the status line", "HTTP/1.1 200 OK", " c: d\r\n", Fault::Malformed(Malformed::ObsFold)),
    ];

    #[test]
    fn heads_that_break_the_grammar_are_named() {
        for (sentence, status_line, lines, fault) in FAULTS {
            let octets = response_octets(status_line, lines);
            check(&[(sentence, &octets, Err(*fault))], see);
        }
    }

    fn parse(octets: &[u8]) -> Result<ResponseHead, Fault> {
        let block = octets.to_vec();
        let lines = Vec::new();
        ResponseHead::parse(HeadStorage { block, lines })
    }

    #[test]
    fn octets_that_no_scan_delimited_are_no_head() {
        for block in [
            &b"HTTP/1.1 200 OK\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\r\nmore",
            b"",
        ] {
            let fault = parse(block).err();
            assert_eq!(
                fault,
                Some(Malformed::HeadEnd.into()),
                "{}",
                block.escape_ascii()
            );
        }
    }

    #[test]
    fn no_flag_allows_more_than_the_ceilings() {
        let with = |lines: usize| parse(&response_octets("HTTP/1.1 200", &"a:\r\n".repeat(lines)));
        assert!(with(FIELD_LINES_CEILING).is_ok());
        assert_eq!(
            with(FIELD_LINES_CEILING + 1).err(),
            Some(LimitReached::FieldLines.into())
        );

        let octets = vec![b'x'; HEAD_OCTETS_CEILING + 1];
        assert_eq!(parse(&octets).err(), Some(LimitReached::HeadOctets.into()));
    }

    #[test]
    fn a_head_gives_its_memory_back() {
        let storage = parse(b"HTTP/1.1 200 OK\r\na: b\r\n\r\n")
            .unwrap()
            .into_storage();
        assert!(storage.block.is_empty() && storage.lines.is_empty());
        assert!(storage.block.capacity() > 0 && storage.lines.capacity() > 0);
    }
}
