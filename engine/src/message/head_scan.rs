//! Where a head ends, found while it arrives.
//!
//! Each octet is looked at once, however the input is split, and what is wrong with a
//! line is known as soon as an octet shows it. The same input yields the same answer
//! whether it comes whole or octet by octet: an octet past a limit is never looked at.

use memchr::{memchr, memchr_iter};

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
        if self.scanned == 0
            && let Some(end) = clean_head(window, limits)
        {
            return Ok(Some(end));
        }
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

/// Where a head ends that has arrived whole and has no fault: nearly every one. Whatever
/// is not so plain is `None`, and looked at line by line.
fn clean_head(window: &[u8], limits: &HeadLimits) -> Option<usize> {
    let first_lf = memchr(b'\n', window)?;
    let empty_line_follows = |lf: usize| {
        let next = window.get(lf..).and_then(|rest| rest.get(1..3));
        next == Some(b"\r\n")
    };
    let mut line_ends = memchr_iter(b'\n', window).enumerate();
    // As many field lines as line ends behind that of the start line.
    let (field_lines, last_lf) = line_ends.find(|(_, lf)| empty_line_follows(*lf))?;
    let end = last_lf.checked_add(3)?;
    let head = window.get(..end)?;
    // Neither early exit nor branch: so the loop becomes vector instructions.
    let pairs = head.iter().zip(head.get(1..)?);
    let faulty = pairs.fold(false, |faulty, (before, octet)| {
        let is_lf = *octet == b'\n';
        let torn = (*before == b'\r') != is_lf;
        let folded = (*before == b'\n') & ((*octet == b' ') | (*octet == b'\t'));
        let low = (*octet < b' ') & (*octet != b'\t') & (*octet != b'\r');
        faulty | torn | folded | (low & !is_lf) | (*octet == 0x7F)
    });
    (!faulty
        && octets::is_tchar(*head.first()?)
        // The CR before the first LF is no octet of the line.
        && first_lf <= limits.first_line_octets.saturating_add(1)
        && field_lines <= limits.field_lines)
        .then_some(end)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Generator, check, scan, ways};
    use super::*;
    use Malformed::{BareCr, BareLf, ControlCharacter, EmptyLine, FirstOctet, ObsFold};

    const SMALL: HeadLimits = HeadLimits {
        first_line_octets: 20,
        head_octets: 64,
        field_lines: 3,
        leading_empty_line: true,
    };

    type Row = (&'static str, &'static [u8], Result<Option<usize>, Fault>);

    const fn bad(malformed: Malformed) -> Result<Option<usize>, Fault> {
        Err(Fault::Malformed(malformed))
    }

    const fn over(limit: LimitReached) -> Result<Option<usize>, Fault> {
        Err(Fault::Limit(limit))
    }

    #[rustfmt::skip]
    const ENDS: &[Row] = &[
        ("nothing is no head yet", b"", Ok(None)),
        ("half a line is no head yet", b"GET / HT", Ok(None)),
        ("a CR may become a CRLF", b"GET / HTTP/1.1\r", Ok(None)),
        ("a line is no head yet", b"GET / HTTP/1.1\r\n", Ok(None)),
        ("half of the last CRLF is no end", b"GET /\r\na: b\r\n\r", Ok(None)),
        ("a start line alone is a head", b"GET /\r\n\r\n", Ok(Some(9))),
        ("a field line belongs to it", b"GET /\r\na: b\r\n\r\n", Ok(Some(15))),
        ("what follows is not looked at", b"GET /\r\n\r\n\0\n\r\x16", Ok(Some(9))),
        ("HTAB and obs-text may stand in a field", b"G /\r\na:\tb\x80\xFF\r\n\r\n", Ok(Some(15))),
        ("one empty line may stand before", b"\r\nGET /\r\n\r\n", Ok(Some(11))),
        ("half an empty line", b"\r", Ok(None)),
        ("an empty line and nothing else yet", b"\r\n", Ok(None)),
    ];

    #[rustfmt::skip]
    const FAULTS: &[Row] = &[
        ("two empty lines before", b"\r\n\r\nGET /\r\n\r\n", bad(EmptyLine)),
        ("LF alone at first", b"\nGET /\r\n\r\n", bad(BareLf)),
        ("LF alone after an empty line", b"\r\n\nGET", bad(BareLf)),
        ("LF alone after the start line", b"GET /\na: b\r\n\r\n", bad(BareLf)),
        ("LF alone after a field", b"GET /\r\na: b\n\r\n", bad(BareLf)),
        ("LF alone as the empty line", b"GET /\r\na: b\r\n\n", bad(BareLf)),
        ("LF alone within a value", b"GET /\r\na: b\nc: d\r\n\r\n", bad(BareLf)),
        ("LF CR", b"GET /\n\ra: b\r\n\r\n", bad(BareLf)),
        ("CR alone at first", b"\rGET /\r\n\r\n", bad(BareCr)),
        ("CR alone in the start line", b"GET\r/\r\n\r\n", bad(BareCr)),
        ("CR alone in a name", b"G /\r\na\rb: c\r\n\r\n", bad(BareCr)),
        ("CR alone in a value", b"G /\r\na: b\rc\r\n\r\n", bad(BareCr)),
        ("CR before CRLF", b"G /\r\na: b\r\r\n\r\n", bad(BareCr)),
        ("CR CR LF as the empty line", b"G /\r\na: b\r\n\r\r\n", bad(BareCr)),
        ("CR before a field", b"G /\r\n\ra: b\r\n\r\n", bad(BareCr)),
        ("NUL in the start line", b"G /\0 H\r\n\r\n", bad(ControlCharacter)),
        ("NUL in a name", b"G /\r\na\0: b\r\n\r\n", bad(ControlCharacter)),
        ("NUL in a value", b"G /\r\na: \0b\r\n\r\n", bad(ControlCharacter)),
        ("VT before a value", b"G /\r\na: \x0bb\r\n\r\n", bad(ControlCharacter)),
        ("FF after a name", b"G /\r\na\x0c: b\r\n\r\n", bad(ControlCharacter)),
        ("ESC in a value", b"G /\r\na: \x1b[1m\r\n\r\n", bad(ControlCharacter)),
        ("DEL in a value", b"G /\r\na: b\x7f\r\n\r\n", bad(ControlCharacter)),
        ("a fold with SP", b"G /\r\na: b\r\n c\r\n\r\n", bad(ObsFold)),
        ("a fold with HTAB", b"G /\r\na: b\r\n\tc\r\n\r\n", bad(ObsFold)),
        ("white space after the start line", b"G /\r\n a: b\r\n\r\n", bad(ObsFold)),
        ("a line of white space", b"G /\r\na: b\r\n \r\n\r\n", bad(ObsFold)),
        ("a TLS ClientHello", b"\x16\x03\x01", bad(FirstOctet)),
        ("NUL at first", b"\0", bad(FirstOctet)),
        ("white space at first", b" GET /", bad(FirstOctet)),
        ("markup", b"<html>", bad(FirstOctet)),
        ("obs-text at first", b"\xffSMB", bad(FirstOctet)),
        ("a brace after an empty line", b"\r\n{}", bad(FirstOctet)),
    ];

    #[rustfmt::skip]
    const BOUNDS: &[Row] = &[
        ("a start line of 20", b"GET /456789012345678\r\n\r\n", Ok(Some(24))),
        ("20 and no end yet", b"GET /456789012345678", Ok(None)),
        ("20 after an empty line", b"\r\nGET /456789012345678\r\n\r\n", Ok(Some(26))),
        ("21 and no end yet", b"GET /4567890123456789", over(LimitReached::RequestLine)),
        ("a start line of 21", b"GET /4567890123456789\r\n\r\n", over(LimitReached::RequestLine)),
        ("21 and a bare LF", b"GET /4567890123456789\n", over(LimitReached::RequestLine)),
        ("20 and a CR that ends nothing", b"GET /456789012345678\rx", over(LimitReached::RequestLine)),
        ("a fault past the limit is not seen", b"GET /4567890123456789\0", over(LimitReached::RequestLine)),
        ("a fault before the limit is", b"GET /45678901234567\0 ", bad(ControlCharacter)),
        ("3 field lines", b"G /\r\na:\r\nb:\r\nc:\r\n\r\n", Ok(Some(19))),
        ("4 field lines", b"G /\r\na:\r\nb:\r\nc:\r\nd", over(LimitReached::FieldLines)),
        ("4, the last one a fold", b"G /\r\na:\r\nb:\r\nc:\r\n d", over(LimitReached::FieldLines)),
    ];

    #[test]
    fn heads_end_at_their_empty_line() {
        check(ENDS, |pieces| scan(pieces, &SMALL));
    }

    #[test]
    fn lines_that_break_the_grammar_are_named() {
        check(FAULTS, |pieces| scan(pieces, &SMALL));
    }

    #[test]
    fn start_lines_and_field_lines_have_bounds() {
        check(BOUNDS, |pieces| scan(pieces, &SMALL));
    }

    #[test]
    fn a_head_has_a_bound() {
        for (sentence, end, expected) in [
            ("64 octets", "789\r\n\r\n", Ok(Some(64))),
            ("64 octets, more behind", "789\r\n\r\nG", Ok(Some(64))),
            ("63 octets and no end yet", "789\r\n\r", Ok(None)),
            (
                "64 octets and no end",
                "7890\r\n\r",
                over(LimitReached::HeadOctets),
            ),
            ("65 octets", "7890\r\n\r\n", over(LimitReached::HeadOctets)),
            (
                "a fault behind them",
                "7890\r\n\r\0",
                over(LimitReached::HeadOctets),
            ),
            ("a fault among them", "7890\0\r\n", bad(ControlCharacter)),
        ] {
            let head = format!("G /\r\na: {}{end}", "v".repeat(49));
            check(&[(sentence, head.as_bytes(), expected)], |pieces| {
                scan(pieces, &SMALL)
            });
        }
    }

    #[test]
    fn no_empty_line_may_stand_before_a_response() {
        let limits = HeadLimits::response(&Limits::default());
        let rows: &[Row] = &[
            ("none", b"HTTP/1.1 200\r\n\r\n", Ok(Some(16))),
            ("one", b"\r\nHTTP/1.1 200\r\n\r\n", bad(EmptyLine)),
        ];
        check(rows, |pieces| scan(pieces, &limits));
    }

    #[test]
    fn bounds_come_from_the_one_place() {
        let limits = Limits::default();
        let request = HeadLimits::request(&limits);
        let line = vec![b'x'; limits.request_line_octets];
        assert_eq!(scan(&[&line], &request), Ok(None));
        assert_eq!(
            scan(&[&line, b"x"], &request),
            over(LimitReached::RequestLine)
        );

        let response = HeadLimits::response(&limits);
        let line = vec![b'x'; limits.response_head_octets - 1];
        assert_eq!(scan(&[&line], &response), Ok(None));
        assert_eq!(
            scan(&[&line, b"x"], &response),
            over(LimitReached::HeadOctets)
        );
    }

    #[test]
    fn each_octet_is_looked_at_once() {
        let limits = HeadLimits::request(&Limits::default());
        let head = b"GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r";
        let mut scan = HeadScan::default();
        for end in 0..=head.len() {
            assert_eq!(scan.scan(&head[..end], &limits), Ok(None));
            let half_line_end = usize::from(head[..end].ends_with(b"\r"));
            assert_eq!(scan.scanned, end - half_line_end);
        }
    }

    #[test]
    fn a_scan_is_ready_for_the_next_head() {
        let mut scan = HeadScan::default();
        for _ in 0..3 {
            let found = scan.scan(b"\r\nGET /\r\na:\r\nb:\r\n\r\n", &SMALL);
            assert_eq!(found, Ok(Some(19)));
        }
    }

    /// What a reader says who has the whole input and all the time.
    fn naive(input: &[u8]) -> Option<usize> {
        let start = if input.starts_with(b"\r\n") { 2 } else { 0 };
        let found = input[start..]
            .windows(4)
            .position(|four| four == b"\r\n\r\n");
        let end = start + found?;
        let text: String = input[start..end].iter().map(|o| char::from(*o)).collect();
        let token_first = text.starts_with(|c| octets::is_tchar(c as u8));
        let good = token_first
            && text.split("\r\n").all(|line| {
                !line.starts_with([' ', '\t']) && !line.contains(|c| octets::is_control(c as u8))
            });
        good.then_some(end + 4)
    }

    #[test]
    fn damaged_heads_are_read_as_a_naive_reader_does_however_they_arrive() {
        const HEAD: &[u8] = b"\r\nGET /a?b H\r\nHost: a\r\nx:\t\"y, \xc3\xa9\" \r\n\r\n\r\n";
        let limits = HeadLimits::request(&Limits::default());
        let mut generator = Generator::seeded(1);
        for _ in 0..2_000 {
            let mut head = HEAD.to_vec();
            for _ in 0..=generator.below(3) {
                generator.damage(&mut head);
            }
            let whole = scan(&[&head], &limits);
            let shown = head.escape_ascii();
            assert_eq!(whole.ok().flatten(), naive(&head), "{shown}");
            for pieces in ways(&head) {
                assert_eq!(scan(&pieces, &limits), whole, "{shown}");
            }
        }
    }
}
