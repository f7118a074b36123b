//! A body in whichever framing, taken out of the octets as they come.

use std::fmt;

use super::chunked::{ChunkLimits, ChunkedDecoder, Step, run_length};
use super::fault::Fault;
use super::framing::{RequestFraming, ResponseFraming};
use crate::limits::Limits;

/// Says which octets are a body's data. Nothing is copied.
#[derive(Debug)]
pub enum BodyDecoder {
    /// There is no body.
    Empty,
    /// So many octets are still to come.
    ContentLength {
        /// Octets.
        remaining: u64,
    },
    /// Chunks are still to come.
    Chunked(ChunkedDecoder),
    /// All that comes is data.
    UntilClose {
        /// Whether the connection ended.
        ended: bool,
    },
}

/// The connection ended before the body did.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Truncated;

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection ended in the middle of a body")
    }
}

impl std::error::Error for Truncated {}

impl BodyDecoder {
    /// For a request framed so.
    pub fn for_request(framing: RequestFraming, limits: &Limits) -> BodyDecoder {
        match framing {
            RequestFraming::NoBody => BodyDecoder::Empty,
            RequestFraming::ContentLength(remaining) => BodyDecoder::ContentLength { remaining },
            RequestFraming::Chunked => BodyDecoder::chunked(limits),
        }
    }

    /// For a response framed so. What follows the head of a tunnel is no body.
    pub fn for_response(framing: ResponseFraming, limits: &Limits) -> BodyDecoder {
        match framing {
            ResponseFraming::NoBody | ResponseFraming::Tunnel => BodyDecoder::Empty,
            ResponseFraming::ContentLength(remaining) => BodyDecoder::ContentLength { remaining },
            ResponseFraming::Chunked => BodyDecoder::chunked(limits),
            ResponseFraming::CloseDelimited => BodyDecoder::UntilClose { ended: false },
        }
    }

    fn chunked(limits: &Limits) -> BodyDecoder {
        BodyDecoder::Chunked(ChunkedDecoder::new(ChunkLimits::from(limits)))
    }

    /// The next run of data in `input`, see [`Step`]. A body that is over answers
    /// `End { framing: 0 }`, however often it is asked.
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, Fault> {
        let data = match self {
            BodyDecoder::Chunked(decoder) => return decoder.decode(input),
            BodyDecoder::Empty
            | BodyDecoder::ContentLength { remaining: 0 }
            | BodyDecoder::UntilClose { ended: true } => return Ok(Step::End { framing: 0 }),
            BodyDecoder::ContentLength { remaining } => {
                let data = run_length(*remaining, input);
                *remaining = remaining.saturating_sub(data as u64);
                data
            }
            BodyDecoder::UntilClose { ended: false } => input.len(),
        };
        Ok(match data {
            0 => Step::More { framing: 0 },
            1.. => Step::Data { framing: 0, data },
        })
    }

    /// How many octets follow of which each is data, and known to be.
    pub fn run(&self) -> Option<u64> {
        match self {
            BodyDecoder::ContentLength { remaining } => Some(*remaining),
            BodyDecoder::Empty | BodyDecoder::Chunked(_) | BodyDecoder::UntilClose { .. } => None,
        }
    }

    /// So many octets of that run have passed without being shown to [`decode`](Self::decode).
    pub fn pass(&mut self, count: u64) {
        if let BodyDecoder::ContentLength { remaining } = self {
            *remaining = remaining.saturating_sub(count);
        }
    }

    /// Whether the body is over. Known as soon as its last octet was taken.
    pub fn is_complete(&self) -> bool {
        match self {
            BodyDecoder::Empty => true,
            BodyDecoder::ContentLength { remaining } => *remaining == 0,
            BodyDecoder::Chunked(decoder) => decoder.is_complete(),
            BodyDecoder::UntilClose { ended } => *ended,
        }
    }

