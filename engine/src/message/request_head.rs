//! A request's head: the request line and the field section.

use std::mem::MaybeUninit;

use super::authority::Authority;
use super::fault::{Fault, LimitReached, Malformed, Unsupported};
use super::field::{self, FieldSection, HeadStorage};
use super::field_name::FieldName;
use super::octets::{self, Span};
use super::start_line::{Method, Version};
use crate::limits::{FIELD_LINES_CEILING, HEAD_OCTETS_CEILING};

/// A request's head that follows the grammar. What frames its body and whether its target
/// has a form that fits its method is decided by others.
#[derive(Debug)]
pub struct RequestHead {
    fields: FieldSection,
    method: Method,
    method_octets: Span,
    target: Span,
    version: Version,
    host: Option<Span>,
}

impl RequestHead {
    /// `storage.block` is exactly what [`HeadScan`](super::HeadScan) delimited: that lines
    /// end in CRLF and hold no control character is taken from there, not looked at again.
    pub fn parse(storage: HeadStorage) -> Result<RequestHead, Fault> {
        let HeadStorage { block, mut lines } = storage;
        if block.len() > HEAD_OCTETS_CEILING {
            return Err(LimitReached::HeadOctets.into());
        }
        // Not initialised: 32 KiB would be written for every request, and few are used.
        let mut slots = [const { MaybeUninit::uninit() }; FIELD_LINES_CEILING];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(&block, &mut slots);
        match parsed {
            // Two readers of one head must agree on where it ends.
            Ok(httparse::Status::Complete(end)) if end == block.len() => {}
            Ok(httparse::Status::Complete(_) | httparse::Status::Partial) => {
                return Err(Malformed::HeadEnd.into());
            }
            Err(error) => return Err(name_fault(error, &block)),
        }
        let (Some(method), Some(target), Some(minor)) =
            (request.method, request.path, request.version)
        else {
            return Err(Malformed::RequestLine.into());
        };
        if !is_target(target.as_bytes()) {
            return Err(Malformed::RequestTarget.into());
        }
        let version = Version::of_minor(minor).ok_or(Unsupported::Version)?;
        let method_octets = Span::locate(&block, method.as_bytes());
        let target = Span::locate(&block, target.as_bytes());
        let method = Method::of(method.as_bytes());
        let fields = request.headers.iter();
        field::span_lines(
            &block,
            fields.map(|field| (field.name.as_bytes(), field.value)),
            &mut lines,
        );
        let fields = FieldSection::new(HeadStorage { block, lines });
        let host = only_host(&fields, version)?.map(|host| Span::locate(fields.block(), host));
        Ok(RequestHead {
            fields,
            method,
            method_octets,
            target,
            version,
            host,
        })
    }

    /// The memory, emptied, for the next head.
    pub fn into_storage(self) -> HeadStorage {
        let mut storage = self.fields.into_storage();
        storage.clear();
        storage
    }

    /// The method, as far as decisions depend on it.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The method as it came: a token.
    pub fn method_octets(&self) -> &[u8] {
        self.method_octets.of(self.fields.block())
    }

    /// The request-target as it came: visible ASCII without `\` and `#`, not empty.
    pub fn target_octets(&self) -> &[u8] {
        self.target.of(self.fields.block())
    }

    /// The version as it came.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The only `Host`, well-formed. None in HTTP/1.0 alone.
    pub fn host(&self) -> Option<&[u8]> {
        self.host.map(|host| host.of(self.fields.block()))
    }

    /// The field lines.
    pub fn fields(&self) -> &FieldSection {
        &self.fields
    }
}

/// RFC 9112 §3.2: exactly one valid `Host` in HTTP/1.1; HTTP/1.0 knew none, but two are
/// two readings there as well.
fn only_host(fields: &FieldSection, version: Version) -> Result<Option<&[u8]>, Malformed> {
    let mut hosts = fields.all(FieldName::Host);
    match (hosts.next(), hosts.next(), version) {
        (Some(_), Some(_), Version::Http10 | Version::Http11) => Err(Malformed::HostRepeated),
        (Some(host), None, Version::Http10 | Version::Http11) => {
            Authority::of(host).ok_or(Malformed::Host)?;
            Ok(Some(host))
        }
        (None, _, Version::Http11) => Err(Malformed::HostMissing),
        (None, _, Version::Http10) => Ok(None),
    }
}

