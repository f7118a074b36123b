//! A request's head: where it ends, what it says, how its body is framed, and what
//! becomes of it on its way upstream.

use crate::delivery::{self, HEAD_LIMITS};
use crate::field_lines;
use crate::forwarded;
use crate::naive::{self, Announced};
use engine::message::{
    Fault, HeadStorage, Malformed, Method, Persistence, RequestFraming, RequestHead, RequestTarget,
    Version,
};

/// Reads a request's head at the start of `input`, and asserts that the engine takes
/// exactly the heads that a naive reader takes, and sees in them what that one sees.
pub fn run(input: &[u8]) {
    let naive = naive::request(input, &HEAD_LIMITS);
    let engine = match delivery::scan(input, &HEAD_LIMITS) {
        Ok(Some(end)) => parse(&input[..end]),
        Ok(None) | Err(_) => None,
    };
    match (engine, naive) {
        (Some(head), Some(naive)) => {
            same_head(&head, &naive, input);
            same_framing(&head, &naive);
            target_is_taken_apart(&head);
            let _: Persistence = Persistence::of_request(&head);
            forwarded::request(&head);
        }
        (None, None) => {}
        (Some(head), None) => panic!("the engine alone takes {head:?}"),
        (None, Some(naive)) => panic!("the engine does not take {naive:?}"),
    }
}

fn parse(block: &[u8]) -> Option<RequestHead> {
    let storage = HeadStorage {
        block: block.to_vec(),
        ..HeadStorage::default()
    };
    match RequestHead::parse(storage) {
        Ok(head) => Some(head),
        Err(fault) => {
            let disagree = Fault::Malformed(Malformed::HeadEnd);
            assert_ne!(fault, disagree, "scan and parse see two ends");
            None
        }
    }
}

fn same_head(head: &RequestHead, naive: &naive::Request<'_>, input: &[u8]) {
    assert_eq!(head.method_octets(), naive.method);
    assert_eq!(head.method(), Method::of(naive.method));
    assert_eq!(head.target_octets(), naive.target);
    assert_eq!(head.version().as_str().as_bytes(), naive.version);
    assert_eq!(head.host(), naive.host);
    field_lines::same(head.fields(), &naive.fields, &input[..naive.octets]);
}

/// RFC 9112 §6.3, by its numbers.
pub(crate) fn same_framing(head: &RequestHead, naive: &naive::Request<'_>) {
    let expected = naive::announced(&naive.fields, naive.version, false);
    let expected = expected.map(|announced| match announced {
        Announced::Nothing => RequestFraming::NoBody,
        Announced::Length(length) => RequestFraming::ContentLength(length),
        Announced::Chunked => RequestFraming::Chunked,
    });
    let framing = RequestFraming::of(head);
    assert_eq!(framing.ok(), expected, "{framing:?}");
    if framing == Ok(RequestFraming::Chunked) {
        assert_eq!(head.version(), Version::Http11);
    }
}

/// The parts of a target, put together again, are the target.
fn target_is_taken_apart(head: &RequestHead) {
    let whole = head.target_octets();
    let (start, path, query) = match RequestTarget::of(head) {
        Ok(RequestTarget::Origin { path, query }) => (Vec::new(), path, query),
        Ok(RequestTarget::Absolute {
            authority,
            path,
            query,
        }) => {
            let scheme = whole
                .iter()
                .position(|octet| *octet == b'/')
                .map(|at| &whole[..at]);
            let start = [scheme.unwrap_or_default(), b"//", authority].concat();
            // An empty path is read as `/` (RFC 9110 §4.2.3).
            let follows = whole.get(start.len());
            (
                start,
                if follows == Some(&b'/') { path } else { b"" },
                query,
            )
        }
        Ok(RequestTarget::Authority) => return assert_eq!(head.method(), Method::Connect),
        Ok(RequestTarget::Asterisk) => {
            return assert_eq!((head.method(), whole), (Method::Options, &b"*"[..]));
        }
        Err(_) => return assert!(head.method() == Method::Connect || !whole.starts_with(b"/")),
    };
    assert_ne!(head.method(), Method::Connect);
    let query = query
        .map(|query| [b"?", query].concat())
        .unwrap_or_default();
    assert_eq!([&start, path, &query].concat(), whole);
}

#[cfg(test)]
mod tests {
    use crate::seeds;

    #[test]
    fn seeds_are_read_as_the_naive_reader_reads_them() {
        seeds::run_all("request_head", super::run);
    }
}
