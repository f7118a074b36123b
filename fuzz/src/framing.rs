//! How a body ends and whether another message follows, from arbitrary field lines.
//!
//! The input is field lines. They are put behind every start line that frames differently.

use crate::delivery::HEAD_LIMITS;
use crate::naive::{self, Announced, Field};
use crate::{input, request_head, response_head};
use engine::message::{
    CloseReason, Fault, HeadLimits, Method, Persistence, RequestFraming, ResponseFraming,
    Unsupported,
};

/// One of each kind that RFC 9112 §6.3 tells apart, and one more.
const STATUSES: [u16; 9] = [100, 101, 103, 200, 204, 206, 304, 404, 502];

const METHODS: [Method; 4] = [Method::Get, Method::Head, Method::Post, Method::Connect];

/// Asserts that requests and responses with these field lines end where the numbered
/// rules say, that what is refused is refused for the right reason, that `Connection`
/// has no say in it, and that their connections persist as RFC 9112 §9.3 lets them.
pub fn run(input: &[u8]) {
    for version in ["1.0", "1.1"] {
        // RFC 9112 §3.2: without a Host of ours there would be few requests.
        request(&format!("POST /a HTTP/{version}"), input);
        request(&format!("POST /a HTTP/{version}\nHost: a"), input);
        for status in STATUSES {
            response(&format!("HTTP/{version} {status} x"), input);
        }
    }
}

fn request(start_lines: &str, input: &[u8]) {
    let octets = input::head(start_lines, input);
    let Some(naive) = naive::request(&octets, &HEAD_LIMITS) else {
        return assert!(input::request(&octets).is_none());
    };
    let head = input::request(&octets).expect("a naive reader takes it");
    request_head::same_framing(&head, &naive);
    let framing = RequestFraming::of(&head);
    let announced = naive::announced(&naive.fields, naive.version, false);
    refused_for_the_right_reason(framing.err(), &naive.fields, naive.version, announced);
    let expected = persistence(&naive.fields, naive.version);
    assert_eq!(Persistence::of_request(&head), expected);

    let named = format!("{start_lines}\nConnection: content-length, transfer-encoding, host");
    if let Some(head) = input::request(&input::head(&named, input)) {
        assert_eq!(
            RequestFraming::of(&head),
            framing,
            "Connection takes none away"
        );
    }
}

fn response(start_line: &str, input: &[u8]) {
    let octets = input::head(start_line, input);
    let limits = HeadLimits {
        leading_empty_line: false,
        ..HEAD_LIMITS
    };
    let Some(naive) = naive::response(&octets, &limits) else {
        return assert!(input::response(&octets).is_none());
    };
    let head = input::response(&octets).expect("a naive reader takes it");
    let announced = naive::announced(&naive.fields, naive.version, true);
    for method in METHODS {
        response_head::same_framing(method, &head, &naive);
        let framing = ResponseFraming::of(method, &head);
        refused_for_the_right_reason(framing.err(), &naive.fields, naive.version, announced);
        let Ok(framing) = framing else {
            continue;
        };
        let expected = match framing {
            ResponseFraming::Tunnel => Persistence::Close(CloseReason::Upgraded),
            // RFC 9112 §9.3 has no other end for it.
            ResponseFraming::CloseDelimited => Persistence::Close(CloseReason::CloseDelimited),
            ResponseFraming::NoBody
            | ResponseFraming::ContentLength(_)
            | ResponseFraming::Chunked => persistence(&naive.fields, naive.version),
        };
        assert_eq!(Persistence::of_response(&head, framing), expected);
    }
    // RFC 9110 §8.6: it may speak of a body that is not there.
    let length = announced.map(|announced| match announced {
        Announced::Length(length) => Some(length),
        Announced::Nothing | Announced::Chunked => None,
    });
    assert_eq!(ResponseFraming::announced_length(&head).ok(), length);
}

/// The contract's §4: an unknown coding is 501; both fields, TE in 1.0, `chunked` twice
/// and all that is no coding at all are 400.
fn refused_for_the_right_reason(
    fault: Option<Fault>,
    fields: &[Field<'_>],
    version: &[u8],
    announced: Option<Announced>,
) {
    let Some(fault) = fault else {
        return assert!(announced.is_some());
    };
    let codings = naive::list(&naive::values(fields, "transfer-encoding"));
    let names = codings.iter().map(|coding| {
        let name = coding.split(|octet| *octet == b';').next();
        name.unwrap_or_default().trim_ascii()
    });
    let (chunked, others): (Vec<&[u8]>, Vec<&[u8]>) =
        names.partition(|name| name.eq_ignore_ascii_case(b"chunked"));
    let plain = codings
        .iter()
        .filter(|c| c.eq_ignore_ascii_case(b"chunked"));
    let well_framed = version == b"1.1" && naive::values(fields, "content-length").is_empty();
    let may_be_unknown =
        well_framed && plain.count() <= 1 && others.iter().any(|name| naive::is_token(name));
    let must_be_unknown =
        may_be_unknown && chunked.len() <= 1 && others.iter().all(|name| naive::is_token(name));
    let is_unknown = fault == Fault::Unsupported(Unsupported::TransferCoding);
    assert!(!is_unknown || may_be_unknown, "{fault}: {fields:?}");
    assert!(is_unknown || !must_be_unknown, "{fault}: {fields:?}");
}

/// RFC 9112 §9.3, the cases in their order.
fn persistence(fields: &[Field<'_>], version: &[u8]) -> Persistence {
    let options = naive::list(&naive::values(fields, "connection"));
    let has = |wanted: &str| {
        let mut options = options.iter();
        options.any(|option| option.eq_ignore_ascii_case(wanted.as_bytes()))
    };
    if has("close") {
        Persistence::Close(CloseReason::Asked)
    } else if version == b"1.1" || has("keep-alive") {
        Persistence::Reuse
    } else {
        Persistence::Close(CloseReason::Version10)
    }
}

#[cfg(test)]
mod tests {
    use crate::seeds;

    #[test]
    fn seeds_are_framed_by_the_numbered_rules() {
        seeds::run_all("framing", super::run);
    }
}