    /// The peer sends no more. That ends a close-delimited body and cuts any other that
    /// is not over (RFC 9112 §8).
    pub fn end_of_input(&mut self) -> Result<(), Truncated> {
        if let BodyDecoder::UntilClose { ended } = self {
            *ended = true;
        }
        if self.is_complete() {
            Ok(())
        } else {
            Err(Truncated)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: fn() -> Limits = Limits::default;

    #[test]
    fn no_body_is_over_before_it_begins() {
        for mut body in [
            BodyDecoder::for_request(RequestFraming::NoBody, &LIMITS()),
            BodyDecoder::for_request(RequestFraming::ContentLength(0), &LIMITS()),
            BodyDecoder::for_response(ResponseFraming::NoBody, &LIMITS()),
            BodyDecoder::for_response(ResponseFraming::ContentLength(0), &LIMITS()),
            BodyDecoder::for_response(ResponseFraming::Tunnel, &LIMITS()),
        ] {
            assert!(body.is_complete());
            assert_eq!(body.decode(b"next"), Ok(Step::End { framing: 0 }));
            assert_eq!(body.decode(b""), Ok(Step::End { framing: 0 }));
            assert_eq!(body.end_of_input(), Ok(()));
        }
    }

    #[test]
    fn what_passes_unseen_is_counted_as_what_is_shown() {
        let mut body = BodyDecoder::for_request(RequestFraming::ContentLength(5), &LIMITS());
        body.pass(3);
        assert_eq!(body.run(), Some(2));
        assert_eq!(body.end_of_input(), Err(Truncated));
        body.pass(2);
        assert!(body.is_complete());
        assert_eq!(body.decode(b"GET"), Ok(Step::End { framing: 0 }));
        for framing in [ResponseFraming::Chunked, ResponseFraming::CloseDelimited] {
            assert_eq!(BodyDecoder::for_response(framing, &LIMITS()).run(), None);
        }
    }

    #[test]
    fn a_length_is_counted_down_and_not_past_its_end() {
        let mut body = BodyDecoder::for_request(RequestFraming::ContentLength(5), &LIMITS());
        assert_eq!(body.decode(b""), Ok(Step::More { framing: 0 }));
        assert_eq!(
            body.decode(b"abc"),
            Ok(Step::Data {
                framing: 0,
                data: 3
            })
        );
        assert!(!body.is_complete());
        assert_eq!(body.end_of_input(), Err(Truncated));
        assert_eq!(
            body.decode(b"deGET"),
            Ok(Step::Data {
                framing: 0,
                data: 2
            })
        );
        assert!(body.is_complete());
        assert_eq!(body.decode(b"GET"), Ok(Step::End { framing: 0 }));
        assert_eq!(body.end_of_input(), Ok(()));
    }

    #[test]
    fn the_largest_length_does_not_overflow() {
        let mut body =
            BodyDecoder::for_response(ResponseFraming::ContentLength(u64::MAX), &LIMITS());
        assert_eq!(
            body.decode(b"abc"),
            Ok(Step::Data {
                framing: 0,
                data: 3
            })
        );
        assert!(
            matches!(body, BodyDecoder::ContentLength { remaining } if remaining == u64::MAX - 3)
        );
    }

    #[test]
    fn chunks_end_with_the_last_one() {
        for mut body in [
            BodyDecoder::for_request(RequestFraming::Chunked, &LIMITS()),
            BodyDecoder::for_response(ResponseFraming::Chunked, &LIMITS()),
        ] {
            assert_eq!(
                body.decode(b"1\r\na\r\n0\r\n\r\nGET"),
                Ok(Step::Data {
                    framing: 3,
                    data: 1
                })
            );
            assert_eq!(body.end_of_input(), Err(Truncated));
            assert_eq!(
                body.decode(b"\r\n0\r\n\r\nGET"),
                Ok(Step::End { framing: 7 })
            );
            assert_eq!(body.end_of_input(), Ok(()));
        }
    }

    #[test]
    fn a_close_delimited_body_ends_with_the_connection() {
        let mut body = BodyDecoder::for_response(ResponseFraming::CloseDelimited, &LIMITS());
        assert_eq!(body.decode(b""), Ok(Step::More { framing: 0 }));
        assert_eq!(
            body.decode(b"abc"),
            Ok(Step::Data {
                framing: 0,
                data: 3
            })
        );
        assert!(!body.is_complete());
        assert_eq!(body.end_of_input(), Ok(()));
        assert!(body.is_complete());
        assert_eq!(body.decode(b""), Ok(Step::End { framing: 0 }));
    }
}
