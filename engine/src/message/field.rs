//! Field lines as they were received: order, case, repetition and octets kept.
//!
//! There is no "get the first": a name may stand on several lines, and who looks at one
//! of them only is whom a smuggled second one is meant for.

use std::fmt;

use super::fault::Malformed;
use super::octets::{self, Span};

/// Where one field line stands in its head's block.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct LineSpan {
    line: Span,
    name_end: u32,
    value: Span,
}

/// The memory of a head, taken back when the head is done with, so that a warm exchange
/// allocates nothing.
#[derive(Default)]
pub struct HeadStorage {
    /// The octets of the head, start line to final empty line.
    pub block: Vec<u8>,
    /// Filled by parsing; what it held before does not matter.
    pub lines: Vec<LineSpan>,
}

impl HeadStorage {
    pub(super) fn clear(&mut self) {
        self.block.clear();
        self.lines.clear();
    }
}

/// The field lines of one head, and the block in which they stand.
pub struct FieldSection {
    storage: HeadStorage,
}

/// One field line.
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct FieldLine<'a> {
    /// A token, in the case in which it came.
    pub name: &'a [u8],
    /// Without the optional white space around it; may be empty, may hold obs-text.
    pub value: &'a [u8],
    /// The whole line as received, CRLF included.
    pub raw: &'a [u8],
}

impl FieldSection {
    /// `storage.lines` are spans of `storage.block`, see [`span_lines`].
    pub(super) fn new(storage: HeadStorage) -> FieldSection {
        FieldSection { storage }
    }

    pub(super) fn block(&self) -> &[u8] {
        &self.storage.block
    }

    pub(super) fn into_storage(self) -> HeadStorage {
        self.storage
    }

    /// Every line, in the order received.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = FieldLine<'_>> + Clone {
        let block = self.block();
        self.storage.lines.iter().map(|span| FieldLine {
            name: Span {
                start: span.line.start,
                end: span.name_end,
            }
            .of(block),
            value: span.value.of(block),
            raw: span.line.of(block),
        })
    }

    /// The value of every line with this name, letter case ignored, in the order received.
    pub fn all<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + Clone + 'a {
        self.lines()
            .filter(move |line| line.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|line| line.value)
    }
}

/// Counts only: a head holds what its sender would not see in a log.
impl fmt::Debug for FieldSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldSection")
            .field("lines", &self.storage.lines.len())
            .finish_non_exhaustive()
    }
}

/// Notes where each field line of `block` stands. `fields` are names and trimmed values
/// in order, each a part of `block`; a name is the start of its line.
pub(super) fn span_lines<'b>(
    block: &'b [u8],
    fields: impl Iterator<Item = (&'b [u8], &'b [u8])>,
    lines: &mut Vec<LineSpan>,
) {
    lines.clear();
    // The last line ends where the final CRLF begins, any other where the next begins.
    let section_end = block.len().saturating_sub(2) as u32;
    for (name, value) in fields {
        let name = Span::locate(block, name);
        if let Some(previous) = lines.last_mut() {
            previous.line.end = name.start;
        }
        lines.push(LineSpan {
            line: Span {
                start: name.start,
                end: section_end,
            },
            name_end: name.end,
            value: Span::locate(block, value),
        });
    }
}

/// Names what is wrong with the first malformed field line of a head that is known to
/// hold one. The reader that stopped there says only that it stopped.
#[cold]
pub(super) fn name_fault(block: &[u8]) -> Malformed {
    let lines = octets::after_empty_line(block).split(|octet| *octet == b'\n');
    let contents = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    for line in contents.skip(1).take_while(|line| !line.is_empty()) {
        let Some(colon) = memchr::memchr(b':', line) else {
            return Malformed::ColonMissing;
        };
        let name = line.get(..colon).unwrap_or_default();
        if octets::is_token(name) {
            continue;
        }
        return match name {
            [b' ' | b'\t', ..] => Malformed::ObsFold,
            [.., b' ' | b'\t'] if octets::is_token(octets::trim_ows(name)) => {
                Malformed::SpaceBeforeColon
            }
            _ => Malformed::FieldName,
        };
    }
    Malformed::ControlCharacter
}

/// The members of a comma-separated list over all lines of a field (RFC 9110 §5.6.1):
/// white space trimmed, empty members skipped, a comma in a quoted-string is none.
pub fn list_members<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    values.flat_map(|value| ListMembers { rest: value })
}

struct ListMembers<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for ListMembers<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (member, rest) = split_at_comma(self.rest);
            self.rest = rest;
            let member = octets::trim_ows(member);
            if !member.is_empty() {
                return Some(member);
            }
        }
        None
    }
}

/// What stands before the first comma outside a quoted-string, and what after it. A
/// quoted-string that is never closed reaches to the end.
fn split_at_comma(list: &[u8]) -> (&[u8], &[u8]) {
    let mut quoted = false;
    let mut escaped = false;
    let comma = list.iter().position(|octet| {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return true,
            _ => {}
        }
        false
    });
    match comma.and_then(|at| list.split_at_checked(at)) {
        Some((member, [_, rest @ ..])) => (member, rest),
        Some((member, [])) => (member, &[]),
        None => (list, &[]),
    }
}
