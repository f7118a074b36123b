//! Field lines as they were received: order, case, repetition and octets kept.
//!
//! There is no "get the first": a name may stand on several lines, and who looks at one
//! of them only is whom a smuggled second one is meant for.

use std::fmt;

use super::fault::Malformed;
use super::field_name::{FieldName, FieldNames};
use super::octets::{self, Span};

/// Where one field line stands in its head's block.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct LineSpan {
    line: Span,
    name_end: u32,
    value: Span,
    read_as: FieldName,
    /// Whether it is that very name, not one that may be taken for it.
    spelt: bool,
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
    /// The names that are spelt on at least one line.
    names: FieldNames,
    /// Those for which at least one line may be taken.
    readings: FieldNames,
}

/// One field line.
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct FieldLine<'a> {
    /// A token, in the case in which it came.
    pub name: &'a [u8],
    /// What it may be taken for where `_` and `-` are the same.
    pub read_as: FieldName,
    spelt: bool,
    /// Without the optional white space around it; may be empty, may hold obs-text.
    pub value: &'a [u8],
    /// The whole line as received, CRLF included.
    pub raw: &'a [u8],
}

impl FieldLine<'_> {
    /// What its name is.
    pub fn known(&self) -> FieldName {
        match self.spelt {
            true => self.read_as,
            false => FieldName::Other,
        }
    }
}

impl FieldSection {
    /// `storage.lines` are spans of `storage.block`, see [`span_lines`].
    pub(super) fn new(storage: HeadStorage) -> FieldSection {
        let (mut names, mut readings) = (FieldNames::default(), FieldNames::default());
        for line in &storage.lines {
            readings.insert(line.read_as);
            if line.spelt {
                names.insert(line.read_as);
            }
        }
        FieldSection {
            storage,
            names,
            readings,
        }
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
            read_as: span.read_as,
            spelt: span.spelt,
            value: span.value.of(block),
            raw: span.line.of(block),
        })
    }

    /// Whether a line has this name.
    pub fn has(&self, name: FieldName) -> bool {
        self.names.contains(name)
    }

    /// Whether a line may be taken for one of these.
    pub fn may_have(&self, names: &[FieldName]) -> bool {
        names.iter().any(|name| self.readings.contains(*name))
    }

    /// The value of every line with this name, in the order received.
    pub fn all(&self, name: FieldName) -> impl Iterator<Item = &[u8]> + Clone {
        let lines: &[LineSpan] = match self.has(name) {
            true => &self.storage.lines,
            false => &[],
        };
        lines
            .iter()
            .filter(move |line| line.read_as == name && line.spelt)
            .map(|line| line.value.of(self.block()))
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
    for (octets, value) in fields {
        let name = Span::locate(block, octets);
        let (read_as, spelt) = FieldName::recognize(octets);
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
            read_as,
            spelt,
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Generator, request, request_octets};
    use super::*;

    #[test]
    fn lines_keep_order_case_repetition_and_octets() {
        let octets = b"GET / HTTP/1.1\r\nHOST:a\r\nlinK: 1\r\nX:\t \"q, \xff\" \t\r\n\
            Link:\t2\r\nempty:\r\nblank: \t \r\n\r\n";
        let head = request(&[octets]).unwrap();
        let lines: Vec<_> = head
            .fields()
            .lines()
            .map(|l| (l.name, l.value, l.raw))
            .collect();
        let expected: [(&[u8], &[u8], &[u8]); 6] = [
            (b"HOST", b"a", b"HOST:a\r\n"),
            (b"linK", b"1", b"linK: 1\r\n"),
            (b"X", b"\"q, \xff\"", b"X:\t \"q, \xff\" \t\r\n"),
            (b"Link", b"2", b"Link:\t2\r\n"),
            (b"empty", b"", b"empty:\r\n"),
            (b"blank", b"", b"blank: \t \r\n"),
        ];
        assert_eq!(lines, expected);
        let links: Vec<_> = head.fields().all(FieldName::Link).collect();
        assert_eq!(links, [b"1", b"2"]);
        assert_eq!(head.fields().all(FieldName::Cookie).count(), 0);
    }

    #[test]
    fn a_head_in_a_log_shows_no_value() {
        let octets = request_octets("GET / HTTP/1.1", "Authorization: Bearer s3cret\r\n");
        let shown = format!("{:?}", request(&[&octets]).unwrap());
        assert!(
            !shown.contains("s3cret") && !shown.contains("115, 51"),
            "{shown}"
        );
    }

    #[test]
    fn lists_are_read_over_all_lines() {
        for (sentence, lines, expected) in [
            ("no line has no members", &[][..], &[][..]),
            ("an empty line has none", &[""], &[]),
            ("one member", &["close"], &["close"]),
            ("several members", &["a,b ,\tc"], &["a", "b", "c"]),
            ("several lines", &["a, b", "c"], &["a", "b", "c"]),
            (
                "empty members are skipped",
                &[" , ,,a,, ", ",", "b,"],
                &["a", "b"],
            ),
            ("a quoted comma", &[r#"a="x,y", b"#], &[r#"a="x,y""#, "b"]),
            ("an escaped quote", &[r#""x\",y", b"#], &[r#""x\",y""#, "b"]),
            ("an escaped backslash", &[r#""x\\", b"#], &[r#""x\\""#, "b"]),
            ("a backslash outside quotes", &[r"a\, b"], &[r"a\", "b"]),
            (
                "an open quote ends with its line",
                &[r#""a, b"#, "c"],
                &[r#""a, b"#, "c"],
            ),
        ] {
            let members: Vec<_> = list_members(lines.iter().map(|l: &&str| l.as_bytes()))
                .map(|member| str::from_utf8(member).unwrap())
                .collect();
            assert_eq!(members, expected, "{sentence}");
        }
    }

    /// Name and value of each line, as a reader without spans finds them.
    fn naive(block: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let text: String = block.iter().map(|octet| char::from(*octet)).collect();
        let section = text.trim_start_matches("\r\n").strip_suffix("\r\n\r\n")?;
        let octets = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<u8>>();
        let line = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let good = octets::is_token(&octets(name));
            good.then(|| (octets(name), octets(value.trim_matches([' ', '\t']))))
        };
        section.split("\r\n").skip(1).map(line).collect()
    }

    #[test]
    fn damaged_heads_hold_what_a_naive_reader_finds() {
        let lines = "X: \"y, z\" \r\nempty:\r\nAccept:\ttext/html;q=0.1\r\n";
        let mut generator = Generator::seeded(2);
        let mut taken = 0;
        for _ in 0..10_000 {
            let mut octets = request_octets("GET /a?b HTTP/1.1", lines);
            for _ in 0..=generator.below(2) {
                generator.damage(&mut octets);
            }
            octets.extend_from_slice(b"\r\n\r\n"); // so that there is an end or a fault
            let Ok(head) = request(&[&octets]) else {
                continue;
            };
            taken += 1;
            let shown = octets.escape_ascii();
            let mut fields = Vec::new();
            let mut rebuilt = octets::start_line(head.fields().block()).to_vec();
            rebuilt.extend_from_slice(b"\r\n");
            for line in head.fields().lines() {
                fields.push((line.name.to_vec(), line.value.to_vec()));
                rebuilt.extend_from_slice(line.raw);
            }
            rebuilt.extend_from_slice(b"\r\n");
            assert_eq!(Some(fields), naive(head.fields().block()), "{shown}");
            assert_eq!(
                rebuilt,
                octets::after_empty_line(head.fields().block()),
                "{shown}"
            );
        }
        assert!(taken > 1_000, "only {taken} heads were well-formed");
    }
}
