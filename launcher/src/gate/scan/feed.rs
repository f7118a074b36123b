//! What the scanner reads: pieces with a blank line between them, and nothing that looks like
//! an archive first.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write};

use memchr::memchr_iter;

use super::ledger::{Ledger, Source};
use super::pieces::{Pieces, Sink};
use crate::gate::limits::{NAMES_REMEMBERED, PIECE_OCTETS, PREFACE_OCTETS};

/// The text of the preface, again and again.
const PREFACE: &[u8] = b"What bottle-gate has for the scanner begins further below.\n";

/// Between two names. No rule takes the control character for white space, so that nothing is
/// found that is in neither.
const BETWEEN: &[u8] = b"\n\x1d\n";

/// What makes a place between two names one between two pieces.
const BLANK: &[u8] = b"\n";

/// The feed on its way.
pub(super) struct Feed<W> {
    out: W,
    octets: u64,
    /// Of the next octet, counted from 1 as the scanner does.
    line: u64,
    /// Octets of names since the last blank line.
    group: usize,
    ledger: Ledger,
    names: Names,
}

impl<W: Write> Feed<W> {
    /// Begins it.
    pub(super) fn to(out: W) -> io::Result<Feed<W>> {
        let mut feed = Feed {
            out,
            octets: 0,
            line: 1,
            group: 0,
            ledger: Ledger::new(),
            names: Names::new(),
        };
        for _ in 0..PREFACE_OCTETS.div_ceil(PREFACE.len()) {
            feed.write(PREFACE)?;
        }
        feed.write(BLANK)?;
        Ok(feed)
    }

    /// What is told of the objects in it.
    pub(super) const fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Takes the pieces of an object.
    pub(super) const fn object(&mut self, number: u32) -> Object<'_, W> {
        Object { feed: self, number }
    }

    /// A name that is not in a text: a ref's.
    pub(super) fn name(&mut self, name: &[u8], source: Source) -> io::Result<()> {
        if self.group > 0 && self.group + name.len() > PIECE_OCTETS {
            self.end_names()?;
        }
        self.ledger.mark(self.line, source);
        if name.len() > PIECE_OCTETS {
            let (mut pieces, mut long) = (Pieces::from_line(1), LongName { feed: self, source });
            for part in lines(name) {
                pieces.push(part, &mut long)?;
            }
            return pieces.finish(&mut long);
        }
        for part in lines(name) {
            self.write(part)?;
        }
        self.group += name.len() + BETWEEN.len();
        self.write(BETWEEN)
    }

    /// The name of a tree's entry, unless it was there before.
    pub(super) fn entry(&mut self, name: &[u8], source: Source) -> io::Result<()> {
        if self.names.is_new(name) {
            self.name(name, source)
        } else {
            Ok(())
        }
    }

    /// The last of some names.
    pub(super) fn end_names(&mut self) -> io::Result<()> {
        if self.group == 0 {
            return Ok(());
        }
        self.group = 0;
        self.write(BLANK)
    }

    /// Ends it. Gives how many octets it had, and what came from where.
    pub(super) fn finish(mut self) -> io::Result<(u64, Ledger)> {
        self.out.flush()?;
        Ok((self.octets, self.ledger))
    }

    fn piece(&mut self, piece: &[u8], source: Source) -> io::Result<()> {
        self.ledger.mark(self.line, source);
        self.write(piece)?;
        self.write(BETWEEN)?;
        self.write(BLANK)
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.out.write_all(octets)?;
        self.octets += octets.len() as u64;
        self.line += memchr_iter(b'\n', octets).count() as u64;
        Ok(())
    }
}

/// The place in the feed of one object.
pub(super) struct Object<'a, W> {
    feed: &'a mut Feed<W>,
    number: u32,
}

impl<W: Write> Sink for Object<'_, W> {
    fn piece(&mut self, line: u32, piece: &[u8]) -> io::Result<()> {
        self.feed.piece(piece, Source::Object(self.number, line))
    }
}

/// The place in the feed of one name that is longer than a piece.
struct LongName<'a, W> {
    feed: &'a mut Feed<W>,
    source: Source,
}

impl<W: Write> Sink for LongName<'_, W> {
    fn piece(&mut self, _: u32, piece: &[u8]) -> io::Result<()> {
        self.feed.piece(piece, self.source)
    }
}

/// A name on one line: what breaks lines in it becomes white space of another kind.
fn lines(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split_inclusive(|octet| *octet == b'\n')
        .flat_map(|line| match line.strip_suffix(b"\n") {
            Some(line) => [line, b"\x0c"],
            None => [line, b""],
        })
}

/// The names that were there before, by a hash that nobody can foresee.
struct Names {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl Names {
    fn new() -> Names {
        Names {
            hasher: RandomState::new(),
            hashes: HashSet::new(),
        }
    }

