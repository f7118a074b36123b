//! Where a head ends, found while it arrives.
//!
//! Each octet is looked at once, however the input is split, and what is wrong with a
//! line is known as soon as an octet shows it. The same input yields the same answer
//! whether it comes whole or octet by octet: an octet past a limit is never looked at.

use memchr::memchr;

use super::fault::{Fault, LimitReached, Malformed};
use super::octets;
use crate::limits::Limits;

/// What a head may be at most. The bound itself passes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct HeadLimits {
    /// Octets of the start line, CRLF not counted.
    pub first_line_octets: usize,
    /// Octets of everything, the final empty line and a leading one counted.
    pub head_octets: usize,
    /// Field lines.
    pub field_lines: usize,
    /// Whether one empty line may stand before the start line (RFC 9112 §2.2: some
    /// clients send a CRLF too many after a body).
    pub leading_empty_line: bool,
}

impl HeadLimits {
    /// What a client may send.
    pub fn request(limits: &Limits) -> HeadLimits {
        HeadLimits {
            first_line_octets: limits.request_line_octets,
            head_octets: limits.request_head_octets,
            field_lines: limits.request_field_lines,
            leading_empty_line: true,
        }
    }

    /// What an upstream may send. A status line has no limit of its own.
    pub fn response(limits: &Limits) -> HeadLimits {
        HeadLimits {
            first_line_octets: limits.response_head_octets,
            head_octets: limits.response_head_octets,
            field_lines: limits.response_field_lines,
            leading_empty_line: false,
        }
    }
}

/// Looks for the end of a head. After a head was found it is ready for the next one;
/// after a fault it is of no further use.
#[derive(Default, Debug)]
pub struct HeadScan {
    line: Line,
    /// Where the current line begins.
    line_start: usize,
    /// How far octets are known to be good. A CR that may be half of a CRLF is not.
    scanned: usize,
    /// Field lines that are complete.
    field_lines: usize,
}

/// Which line is being scanned.
#[derive(Copy, Clone, Default, Debug)]
enum Line {
    /// The start line, or an empty one before it.
    #[default]
    First,
    /// The start line; an empty line was before it.
    Start,
    /// A field line, or the empty line that ends the head.
    Field,
}

impl HeadScan {
    /// Goes on where the last call ended. `unread` always starts with the first octet of
    /// the head and only ever grows. `Some(n)`: the head is `unread[..n]`, its final
    /// empty line and a leading one included.
    pub fn scan(&mut self, unread: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Fault> {
        let window = unread.get(..limits.head_octets).unwrap_or(unread);
        loop {
            let fresh = window.get(self.scanned..).unwrap_or_default();
            let Some(found) = memchr(b'\n', fresh) else {
                let half_line_end = usize::from(fresh.ends_with(b"\r"));
                self.admit(window, window.len().saturating_sub(half_line_end), limits)?;
                if window.len() >= limits.head_octets {
                    return Err(LimitReached::HeadOctets.into());
                }
                return Ok(None);
            };
            let lf = self.scanned.saturating_add(found);
            let has_cr = fresh.get(..found).is_some_and(|line| line.ends_with(b"\r"));
            let content_end = lf.saturating_sub(usize::from(has_cr));
            self.admit(window, content_end, limits)?;
            if !has_cr {
                return Err(Malformed::BareLf.into());
            }
            let empty = content_end == self.line_start;
            let next_line = lf.saturating_add(1);
            self.line_start = next_line;
            self.scanned = next_line;
            self.line = match (self.line, empty) {
                (Line::First, true) if limits.leading_empty_line => Line::Start,
                (Line::First | Line::Start, true) => return Err(Malformed::EmptyLine.into()),
                (Line::First | Line::Start, false) => Line::Field,
                (Line::Field, false) => {
                    self.field_lines = self.field_lines.saturating_add(1);
                    Line::Field
                }
                (Line::Field, true) => {
                    *self = HeadScan::default();
                    return Ok(Some(next_line));
                }
            };
        }
    }

    /// Takes the current line's content up to `end`, as far as it is not yet known.
    fn admit(&mut self, window: &[u8], end: usize, limits: &HeadLimits) -> Result<(), Fault> {
        let content = window.get(self.scanned..end).unwrap_or_default();
        let Some(&octet) = content.first() else {
            return Ok(());
        };
        let at_line_start = self.scanned == self.line_start;
        let allowed_end = match self.line {
            Line::First | Line::Start => {
                // A CR here is no line end, which the search below says better.
                if at_line_start && !octets::is_tchar(octet) && octet != b'\r' {
                    return Err(Malformed::FirstOctet.into());
                }
                end.min(self.line_start.saturating_add(limits.first_line_octets))
            }
            Line::Field => {
                if self.field_lines >= limits.field_lines {
                    return Err(LimitReached::FieldLines.into());
                }
                if at_line_start && octets::is_ows(octet) {
                    return Err(Malformed::ObsFold.into());
                }
                end
            }
        };
        octets::refuse_controls(window.get(self.scanned..allowed_end).unwrap_or_default())?;
        if allowed_end < end {
            return Err(LimitReached::RequestLine.into());
        }
        self.scanned = end;
        Ok(())
    }
}
