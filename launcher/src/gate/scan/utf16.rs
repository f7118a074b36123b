//! Text of two octets a letter, which the scanner does not read, as UTF-8.
//!
//! No mark tells where it begins: it is looked for everywhere, in either order of octets and
//! at either alignment. A run of units below U+0250, that is of Latin letters, digits and
//! signs, is text; so are not many others. U+0000 is in no run, or every hole in a binary
//! would be one.

use std::io;

use memchr::{memchr_iter, memchr3};

use super::pieces::{Pieces, Sink};
use crate::gate::limits::RUN_UNITS;

/// The high octets of what is below U+0250.
const HIGH: [u8; 3] = [0, 1, 2];

/// One object's octets, looked through for runs.
pub(super) struct Utf16 {
    /// Little and big endian, of units that begin at an even and at an odd octet.
    runs: [[Run; 2]; 2],
    /// The octet before.
    previous: Option<u8>,
    /// Octets so far, of which only this bit matters.
    odd: bool,
    /// Of the next octet.
    line: u32,
}

impl Utf16 {
    pub(super) fn new() -> Utf16 {
        Utf16 {
            runs: [[Run::new(), Run::new()], [Run::new(), Run::new()]],
            previous: None,
            odd: false,
            line: 1,
        }
    }

    /// More of the object.
    pub(super) fn push(&mut self, mut octets: &[u8], sink: &mut impl Sink) -> io::Result<()> {
        while !octets.is_empty() {
            octets = self.skip(octets);
            let Some((&octet, rest)) = octets.split_first() else {
                break;
            };
            self.step(octet, sink)?;
            octets = rest;
        }
        Ok(())
    }

    /// The end of the object.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> io::Result<()> {
        for run in self.runs.as_flattened_mut() {
            run.end(sink)?;
        }
        (self.previous, self.odd, self.line) = (None, false, 1);
        Ok(())
    }

    /// Where no run is open, none begins before the next octet that can be a high one.
    fn skip<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let open = self.runs.as_flattened().iter().any(|run| run.units > 0);
        if open || self.previous.is_some_and(|octet| HIGH.contains(&octet)) {
            return octets;
        }
        let count = memchr3(HIGH[0], HIGH[1], HIGH[2], octets).unwrap_or(octets.len());
        let (skipped, rest) = octets.split_at(count);
        if let Some(last) = skipped.last() {
            self.previous = Some(*last);
            self.odd ^= count % 2 == 1;
            self.count_lines(skipped);
        }
        rest
    }

    /// An octet ends one unit of either order.
    fn step(&mut self, octet: u8, sink: &mut impl Sink) -> io::Result<()> {
        if let Some(previous) = self.previous.replace(octet) {
            let [little, big] = &mut self.runs[usize::from(self.odd)];
            little.unit(u16::from_le_bytes([previous, octet]), self.line, sink)?;
            big.unit(u16::from_be_bytes([previous, octet]), self.line, sink)?;
        }
        self.odd = !self.odd;
        self.count_lines(&[octet]);
        Ok(())
    }

    fn count_lines(&mut self, octets: &[u8]) {
        let lines = memchr_iter(b'\n', octets).count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
    }
}

/// One run, or the beginning of one.
struct Run {
    /// The first units, kept until there are enough.
    first: [char; RUN_UNITS],
    /// How many of them there are; all: it is a run.
    units: usize,
    text: Pieces,
}

impl Run {
    fn new() -> Run {
        Run {
            first: ['\0'; RUN_UNITS],
            units: 0,
            text: Pieces::from_line(1),
        }
    }

    fn unit(&mut self, unit: u16, line: u32, sink: &mut impl Sink) -> io::Result<()> {
        let letter = char::from_u32(u32::from(unit)).unwrap_or('\0');
        if !('\u{1}'..'\u{250}').contains(&letter) {
            return self.end(sink);
        }
        if self.units == RUN_UNITS {
            return self
                .text
                .push(letter.encode_utf8(&mut [0; 4]).as_bytes(), sink);
        }
        if self.units == 0 {
            self.text.begin(line);
        }
        self.first[self.units] = letter;
        self.units += 1;
        if self.units == RUN_UNITS {
            let first: String = self.first.iter().collect();
            self.text.push(first.as_bytes(), sink)?;
        }
        Ok(())
    }

    fn end(&mut self, sink: &mut impl Sink) -> io::Result<()> {
        let is_text = self.units == RUN_UNITS;
        self.units = 0;
        if is_text {
            self.text.finish(sink)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Kept(Vec<(u32, String)>);

    impl Sink for Kept {
        fn piece(&mut self, line: u32, piece: &[u8]) -> io::Result<()> {
            let text = String::from_utf8(piece.to_vec()).expect("UTF-8");
            self.0.push((line, text));
            Ok(())
        }
    }

    fn texts(octets: &[u8], block: usize) -> Vec<(u32, String)> {
        let (mut utf16, mut kept) = (Utf16::new(), Kept(Vec::new()));
        for block in octets.chunks(block) {
            utf16.push(block, &mut kept).expect("a vector takes all");
        }
        utf16.finish(&mut kept).expect("a vector takes all");
        kept.0
    }

    fn little(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn big(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn it_is_found_in_either_order_at_any_place_in_any_blocks() {
        let text = "pass = žluťoučký";
        for octets in [little(text), big(text)] {
            for before in [
                &b""[..],
                b"\xff",
                b"x\xff",
                b"\xff\xfe",
                b"\xfe\xff",
                b"abc\xff\n",
            ] {
                for block in [1, 2, 3, 1024] {
                    let all = [before, &octets, b"\xff\xff\xff"].concat();
                    let found = texts(&all, block);
                    let whole = |(_, found): &(u32, String)| found.contains(text);
                    assert!(found.iter().any(whole), "{before:?} {block} {found:?}");
                }
            }
        }
    }

    #[test]
    fn a_run_is_of_eight_units_or_none() {
        assert_eq!(texts(&little("\u{3000}1234567\u{3000}"), 5), []);
        let found = texts(&little("\u{3000}12345678\u{3000}"), 5);
        assert!(found.contains(&(1, "12345678".to_owned())), "{found:?}");
        assert_eq!(texts("plain text, größer als acht".as_bytes(), 3), []);
        assert_eq!(texts(&[0; 4096], 100), []);
    }

    #[test]
    fn its_line_is_the_object_s() {
        let text = format!("{}\nnext line\n", "a".repeat(20_000));
        let octets = [b"one\ntwo\n\xff\xff".to_vec(), little(&text)].concat();
        let found = texts(&octets, 1000);
        let last = found.iter().filter(|(_, text)| text.contains("next line"));
        for (line, text) in last {
            let before = text.split("next line").next().expect("a part");
            assert_eq!(*line as usize + before.matches('\n').count(), 4);
        }
        // Longer than a piece: cut, and nothing lost.
        assert!(found.len() >= 2);
    }
}