    fn is_new(&mut self, name: &[u8]) -> bool {
        let hash = self.hasher.hash_one(name);
        if self.hashes.len() < NAMES_REMEMBERED {
            self.hashes.insert(hash)
        } else {
            !self.hashes.contains(&hash)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::scan::ledger::Kind;

    /// What is in the feed behind its preface.
    fn behind_preface(feed: &Feed<Vec<u8>>) -> Vec<u8> {
        let preface = PREFACE_OCTETS.div_ceil(PREFACE.len()) * PREFACE.len() + 1;
        assert!(preface > 32_774);
        feed.out[preface..].to_vec()
    }

    /// The line of the feed in which a text is, as the scanner counts.
    fn line_of(feed: &Feed<Vec<u8>>, text: &[u8]) -> u64 {
        let at = memchr::memmem::find(&feed.out, text).expect("it was fed");
        1 + memchr_iter(b'\n', &feed.out[..at]).count() as u64
    }

    #[test]
    fn there_is_a_blank_line_between_pieces_and_each_is_found_again() {
        let mut feed = Feed::to(Vec::new()).expect("a vector");
        feed.name(b"refs/heads/one", Source::Ref(0)).expect("fed");
        feed.name(b"refs/heads/two", Source::Ref(1)).expect("fed");
        feed.end_names().expect("fed");
        let blob = feed.ledger().object(Kind::Blob, &[0; 20]).expect("room");
        feed.object(blob).piece(1, b"first\nsecond").expect("fed");
        feed.object(blob).piece(2, b"second\nthird\n").expect("fed");
        let names = &b"refs/heads/one\n\x1d\nrefs/heads/two\n\x1d\n\n"[..];
        let pieces = b"first\nsecond\n\x1d\n\nsecond\nthird\n\n\x1d\n\n";
        assert_eq!(behind_preface(&feed), [names, pieces].concat());
        for (text, source) in [
            (&b"heads/two"[..], Source::Ref(1)),
            (b"first", Source::Object(blob, 1)),
            (b"third", Source::Object(blob, 3)),
        ] {
            let line = line_of(&feed, text);
            assert_eq!(feed.ledger.source(line), Some(source));
        }
        let octets = feed.out.len() as u64;
        assert_eq!(feed.finish().expect("a vector").0, octets);
    }

    #[test]
    fn a_name_is_fed_once_and_on_one_line() {
        let mut feed = Feed::to(Vec::new()).expect("a vector");
        let tree = feed.ledger().object(Kind::Tree, &[0; 20]).expect("room");
        for (entry, name) in [(1, &b"a\n\xffb"[..]), (2, b"c"), (3, b"a\n\xffb")] {
            feed.entry(name, Source::Object(tree, entry)).expect("fed");
        }
        feed.end_names().expect("fed");
        assert_eq!(behind_preface(&feed), b"a\x0c\xffb\n\x1d\nc\n\x1d\n\n");
        let line = line_of(&feed, b"c\n\x1d");
        assert_eq!(feed.ledger.source(line), Some(Source::Object(tree, 2)));
    }

    #[test]
    fn so_many_names_are_remembered_and_more_are_fed_each_time() {
        let mut names = Names::new();
        for number in 0..NAMES_REMEMBERED {
            names.hashes.insert(number as u64);
        }
        names.hashes.remove(&0);
        assert!(names.is_new(b"the last that is remembered"));
        assert!(!names.is_new(b"the last that is remembered"));
        for _ in 0..2 {
            assert!(names.is_new(b"one more"));
        }
        assert_eq!(names.hashes.len(), NAMES_REMEMBERED);
    }

    #[test]
    fn no_more_names_are_together_than_a_piece_is_long() {
        let mut feed = Feed::to(Vec::new()).expect("a vector");
        let tree = feed.ledger().object(Kind::Tree, &[0; 20]).expect("room");
        for entry in 1..5000_u32 {
            let name = format!("name-{entry}");
            feed.entry(name.as_bytes(), Source::Object(tree, entry))
                .expect("fed");
        }
        let long = vec![b'x'; 3 * PIECE_OCTETS];
        feed.entry(&long, Source::Object(tree, 5000)).expect("fed");
        feed.end_names().expect("fed");
        let fed = String::from_utf8(behind_preface(&feed)).expect("ASCII");
        let longest = fed.split("\n\n").map(str::len).max();
        assert!(
            longest.is_some_and(|longest| longest <= PIECE_OCTETS + 8),
            "{longest:?}"
        );
        let line = line_of(&feed, &[b'x'; 100]);
        assert_eq!(feed.ledger.source(line), Some(Source::Object(tree, 5000)));
    }
}