/// RFC 3986 has no octet outside visible ASCII, and neither `\` nor, in a target, `#`;
/// those two are where readers of a path disagree. The rest of what it leaves out (`"`,
/// `{`, `|` …) is sent by clients in use and has one reading.
fn is_target(octets: &[u8]) -> bool {
    octets.iter().fold(true, |good, octet| {
        good & octet.is_ascii_graphic() & (*octet != b'\\') & (*octet != b'#')
    })
}

/// httparse says which element it stopped at; which fault that is, the element says.
#[cold]
fn name_fault(error: httparse::Error, block: &[u8]) -> Fault {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => {
            field::name_fault(block).into()
        }
        httparse::Error::TooManyHeaders => LimitReached::FieldLines.into(),
        httparse::Error::NewLine
        | httparse::Error::Status
        | httparse::Error::Token
        | httparse::Error::Version => name_request_line_fault(block),
    }
}

fn name_request_line_fault(block: &[u8]) -> Fault {
    let mut parts = octets::start_line(block).split(|octet| *octet == b' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(target), Some(version), None)
            if octets::is_token(method) && !target.is_empty() =>
        {
            if Version::is_foreign(version) {
                Unsupported::Version.into()
            } else if is_target(target) {
                Malformed::RequestLine.into()
            } else {
                Malformed::RequestTarget.into()
            }
        }
        (_, _, _, _) => Malformed::RequestLine.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, request, request_octets};
    use super::*;

    const fn bad(malformed: Malformed) -> Result<(), Fault> {
        Err(Fault::Malformed(malformed))
    }

    const FOREIGN: Result<(), Fault> = Err(Fault::Unsupported(Unsupported::Version));

    #[rustfmt::skip]
    const REQUEST_LINES: &[(&str, &str, Result<(), Fault>)] = &[
        ("1.1 is spoken", "GET / HTTP/1.1", Ok(())),
        ("1.0 is spoken", "GET / HTTP/1.0", Ok(())),
        ("any token is a method", "M-SEARCH!#$%&'*+.^_`|~09az / HTTP/1.1", Ok(())),
        ("any visible character but two may stand in a target", "GET /!\"$%&'()*+,-.:;<=>?@[]^_`{|}~ HTTP/1.1", Ok(())),
        ("1.2 is not spoken", "GET / HTTP/1.2", FOREIGN),
        ("0.9 is not spoken", "GET / HTTP/0.9", FOREIGN),
        ("2.0 is not spoken", "GET / HTTP/2.0", FOREIGN),
        ("the preface of HTTP/2", "PRI * HTTP/2.0", FOREIGN),
        ("a version in lower case", "GET / http/1.1", bad(Malformed::RequestLine)),
        ("a version of two digits", "GET / HTTP/1.10", bad(Malformed::RequestLine)),
        ("a version of one number", "GET / HTTP/1", bad(Malformed::RequestLine)),
        ("no point in the version", "GET / HTTP/11", bad(Malformed::RequestLine)),
        ("a letter in the version", "GET / HTTP/1.x", bad(Malformed::RequestLine)),
        ("another protocol", "GET / ICAP/1.0", bad(Malformed::RequestLine)),
        ("no version: HTTP/0.9", "GET /", bad(Malformed::RequestLine)),
        ("a method alone", "GET", bad(Malformed::RequestLine)),
        ("no target", "GET HTTP/1.1", bad(Malformed::RequestLine)),
        ("an empty target", "GET  HTTP/1.1", bad(Malformed::RequestLine)),
        ("two spaces after the method", "GET  / HTTP/1.1", bad(Malformed::RequestLine)),
        ("two spaces after the target", "GET /  HTTP/1.1", bad(Malformed::RequestLine)),
        ("a space in the target", "GET /a b HTTP/1.1", bad(Malformed::RequestLine)),
        ("a space at the end", "GET / HTTP/1.1 ", bad(Malformed::RequestLine)),
        ("a tab between the parts", "GET\t/\tHTTP/1.1", bad(Malformed::RequestLine)),
        ("a tab at the end", "GET / HTTP/1.1\t", bad(Malformed::RequestLine)),
        ("a method that is no token", "G@T / HTTP/1.1", bad(Malformed::RequestLine)),
        ("a method that is no token, with a foreign version", "G@T / HTTP/2.0", bad(Malformed::RequestLine)),
        ("a tab in the target", "GET /a\tb HTTP/1.1", bad(Malformed::RequestTarget)),
        ("a backslash in the target", "GET /a\\b HTTP/1.1", bad(Malformed::RequestTarget)),
        ("a fragment in the target", "GET /a#b HTTP/1.1", bad(Malformed::RequestTarget)),
        ("UTF-8 in the target", "GET /\u{e9} HTTP/1.1", bad(Malformed::RequestTarget)),
    ];

    #[rustfmt::skip]
    const FIELD_LINES: &[(&str, &str, Result<(), Fault>)] = &[
        ("no more lines", "", Ok(())),
        ("any token is a name", "!#$%&'*+-.^_`|~09AZaz: b\r\n", Ok(())),
        ("a value may be empty", "a:\r\nb: \t\r\n", Ok(())),
        ("a value may hold anything visible", "a: \"(),/:;<=>?@[\\]{}\u{e9}\t~\r\n", Ok(())),
        ("no colon", "a b\r\n", bad(Malformed::ColonMissing)),
        ("no colon in the last of several", "a: b\r\nc\r\n", bad(Malformed::ColonMissing)),
        ("an empty name", ": b\r\n", bad(Malformed::FieldName)),
        ("a space before the colon", "a : b\r\n", bad(Malformed::SpaceBeforeColon)),
        ("a tab before the colon", "a\t: b\r\n", bad(Malformed::SpaceBeforeColon)),
        ("the classic", "Transfer-Encoding : chunked\r\n", bad(Malformed::SpaceBeforeColon)),
        ("a space in the name", "a b: c\r\n", bad(Malformed::FieldName)),
        ("a delimiter in the name", "a(b): c\r\n", bad(Malformed::FieldName)),
        ("a quoted name", "\"a\": c\r\n", bad(Malformed::FieldName)),
        ("UTF-8 in the name", "caf\u{e9}: b\r\n", bad(Malformed::FieldName)),
        ("a fold", "a: b\r\n c: d\r\n", bad(Malformed::ObsFold)),
        ("VT before a value", "Transfer-Encoding:\x0bchunked\r\n", bad(Malformed::ControlCharacter)),
        ("NUL in a value", "a: b\0\r\n", bad(Malformed::ControlCharacter)),
    ];

    type HostRow = (
        &'static str,
        &'static str,
        &'static str,
        Result<Option<&'static str>, Malformed>,
    );

    #[rustfmt::skip]
    const HOSTS: &[HostRow] = &[
        ("one", "HTTP/1.1", "Host: example.org\r\n", Ok(Some("example.org"))),
        ("one with a port", "HTTP/1.1", "hOST:\t[::1]:80 \r\n", Ok(Some("[::1]:80"))),
        ("none in 1.1", "HTTP/1.1", "", Err(Malformed::HostMissing)),
        ("none in 1.0", "HTTP/1.0", "", Ok(None)),
        ("one in 1.0", "HTTP/1.0", "Host: a\r\n", Ok(Some("a"))),
        ("two that differ", "HTTP/1.1", "Host: a\r\nHost: b\r\n", Err(Malformed::HostRepeated)),
        ("two alike", "HTTP/1.1", "Host: a\r\nX: y\r\nhost: a\r\n", Err(Malformed::HostRepeated)),
        ("two in 1.0", "HTTP/1.0", "Host: a\r\nHost: a\r\n", Err(Malformed::HostRepeated)),
        ("an empty one", "HTTP/1.1", "Host:\r\n", Err(Malformed::Host)),
        ("an empty one in 1.0", "HTTP/1.0", "Host: \r\n", Err(Malformed::Host)),
        ("userinfo", "HTTP/1.1", "Host: u:p@a\r\n", Err(Malformed::Host)),
        ("a space", "HTTP/1.1", "Host: a b\r\n", Err(Malformed::Host)),
        ("a comma", "HTTP/1.1", "Host: a,b\r\n", Err(Malformed::Host)),
        ("a path", "HTTP/1.1", "Host: a/b\r\n", Err(Malformed::Host)),
        ("a port that is no number", "HTTP/1.1", "Host: a:b\r\n", Err(Malformed::Host)),
        ("UTF-8", "HTTP/1.1", "Host: \u{e9}\r\n", Err(Malformed::Host)),
    ];

    #[test]
    fn request_lines_follow_the_grammar() {
        for (sentence, line, expected) in REQUEST_LINES {
            check(
                &[(sentence, &request_octets(line, ""), *expected)],
                |pieces| request(pieces).map(drop),
            );
        }
    }

    #[test]
    fn octets_that_are_no_utf_8_are_no_target() {
        let octets = b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n";
        let fault = request(&[octets]).err();
        assert_eq!(fault, Some(Malformed::RequestTarget.into()));
    }

    #[test]
    fn field_lines_follow_the_grammar() {
        for (sentence, lines, expected) in FIELD_LINES {
            for before in ["", "\r\n"] {
                let octets = request_octets(&format!("{before}GET / HTTP/1.1"), lines);
                check(&[(sentence, &octets, *expected)], |pieces| {
                    request(pieces).map(drop)
                });
            }
        }
    }

    #[test]
    fn there_is_one_well_formed_host() {
        for (sentence, version, lines, expected) in HOSTS {
            let octets = format!("GET / {version}\r\n{lines}\r\n");
            let expected = expected.map(|host| host.map(|host| host.as_bytes().to_vec()));
            let expected = expected.map_err(Fault::from);
            check(&[(sentence, octets.as_bytes(), expected)], |pieces| {
                Ok(request(pieces)?.host().map(<[u8]>::to_vec))
            });
        }
    }

    #[test]
    fn a_head_gives_back_what_came() {
        let octets = b"\r\nPATCH /a?b HTTP/1.0\r\nX: y\r\n\r\n";
        let head = request(&[octets]).unwrap();
        assert_eq!(head.method(), Method::Patch);
        assert_eq!(head.method_octets(), b"PATCH");
        assert_eq!(head.target_octets(), b"/a?b");
        assert_eq!(head.version(), Version::Http10);
        assert_eq!(head.fields().lines().len(), 1);
    }

    fn parse(block: &[u8]) -> Result<(), Fault> {
        let block = block.to_vec();
        let lines = Vec::new();
        RequestHead::parse(HeadStorage { block, lines }).map(drop)
    }

    #[test]
    fn octets_that_no_scan_delimited_are_no_head() {
        for (block, expected) in [
            (&b""[..], bad(Malformed::HeadEnd)),
            (b"GET / HTTP/1.1\r\nHost: a\r\n", bad(Malformed::HeadEnd)),
            (
                b"GET / HTTP/1.1\r\nHost: a\r\n\r\nmore",
                bad(Malformed::HeadEnd),
            ),
            (
                b"GET / HTTP/1.1\r\nHost: a\r\nb: \0\r\n\r\n",
                bad(Malformed::ControlCharacter),
            ),
            (
                b"GET / HTTP/1.1\rHost: a\r\n\r\n",
                bad(Malformed::RequestLine),
            ),
        ] {
            assert_eq!(parse(block), expected, "{}", block.escape_ascii());
        }
    }

    #[test]
    fn no_flag_allows_more_than_the_ceilings() {
        let with = |lines: usize| parse(&request_octets("GET / HTTP/1.1", &"a:\r\n".repeat(lines)));
        assert_eq!(with(FIELD_LINES_CEILING - 1), Ok(()));
        assert_eq!(
            with(FIELD_LINES_CEILING),
            Err(LimitReached::FieldLines.into())
        );

        let frame = request_octets("GET / HTTP/1.1", "a:\r\n").len();
        let of = |octets: usize| {
            let value = "v".repeat(octets - frame);
            parse(&request_octets("GET / HTTP/1.1", &format!("a:{value}\r\n")))
        };
        assert_eq!(of(HEAD_OCTETS_CEILING), Ok(()));
        assert_eq!(
            of(HEAD_OCTETS_CEILING + 1),
            Err(LimitReached::HeadOctets.into())
        );
    }

    #[test]
    fn a_warm_parse_allocates_nothing() {
        let octets = request_octets("GET / HTTP/1.1", "a: b\r\nc: d\r\n");
        let block = octets.clone();
        let lines = Vec::new();
        let head = RequestHead::parse(HeadStorage { block, lines }).unwrap();
        let mut storage = head.into_storage();
        assert!(storage.block.is_empty() && storage.lines.is_empty());
        let memory = |s: &HeadStorage| (s.block.as_ptr(), s.lines.as_ptr(), s.lines.capacity());
        let warm = memory(&storage);
        storage.block.extend_from_slice(&octets);
        let storage = RequestHead::parse(storage).unwrap().into_storage();
        assert_eq!(memory(&storage), warm);
    }
}
