//! A request's head: the request line and the field section.

use std::mem::MaybeUninit;

use super::authority::Authority;
use super::fault::{Fault, LimitReached, Malformed, Unsupported};
use super::field::{self, FieldSection, HeadStorage};
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
    let mut hosts = fields.all("host");
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
