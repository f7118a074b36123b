//! A text of any length, as pieces that the scanner takes in whole.
//!
//! The scanner cuts its input at the first blank line after some tens of thousands of octets,
//! and a secret that lies across a cut is lost. Only the blank lines *between* pieces may be
//! such places: those of the text itself (an encrypted private key has one) are filled with a
//! form feed, which the scanner's rules take for white space and its cutting does not.

use std::io;

use memchr::{memchr, memchr_iter, memrchr};

use crate::gate::limits::{CUT_OCTETS, OVERLAP_OCTETS, PIECE_OCTETS};

/// What takes pieces.
pub(super) trait Sink {
    /// The next piece. Its first octet is in that line of the text, counted from 1.
    ///
    /// # Errors
    ///
    /// Whoever is behind takes no more.
    fn piece(&mut self, line: u32, piece: &[u8]) -> io::Result<()>;
}

/// One text on its way into pieces.
pub(super) struct Pieces {
    /// What is in no piece yet, after the overlap with the last.
    buffer: Vec<u8>,
    /// How much of the buffer the last piece had.
    given: usize,
    /// The line of the buffer's first octet.
    line: u32,
    /// Whether the current line is blank so far.
    blank: bool,
}

impl Pieces {
    /// Those of a text that begins in that line.
    pub(super) const fn from_line(line: u32) -> Pieces {
        Pieces {
            buffer: Vec::new(),
            given: 0,
            line,
            blank: true,
        }
    }

    /// The same memory for another text.
    pub(super) fn begin(&mut self, line: u32) {
        self.buffer.clear();
        self.given = 0;
        self.line = line;
        self.blank = true;
    }

    /// More of the text.
    pub(super) fn push(&mut self, mut text: &[u8], sink: &mut impl Sink) -> io::Result<()> {
        while let Some(end) = memchr(b'\n', text) {
            self.append(&text[..end], sink)?;
            if self.blank && is_white(&text[..end]) {
                self.append(b"\x0c", sink)?;
            }
            self.append(b"\n", sink)?;
            self.blank = true;
            text = &text[end + 1..];
        }
        self.blank = self.blank && is_white(text);
        self.append(text, sink)
    }

    /// The end of the text.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> io::Result<()> {
        if self.buffer.len() > self.given {
            sink.piece(self.line, &self.buffer)?;
        }
        self.begin(1);
        Ok(())
    }

    fn append(&mut self, mut octets: &[u8], sink: &mut impl Sink) -> io::Result<()> {
        while !octets.is_empty() {
            if self.buffer.len() == PIECE_OCTETS {
                self.give(sink)?;
            }
            let room = PIECE_OCTETS - self.buffer.len();
            let (now, later) = octets.split_at(room.min(octets.len()));
            self.buffer.extend_from_slice(now);
            octets = later;
        }
        Ok(())
    }

    /// Gives a piece of the full buffer, and keeps the overlap and what is behind the cut.
    fn give(&mut self, sink: &mut impl Sink) -> io::Result<()> {
        let end = cut(&self.buffer, self.buffer.len());
        let start = cut(&self.buffer, end - OVERLAP_OCTETS);
        sink.piece(self.line, &self.buffer[..end])?;
        let lines = memchr_iter(b'\n', &self.buffer[..start]).count();
        self.line = self
            .line
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.buffer.drain(..start);
        self.given = end - start;
        Ok(())
    }
}

/// Where to cut, at `latest` or at the end of a line shortly before.
fn cut(text: &[u8], latest: usize) -> usize {
    let from = latest.saturating_sub(CUT_OCTETS);
    memrchr(b'\n', &text[from..latest]).map_or(latest, |at| from + at + 1)
}

/// White space as the scanner's cutting knows it, within a line.
fn is_white(text: &[u8]) -> bool {
    text.iter()
        .all(|octet| matches!(octet, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Kept(Vec<(u32, Vec<u8>)>);

    impl Sink for Kept {
        fn piece(&mut self, line: u32, piece: &[u8]) -> io::Result<()> {
            self.0.push((line, piece.to_vec()));
            Ok(())
        }
    }

    /// The pieces of a text that comes in blocks of that size.
    fn pieces(text: &[u8], block: usize) -> Vec<(u32, Vec<u8>)> {
        let (mut pieces, mut kept) = (Pieces::from_line(1), Kept(Vec::new()));
        for block in text.chunks(block) {
            pieces.push(block, &mut kept).expect("a vector takes all");
        }
        pieces.finish(&mut kept).expect("a vector takes all");
        kept.0
    }

    #[test]
    fn a_short_text_is_one_piece_and_an_empty_one_none() {
        assert_eq!(pieces(b"", 1), []);
        assert_eq!(pieces(b"a\nb", 1), [(1, b"a\nb".to_vec())]);
        let full = vec![b'x'; PIECE_OCTETS];
        assert_eq!(pieces(&full, 1000), [(1, full.clone())]);
    }

    #[test]
    fn whatever_is_no_longer_than_the_overlap_is_whole_in_some_piece() {
        // One line without an end: no place is better than another.
        let text: Vec<u8> = (0..60_000_u32)
            .flat_map(|n| n.to_be_bytes().map(|b| b | 64))
            .collect();
        let cut = pieces(&text, 777);
        assert!(
            cut.iter()
                .all(|(line, piece)| *line == 1 && piece.len() <= PIECE_OCTETS)
        );
        let mut end = 0;
        for (_, piece) in &cut {
            let start = if end == 0 { 0 } else { end - OVERLAP_OCTETS };
            assert_eq!(&text[start..start + piece.len()], piece);
            end = start + piece.len();
        }
        assert_eq!(end, text.len());
    }

    #[test]
    fn lines_are_cut_at_their_ends_and_counted() {
        let text: String = (1..=30_000).map(|line| format!("{line}\n")).collect();
        for block in [1, 4096, 1 << 20] {
            let mut expected = 1;
            for (line, piece) in pieces(text.as_bytes(), block) {
                assert!(piece.len() <= PIECE_OCTETS && piece.ends_with(b"\n"));
                let piece = String::from_utf8(piece).expect("digits");
                assert!(piece.starts_with(&format!("{line}\n")), "{line}");
                assert!(line <= expected, "no line is left out");
                expected = line + u32::try_from(piece.lines().count()).expect("few");
            }
            assert_eq!(expected, 30_001);
        }
    }

    #[test]
    fn no_line_of_a_piece_is_blank() {
        let filled = |text: &[u8]| pieces(text, 1).remove(0).1;
        assert_eq!(filled(b"a\n\nb"), b"a\n\x0c\nb");
        assert_eq!(filled(b"a\r\n \t\r\n\nb\n"), b"a\r\n \t\r\x0c\n\x0c\nb\n");
        assert_eq!(filled(b"\na"), b"\x0c\na");
        // Neither is blank to who cuts.
        assert_eq!(filled(b"a\n\x0b\nb\n\0\n"), b"a\n\x0b\nb\n\0\n");
        // As many as there may be: every piece is still of its size.
        let cut = pieces(&[b'\n'; 100_000], 1 << 20);
        assert!(cut.iter().all(|(_, piece)| piece.len() <= PIECE_OCTETS));
        assert!(
            cut.iter()
                .all(|(_, piece)| !piece.windows(2).any(|two| two == b"\n\n"))
        );
        let last = cut
            .last()
            .map(|(line, piece)| *line as usize + piece.len() / 2 - 1);
        assert_eq!(last, Some(100_000));
    }
}
