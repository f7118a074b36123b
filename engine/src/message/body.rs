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
