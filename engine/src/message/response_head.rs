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
