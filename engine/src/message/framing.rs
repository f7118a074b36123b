//! Where a body ends: RFC 9112 §6.3, in its order.
//!
//! Decided once, when all field lines are in, by one function for each direction. What
//! `Connection` names is not looked at: it cannot take away what frames the message.

use super::fault::{Fault, Malformed, Unsupported};
use super::field::{FieldSection, list_members};
use super::field_name::FieldName;
use super::octets::{self, read_decimal};
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
        if !fields.has(FieldName::TransferEncoding) {
            return Ok(length?.map_or(Announced::Nothing, Announced::Length));
        }
        if fields.has(FieldName::ContentLength) {
            return Err(Malformed::ContentLengthWithTransferEncoding.into());
        }
        match version {
            Version::Http10 => Err(Malformed::TransferEncodingInHttp10.into()),
            Version::Http11 => only_chunked(fields).map(|()| Announced::Chunked),
        }
    }
}

fn content_length(fields: &FieldSection, repeats: Repeats) -> Result<Option<u64>, Malformed> {
    let mut values = fields.all(FieldName::ContentLength);
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
        [b'0', _, ..] => None,
        _ => read_decimal(digits),
    }
}

/// One line with the one word. Everything else is a fault; what is left to do is naming it.
fn only_chunked(fields: &FieldSection) -> Result<(), Fault> {
    let mut values = fields.all(FieldName::TransferEncoding);
    if let (Some(value), None) = (values.next(), values.next())
        && value.eq_ignore_ascii_case(b"chunked")
    {
        return Ok(());
    }
    let codings = || list_members(fields.all(FieldName::TransferEncoding));
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

#[cfg(test)]
mod tests {
    use super::super::testing::{check, request, request_octets, response, response_octets};
    use super::*;
    use Malformed::{
        ChunkedTwice, ContentLength, ContentLengthRepeated, ContentLengthWithTransferEncoding,
        TransferEncoding, TransferEncodingInHttp10,
    };

    const fn bad<T>(malformed: Malformed) -> Result<T, Fault> {
        Err(Fault::Malformed(malformed))
    }

    const fn unknown<T>() -> Result<T, Fault> {
        Err(Fault::Unsupported(Unsupported::TransferCoding))
    }

    type Framed<T> = (&'static str, &'static str, Result<T, Fault>);

    #[rustfmt::skip]
    const REQUESTS: &[Framed<RequestFraming>] = &[
        ("no field, no body", "", Ok(RequestFraming::NoBody)),
        ("a length", "Content-Length: 5\r\n", Ok(RequestFraming::ContentLength(5))),
        ("white space around it is none of it", "content-length: \t 5 \t\r\n", Ok(RequestFraming::ContentLength(5))),
        ("0 is a length", "Content-Length: 0\r\n", Ok(RequestFraming::ContentLength(0))),
        ("the largest", "Content-Length: 18446744073709551615\r\n", Ok(RequestFraming::ContentLength(u64::MAX))),
        ("one more", "Content-Length: 18446744073709551616\r\n", bad(ContentLength)),
        ("many digits", "Content-Length: 100000000000000000000000\r\n", bad(ContentLength)),
        ("empty", "Content-Length:\r\n", bad(ContentLength)),
        ("a plus", "Content-Length: +5\r\n", bad(ContentLength)),
        ("a minus", "Content-Length: -5\r\n", bad(ContentLength)),
        ("a leading zero", "Content-Length: 05\r\n", bad(ContentLength)),
        ("two zeros", "Content-Length: 00\r\n", bad(ContentLength)),
        ("hexadecimal", "Content-Length: 0x5\r\n", bad(ContentLength)),
        ("a fraction", "Content-Length: 5.0\r\n", bad(ContentLength)),
        ("an exponent", "Content-Length: 5e1\r\n", bad(ContentLength)),
        ("an underscore", "Content-Length: 5_0\r\n", bad(ContentLength)),
        ("a space within", "Content-Length: 5 0\r\n", bad(ContentLength)),
        ("quoted", "Content-Length: \"5\"\r\n", bad(ContentLength)),
        ("a list of equals", "Content-Length: 5, 5\r\n", bad(ContentLength)),
        ("a list of one", "Content-Length: 5,\r\n", bad(ContentLength)),
        ("digits of another script", "Content-Length: \u{665}\r\n", bad(ContentLength)),
        ("two lines alike", "Content-Length: 5\r\nContent-Length: 5\r\n", bad(ContentLengthRepeated)),
        ("two lines that differ", "Content-Length: 5\r\ncontent-length: 6\r\n", bad(ContentLengthRepeated)),
        ("a second line that is empty", "Content-Length: 5\r\nContent-Length:\r\n", bad(ContentLengthRepeated)),
        ("chunked", "Transfer-Encoding: chunked\r\n", Ok(RequestFraming::Chunked)),
        ("chunked in any case", "transfer-ENCODING:\tChunKed \r\n", Ok(RequestFraming::Chunked)),
        ("CL.TE", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", bad(ContentLengthWithTransferEncoding)),
        ("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", bad(ContentLengthWithTransferEncoding)),
        ("a bad length and chunked", "Transfer-Encoding: chunked\r\nContent-Length: x\r\n", bad(ContentLengthWithTransferEncoding)),
        ("a length and an unknown coding", "Content-Length: 5\r\nTransfer-Encoding: x\r\n", bad(ContentLengthWithTransferEncoding)),
        ("a length and no coding", "Content-Length: 5\r\nTransfer-Encoding:\r\n", bad(ContentLengthWithTransferEncoding)),
        ("chunked twice in a list", "Transfer-Encoding: chunked, chunked\r\n", bad(ChunkedTwice)),
        ("chunked on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n", bad(ChunkedTwice)),
        ("chunked around another", "Transfer-Encoding: chunked, gzip, chunked\r\n", bad(ChunkedTwice)),
        ("identity", "Transfer-Encoding: identity\r\n", unknown()),
        ("gzip alone", "Transfer-Encoding: gzip\r\n", unknown()),
        ("gzip, then chunked", "Transfer-Encoding: gzip, chunked\r\n", unknown()),
        ("gzip, then chunked, on two lines", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", unknown()),
        ("chunked is not the last", "Transfer-Encoding: chunked, identity\r\n", unknown()),
        ("TE.TE", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", unknown()),
        ("a longer word", "Transfer-Encoding: xchunked\r\n", unknown()),
        ("a parameter of another", "Transfer-Encoding: gzip;q=1\r\n", unknown()),
        ("a parameter", "Transfer-Encoding: chunked;q=1\r\n", bad(TransferEncoding)),
        ("an empty parameter", "Transfer-Encoding: chunked ;\r\n", bad(TransferEncoding)),
        ("quoted chunked", "Transfer-Encoding: \"chunked\"\r\n", bad(TransferEncoding)),
        ("two words", "Transfer-Encoding: chunked chunked\r\n", bad(TransferEncoding)),
        ("an empty coding", "Transfer-Encoding:\r\n", bad(TransferEncoding)),
        ("an empty member before", "Transfer-Encoding: , chunked\r\n", bad(TransferEncoding)),
        ("an empty member after", "Transfer-Encoding: chunked,\r\n", bad(TransferEncoding)),
        ("an empty line beside", "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", bad(TransferEncoding)),
        ("obs-text before", "Transfer-Encoding: \u{a0}chunked\r\n", bad(TransferEncoding)),
        ("VT before", "Transfer-Encoding: \x0bchunked\r\n", bad(Malformed::ControlCharacter)),
        ("a fold before", "Transfer-Encoding:\r\n chunked\r\n", bad(Malformed::ObsFold)),
        ("a space in the name", "Transfer-Encoding : chunked\r\n", bad(Malformed::SpaceBeforeColon)),
        ("a name with _ is another", "Transfer_Encoding: chunked\r\n", Ok(RequestFraming::NoBody)),
        ("Connection takes no length away", "Connection: content-length\r\nContent-Length: 5\r\n", Ok(RequestFraming::ContentLength(5))),
        ("Connection takes no coding away", "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n", Ok(RequestFraming::Chunked)),
    ];

    #[rustfmt::skip]
    const RESPONSES: &[Framed<ResponseFraming>] = &[
        ("GET 200", "", Ok(ResponseFraming::CloseDelimited)),
        ("GET 200", "Content-Length: 5\r\n", Ok(ResponseFraming::ContentLength(5))),
        ("GET 200", "Transfer-Encoding: chunked\r\n", Ok(ResponseFraming::Chunked)),
        ("GET 404", "Content-Length: 0\r\n", Ok(ResponseFraming::ContentLength(0))),
        ("GET 200", "Content-Length: 5\r\nContent-Length: 5\r\n", Ok(ResponseFraming::ContentLength(5))),
        ("GET 200", "Content-Length: 5\r\nContent-Length: 6\r\n", bad(ContentLengthRepeated)),
        ("GET 200", "Content-Length: 5\r\nContent-Length: 05\r\n", bad(ContentLengthRepeated)),
        ("GET 200", "Content-Length: 5, 5\r\n", bad(ContentLength)),
        ("GET 200", "Content-Length: +5\r\n", bad(ContentLength)),
        ("GET 200", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", bad(ContentLengthWithTransferEncoding)),
        ("GET 200", "Transfer-Encoding: gzip, chunked\r\n", unknown()),
        ("GET 200", "Transfer-Encoding: identity\r\n", unknown()),
        ("GET 200", "Transfer-Encoding: chunked, chunked\r\n", bad(ChunkedTwice)),
        ("GET 200", "Transfer-Encoding:\r\n", bad(TransferEncoding)),
        ("HEAD 200", "", Ok(ResponseFraming::NoBody)),
        ("HEAD 200", "Content-Length: 5\r\n", Ok(ResponseFraming::NoBody)),
        ("HEAD 200", "Transfer-Encoding: chunked\r\n", Ok(ResponseFraming::NoBody)),
        ("HEAD 200", "Content-Length: 05\r\n", bad(ContentLength)),
        ("HEAD 200", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", bad(ContentLengthWithTransferEncoding)),
        ("GET 204", "", Ok(ResponseFraming::NoBody)),
        ("GET 204", "Content-Length: 5\r\n", Ok(ResponseFraming::NoBody)),
        ("GET 304", "Content-Length: 5\r\n", Ok(ResponseFraming::NoBody)),
        ("GET 304", "Content-Length: x\r\n", bad(ContentLength)),
        ("GET 304", "Transfer-Encoding: chunked\r\n", Ok(ResponseFraming::NoBody)),
        ("POST 100", "", Ok(ResponseFraming::NoBody)),
        ("GET 103", "Content-Length: 5\r\n", Ok(ResponseFraming::NoBody)),
        ("GET 101", "", Ok(ResponseFraming::Tunnel)),
        ("GET 101", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", bad(ContentLengthWithTransferEncoding)),
        ("CONNECT 200", "", Ok(ResponseFraming::Tunnel)),
        ("CONNECT 200", "Content-Length: 5\r\n", Ok(ResponseFraming::Tunnel)),
        ("CONNECT 407", "Content-Length: 5\r\n", Ok(ResponseFraming::ContentLength(5))),
        ("CONNECT 502", "", Ok(ResponseFraming::CloseDelimited)),
    ];

    #[test]
    fn requests_are_framed_by_their_fields_alone() {
        for (sentence, lines, expected) in REQUESTS {
            let octets = request_octets("POST / HTTP/1.1", lines);
            check(&[(sentence, &octets, *expected)], |pieces| {
                request(pieces).and_then(|head| RequestFraming::of(&head))
            });
        }
    }

    #[test]
    fn responses_are_framed_by_method_status_and_fields() {
        for (exchange, lines, expected) in RESPONSES {
            let (method, status) = exchange.split_once(' ').unwrap();
            let octets = response_octets(&format!("HTTP/1.1 {status} "), lines);
            check(&[(exchange, &octets, *expected)], |pieces| {
                let method = Method::of(method.as_bytes());
                response(pieces).and_then(|head| ResponseFraming::of(method, &head))
            });
        }
    }

    #[test]
    fn http_10_knows_lengths_and_no_transfer_coding() {
        for (lines, in_request, in_response) in [
            (
                "",
                Ok(RequestFraming::NoBody),
                Ok(ResponseFraming::CloseDelimited),
            ),
            (
                "Content-Length: 5\r\n",
                Ok(RequestFraming::ContentLength(5)),
                Ok(ResponseFraming::ContentLength(5)),
            ),
            (
                "Transfer-Encoding: chunked\r\n",
                bad(TransferEncodingInHttp10),
                bad(TransferEncodingInHttp10),
            ),
            (
                "Transfer-Encoding: x\r\n",
                bad(TransferEncodingInHttp10),
                bad(TransferEncodingInHttp10),
            ),
        ] {
            let head = request(&[&request_octets("POST / HTTP/1.0", lines)]).unwrap();
            assert_eq!(RequestFraming::of(&head), in_request, "{lines}");
            let head = response(&[&response_octets("HTTP/1.0 200 OK", lines)]).unwrap();
            assert_eq!(
                ResponseFraming::of(Method::Get, &head),
                in_response,
                "{lines}"
            );
        }
    }

    #[test]
    fn a_length_is_announced_where_no_body_is() {
        for (lines, expected) in [
            ("Content-Length: 5\r\nContent-Length: 5\r\n", Ok(Some(5))),
            ("Transfer-Encoding: chunked\r\n", Ok(None)),
            ("", Ok(None)),
            ("Content-Length: 5,5\r\n", bad(ContentLength)),
        ] {
            let head = response(&[&response_octets("HTTP/1.1 304 ", lines)]).unwrap();
            assert_eq!(
                ResponseFraming::announced_length(&head),
                expected,
                "{lines}"
            );
        }
    }
}
