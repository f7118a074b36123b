//! The chunked coding, taken off (RFC 9112 §7.1).
//!
//! ```text
//! Size ──";"──▶ Extension        DataCr ─▶ DataLf ─▶ Size
//!   │CR            │CR              ▲
//!   └────▶ SizeLf ◀┘────size > 0──▶ Data
//!            └───── size = 0 ─────▶ TrailerStart ─▶ TrailerName ─▶ TrailerValue ─▶ TrailerLf ─▶ TrailerStart
//!                                      └───CR──▶ FinalLf ─▶ Complete
//! ```
//!
//! Data is neither copied nor looked at: a [`Step`] says where in the input it stands.
//! Extensions and trailer fields are checked, counted and dropped.

use super::fault::{Fault, LimitReached, Malformed};
use super::octets::{is_control, is_ows, is_tchar};
use crate::limits::Limits;

/// What the frame around the data may be at most. The bound itself passes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ChunkLimits {
    /// Octets of one chunk-size line, extensions included, CRLF not.
    pub line_octets: usize,
    /// Octets of chunk extensions over the message, the `;` of each included.
    pub extension_octets: usize,
    /// Octets of the trailer section: its field lines with their CRLF.
    pub trailer_octets: usize,
    /// Field lines of the trailer section.
    pub trailer_lines: usize,
}

impl From<&Limits> for ChunkLimits {
    fn from(limits: &Limits) -> ChunkLimits {
        ChunkLimits {
            line_octets: limits.chunk_line_octets,
            extension_octets: limits.chunk_extension_octets,
            trailer_octets: limits.trailer_octets,
            trailer_lines: limits.trailer_lines,
        }
    }
}

/// What one look at the input found. All that it names counts as taken.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// All of the input was framing, and more is needed.
    More {
        /// Octets to drop: all that were given.
        framing: usize,
    },
    /// Data stands at `input[framing..][..data]`. What follows it was not looked at.
    Data {
        /// Octets to drop before the data.
        framing: usize,
        /// Octets of data, not 0.
        data: usize,
    },
    /// The body is over; what follows belongs to the next message.
    End {
        /// Octets to drop.
        framing: usize,
    },
}

/// Takes the chunked coding off, however the input is split. After a fault it is of no
/// further use.
#[derive(Debug)]
pub struct ChunkedDecoder {
    limits: ChunkLimits,
    state: State,
    line_octets: usize,
    extension_octets: usize,
    trailer_octets: usize,
    trailer_lines: usize,
}

/// What the next octet is.
#[derive(Copy, Clone, Debug)]
enum State {
    /// chunk-size, or what ends it.
    Size { digits: u32, size: u64 },
    /// chunk-ext.
    Extension { size: u64, quoting: Quoting },
    /// The LF of a chunk-size line.
    SizeLf { size: u64 },
    /// chunk-data, not 0 octets.
    Data { remaining: u64 },
    /// The CR after chunk-data.
    DataCr,
    /// The LF after chunk-data.
    DataLf,
    /// The first of a trailer field line, or of the final CRLF.
    TrailerStart,
    /// field-name of a trailer field line, or its colon.
    TrailerName,
    /// field-value of a trailer field line.
    TrailerValue,
    /// The LF of a trailer field line.
    TrailerLf,
    /// The LF of the final CRLF.
    FinalLf,
    /// Of another message.
    Complete,
}

/// Where in chunk-ext-val an octet stands: a `;` in a quoted-string begins no extension.
#[derive(Copy, Clone, Debug)]
enum Quoting {
    Outside,
    Inside,
    Escaped,
}

/// A size of 16 hexadecimal digits is below 2^64.
const SIZE_DIGITS: u32 = 16;

impl ChunkedDecoder {
    /// Before the first chunk.
    pub fn new(limits: ChunkLimits) -> ChunkedDecoder {
        ChunkedDecoder {
            limits,
            state: State::Size { digits: 0, size: 0 },
            line_octets: 0,
            extension_octets: 0,
            trailer_octets: 0,
            trailer_lines: 0,
        }
    }

    /// Reads framing up to the next run of data, the end of the body, or the end of the
    /// input; whichever comes first.
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, Fault> {
        let mut unread = input;
        loop {
            let framing = input.len().saturating_sub(unread.len());
            match (self.state, unread) {
                (State::Complete, _) => return Ok(Step::End { framing }),
                (_, []) => return Ok(Step::More { framing }),
                (State::Data { remaining }, _) => {
                    let data = run_length(remaining, unread);
                    self.state = match remaining.saturating_sub(data as u64) {
                        0 => State::DataCr,
                        remaining => State::Data { remaining },
                    };
                    return Ok(Step::Data { framing, data });
                }
                (state, [octet, rest @ ..]) => {
                    self.state = self.after(state, *octet)?;
                    unread = rest;
                }
            }
        }
    }

