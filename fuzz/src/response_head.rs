//! A response's head: where it ends, what it says, how its body is framed for each
//! request method, and what becomes of it on its way downstream.

use crate::delivery::{self, HEAD_LIMITS};
use crate::field_lines;
use crate::forwarded;
use crate::naive::{self, Announced};
use engine::message::{
    Fault, HeadLimits, HeadStorage, Malformed, Method, ResponseFraming, ResponseHead,
};

/// As for a request, but nothing may stand before a status line.
const LIMITS: HeadLimits = HeadLimits {
    leading_empty_line: false,
    ..HEAD_LIMITS
};

/// Reads a response's head at the start of `input`, and asserts that the engine takes
/// exactly the heads that a naive reader takes, and sees in them what that one sees.
pub fn run(input: &[u8]) {
    let naive = naive::response(input, &LIMITS);
    let engine = match delivery::scan(input, &LIMITS) {
        Ok(Some(end)) => parse(&input[..end]),
        Ok(None) | Err(_) => None,
    };
    match (engine, naive) {
        (Some(head), Some(naive)) => {
            same_head(&head, &naive, input);
            for method in [Method::Get, Method::Head, Method::Connect] {
                same_framing(method, &head, &naive);
                forwarded::response(method, &head);
            }
        }
        (None, None) => {}
        (Some(head), None) => panic!("the engine alone takes {head:?}"),
        (None, Some(naive)) => panic!("the engine does not take {naive:?}"),
    }
}

fn parse(block: &[u8]) -> Option<ResponseHead> {
    let storage = HeadStorage {
        block: block.to_vec(),
        ..HeadStorage::default()
    };
    match ResponseHead::parse(storage) {
        Ok(head) => Some(head),
        Err(fault) => {
            let disagree = Fault::Malformed(Malformed::HeadEnd);
            assert_ne!(fault, disagree, "scan and parse see two ends");
            None
        }
    }
}

fn same_head(head: &ResponseHead, naive: &naive::Response<'_>, input: &[u8]) {
    assert_eq!(head.version().as_str().as_bytes(), naive.version);
    assert_eq!(head.status().as_u16(), naive.status);
    assert_eq!(head.reason(), naive.reason);
    field_lines::same(head.fields(), &naive.fields, &input[..naive.octets]);
}

/// RFC 9112 §6.3, by its numbers.
pub(crate) fn same_framing(method: Method, head: &ResponseHead, naive: &naive::Response<'_>) {
    let announced = naive::announced(&naive.fields, naive.version, true);
    let expected = announced.map(|announced| match (method, naive.status, announced) {
        (_, 101, _) => ResponseFraming::Tunnel,
        // 1. and 2.
        (Method::Head, _, _) | (_, 100..=199 | 204 | 304, _) => ResponseFraming::NoBody,
        (Method::Connect, 200..=299, _) => ResponseFraming::Tunnel,
        // 4., 6. and 8.; what 3. and 5. are about announces nothing that is followed.
        (_, _, Announced::Chunked) => ResponseFraming::Chunked,
        (_, _, Announced::Length(length)) => ResponseFraming::ContentLength(length),
        (_, _, Announced::Nothing) => ResponseFraming::CloseDelimited,
    });
    let framing = ResponseFraming::of(method, head);
    assert_eq!(framing.ok(), expected, "{method:?}: {framing:?}");
}

#[cfg(test)]
mod tests {
    use crate::seeds;

    #[test]
    fn seeds_are_read_as_the_naive_reader_reads_them() {
        seeds::run_all("response_head", super::run);
    }
}
