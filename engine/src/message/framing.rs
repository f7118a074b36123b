//! Where a body ends: RFC 9112 §6.3, in its order.
//!
//! Decided once, when all field lines are in, by one function for each direction. What
//! `Connection` names is not looked at: it cannot take away what frames the message.

use super::fault::{Fault, Malformed, Unsupported};
use super::field::{FieldSection, list_members};
use super::octets;
use super::request_head::RequestHead;
use super::response_head::ResponseHead;
use super::start_line::{Method, Status, Version};

/// How a request's body ends. That it ends with the connection cannot be written down.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum RequestFraming {
    /// There is none.
    NoBody,
    /// After so many octets; 0 was announced too.
    ContentLength(u64),
    /// With the last chunk.
    Chunked,
}

/// How a response's body ends.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ResponseFraming {
    /// There is none, whatever the fields say.
    NoBody,
    /// After so many octets; 0 was announced too.
    ContentLength(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    CloseDelimited,
    /// It is no body: another protocol begins after the head.
    Tunnel,
}

impl RequestFraming {
    /// How this request's body ends.
    pub fn of(head: &RequestHead) -> Result<RequestFraming, Fault> {
        // 1., 2., 5. to 8. of RFC 9112 §6.3 are about responses or recovery.
        match Announced::of(head.fields(), head.version(), Repeats::Refused)? {
            // 3. and 4.
            Announced::Chunked => Ok(RequestFraming::Chunked),
            // 6.
            Announced::Length(length) => Ok(RequestFraming::ContentLength(length)),
            // 7.
            Announced::Nothing => Ok(RequestFraming::NoBody),
        }
    }
}

impl ResponseFraming {
    /// How the body of this response to a request of that method ends. The fields are
    /// judged first, even where they frame nothing: an upstream that contradicts itself
    /// is not followed.
    pub fn of(request_method: Method, head: &ResponseHead) -> Result<ResponseFraming, Fault> {
        let announced = Announced::of(head.fields(), head.version(), Repeats::Collapsed)?;
        let status = head.status();
        if status == Status::SWITCHING_PROTOCOLS {
            return Ok(ResponseFraming::Tunnel);
        }
        // 1.
        if request_method == Method::Head
            || status.is_interim()
            || status == Status::NO_CONTENT
            || status == Status::NOT_MODIFIED
        {
            return Ok(ResponseFraming::NoBody);
        }
        // 2.
        if request_method == Method::Connect && status.class() == 2 {
            return Ok(ResponseFraming::Tunnel);
        }
        match announced {
            // 3. and 4.
            Announced::Chunked => Ok(ResponseFraming::Chunked),
            // 5. and 6.
            Announced::Length(length) => Ok(ResponseFraming::ContentLength(length)),
            // 8.
            Announced::Nothing => Ok(ResponseFraming::CloseDelimited),
        }
    }

    /// The length that a response states, even where it has no body (HEAD, 304) and the
    /// number is about the body it would have had (RFC 9110 §8.6).
    pub fn announced_length(head: &ResponseHead) -> Result<Option<u64>, Fault> {
        match Announced::of(head.fields(), head.version(), Repeats::Collapsed)? {
            Announced::Length(length) => Ok(Some(length)),
            Announced::Chunked | Announced::Nothing => Ok(None),
        }
    }
}

/// What the fields of a message say about its body.
#[derive(Copy, Clone)]
enum Announced {
    Nothing,
    Length(u64),
    Chunked,
}

/// What becomes of several `Content-Length` lines with the same value (RFC 9110 §8.6).
#[derive(Copy, Clone)]
enum Repeats {
    Refused,
    Collapsed,
}

impl Announced {
    fn of(fields: &FieldSection, version: Version, repeats: Repeats) -> Result<Announced, Fault> {
        let length = content_length(fields, repeats);
        if fields.all("transfer-encoding").next().is_none() {
            return Ok(length?.map_or(Announced::Nothing, Announced::Length));
        }
        if fields.all("content-length").next().is_some() {
            return Err(Malformed::ContentLengthWithTransferEncoding.into());
        }
        match version {
            Version::Http10 => Err(Malformed::TransferEncodingInHttp10.into()),
            Version::Http11 => only_chunked(fields).map(|()| Announced::Chunked),
        }
    }
}

fn content_length(fields: &FieldSection, repeats: Repeats) -> Result<Option<u64>, Malformed> {
    let mut values = fields.all("content-length");
    let Some(first) = values.next() else {
        return Ok(None);
    };
    let length = canonical_decimal(first).ok_or(Malformed::ContentLength)?;
    for other in values {
        match repeats {
            Repeats::Collapsed if other == first => {}
            Repeats::Collapsed | Repeats::Refused => return Err(Malformed::ContentLengthRepeated),
        }
    }
    Ok(Some(length))
}

/// The one way to write a number: no sign, no leading zero, no list, below 2^64.
fn canonical_decimal(digits: &[u8]) -> Option<u64> {
    match digits {
        [b'0'] => Some(0),
        [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
            str::from_utf8(digits).ok()?.parse().ok()
        }
        _ => None,
    }
}

/// One line with the one word. Everything else is a fault; what is left to do is naming it.
fn only_chunked(fields: &FieldSection) -> Result<(), Fault> {
    let mut values = fields.all("transfer-encoding");
    if let (Some(value), None) = (values.next(), values.next())
        && value.eq_ignore_ascii_case(b"chunked")
    {
        return Ok(());
    }
    let codings = || list_members(fields.all("transfer-encoding"));
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if codings().filter(|coding| is_chunked(coding)).count() > 1 {
        return Err(Malformed::ChunkedTwice.into());
    }
    // `chunked` takes no parameter (RFC 9112 §7.1), and beside empty list members it is
    // not what every recipient reads as `chunked`.
    match codings().map(coding_name).find(|name| !is_chunked(name)) {
        Some(name) if octets::is_token(name) => Err(Unsupported::TransferCoding.into()),
        Some(_) | None => Err(Malformed::TransferEncoding.into()),
    }
}

/// transfer-coding = token *( OWS ";" OWS transfer-parameter )
fn coding_name(coding: &[u8]) -> &[u8] {
    let name = coding.split(|octet| *octet == b';').next();
    octets::trim_ows(name.unwrap_or_default())
}