    /// Whether the final CRLF was read.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete)
    }

    /// The state after a framing octet.
    fn after(&mut self, state: State, octet: u8) -> Result<State, Fault> {
        match state {
            State::Size { digits, size } => self.after_size(digits, size, octet),
            State::Extension { size, quoting } => self.after_extension(size, quoting, octet),
            State::SizeLf { size } => {
                expect_lf(octet)?;
                self.line_octets = 0;
                Ok(match size {
                    0 => State::TrailerStart,
                    1.. => State::Data { remaining: size },
                })
            }
            State::DataCr => match octet {
                b'\r' => Ok(State::DataLf),
                b'\n' => Err(Malformed::BareLf.into()),
                _ => Err(Malformed::ChunkData.into()),
            },
            State::DataLf => {
                expect_lf(octet)?;
                Ok(State::Size { digits: 0, size: 0 })
            }
            State::TrailerStart | State::TrailerName | State::TrailerValue | State::TrailerLf => {
                self.after_trailer(state, octet)
            }
            State::FinalLf => {
                expect_lf(octet)?;
                Ok(State::Complete)
            }
            // `decode` hands on no octet in these.
            State::Data { .. } | State::Complete => Ok(state),
        }
    }

    fn after_size(&mut self, digits: u32, size: u64, octet: u8) -> Result<State, Fault> {
        if octet == b'\r' && digits > 0 {
            return Ok(State::SizeLf { size });
        }
        self.count_line_octet()?;
        match (hexadecimal(octet), octet) {
            (Some(digit), _) if digits < SIZE_DIGITS => Ok(State::Size {
                digits: digits.saturating_add(1),
                size: (size << 4) | digit,
            }),
            (None, b';') if digits > 0 => {
                self.count_extension_octet()?;
                Ok(State::Extension {
                    size,
                    quoting: Quoting::Outside,
                })
            }
            (None, b'\n') => Err(Malformed::BareLf.into()),
            // No white space either: RFC 9112 §7.1.1 lets a recipient drop "bad" white
            // space before `;`, and nothing that is in use sends it.
            (_, _) => Err(Malformed::ChunkSize.into()),
        }
    }

    fn after_extension(&mut self, size: u64, quoting: Quoting, octet: u8) -> Result<State, Fault> {
        if octet == b'\r' {
            return match quoting {
                Quoting::Outside => Ok(State::SizeLf { size }),
                Quoting::Inside | Quoting::Escaped => Err(Malformed::ChunkExtension.into()),
            };
        }
        self.count_line_octet()?;
        self.count_extension_octet()?;
        if octet == b'\n' {
            return Err(Malformed::BareLf.into());
        }
        if is_control(octet) {
            return Err(Malformed::ControlCharacter.into());
        }
        let quoting = match (quoting, octet) {
            (Quoting::Outside, b'"') | (Quoting::Escaped, _) => Quoting::Inside,
            (Quoting::Inside, b'"') | (Quoting::Outside, _) => Quoting::Outside,
            (Quoting::Inside, b'\\') => Quoting::Escaped,
            (Quoting::Inside, _) => Quoting::Inside,
        };
        Ok(State::Extension { size, quoting })
    }

    /// As strict as a field line of a head, though nothing is kept of it.
    fn after_trailer(&mut self, state: State, octet: u8) -> Result<State, Fault> {
        let at_line_start = matches!(state, State::TrailerStart);
        if at_line_start && octet == b'\r' {
            return Ok(State::FinalLf);
        }
        if at_line_start {
            let limit = self.limits.trailer_lines;
            count(&mut self.trailer_lines, limit, LimitReached::TrailerLines)?;
        }
        let limit = self.limits.trailer_octets;
        count(&mut self.trailer_octets, limit, LimitReached::TrailerOctets)?;
        if matches!(state, State::TrailerLf) {
            expect_lf(octet)?;
            return Ok(State::TrailerStart);
        }
        match octet {
            b'\n' => Err(Malformed::BareLf.into()),
            b'\r' if matches!(state, State::TrailerValue) => Ok(State::TrailerLf),
            b'\r' => Err(Malformed::ColonMissing.into()),
            _ if is_control(octet) => Err(Malformed::ControlCharacter.into()),
            _ if matches!(state, State::TrailerValue) => Ok(State::TrailerValue),
            _ if is_tchar(octet) => Ok(State::TrailerName),
            _ if at_line_start && is_ows(octet) => Err(Malformed::ObsFold.into()),
            _ if is_ows(octet) => Err(Malformed::SpaceBeforeColon.into()),
            b':' if !at_line_start => Ok(State::TrailerValue),
            _ => Err(Malformed::FieldName.into()),
        }
    }

    fn count_line_octet(&mut self) -> Result<(), Fault> {
        let limit = self.limits.line_octets;
        count(&mut self.line_octets, limit, LimitReached::ChunkLine)
    }

    fn count_extension_octet(&mut self) -> Result<(), Fault> {
        let limit = self.limits.extension_octets;
        count(
            &mut self.extension_octets,
            limit,
            LimitReached::ChunkExtensions,
        )
    }
}

/// How many octets of `unread` belong to a body of which so many remain.
pub(super) fn run_length(remaining: u64, unread: &[u8]) -> usize {
    usize::try_from(remaining).map_or(unread.len(), |remaining| remaining.min(unread.len()))
}

fn count(used: &mut usize, limit: usize, reached: LimitReached) -> Result<(), Fault> {
    if *used >= limit {
        return Err(reached.into());
    }
    *used = used.saturating_add(1);
    Ok(())
}

fn expect_lf(octet: u8) -> Result<(), Malformed> {
    match octet {
        b'\n' => Ok(()),
        _ => Err(Malformed::BareCr),
    }
}

fn hexadecimal(octet: u8) -> Option<u64> {
    char::from(octet).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests;
