//! What of the feed came from where, in a few octets a piece.

use std::io;

use crate::gate::limits::MARKS;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Blob,
    Tree,
    Commit,
    Tag,
}

/// Where something in the feed is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The name of the ref of that number.
    Ref(u32),
    /// The object of that number, in that line; in a tree, the entry of that number. Lines and
    /// entries are counted from 1, what is numbered from 0.
    Object(u32, u32),
}

/// From this line of the feed on it is `source`, a line further with every line.
struct Mark {
    line: u64,
    object: u32,
    inner: u32,
}

/// The number that no object has: refs are no objects.
const REFS: u32 = u32::MAX;

/// Objects in the order of the feed, and where each begins.
pub(super) struct Ledger {
    marks: Vec<Mark>,
    kinds: Vec<Kind>,
    /// Of all objects, one behind the other.
    ids: Vec<u8>,
}

impl Ledger {
    pub(super) const fn new() -> Ledger {
        Ledger {
            marks: Vec::new(),
            kinds: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// One more object. Gives its number.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub(super) fn object(&mut self, kind: Kind, id: &[u8]) -> io::Result<u32> {
        let number = self.kinds.len();
        if number == MARKS {
            return Err(io::Error::other(format!(
                "it brings more than {MARKS} objects"
            )));
        }
        self.kinds.push(kind);
        self.ids.extend_from_slice(id);
        // MARKS is far below.
        Ok(u32::try_from(number).unwrap_or(REFS))
    }

    /// From this line of the feed on it is `source`.
    pub(super) fn mark(&mut self, line: u64, source: Source) {
        let (object, inner) = match source {
            Source::Ref(number) => (REFS, number),
            Source::Object(object, inner) => (object, inner),
        };
        // Of an object in countless parts the later ones are told as if they were of the last
        // that has a mark: the object is the right one, the line may not be.
        let is_begun = self.marks.last().is_some_and(|last| last.object == object);
        if self.marks.len() < MARKS || !is_begun {
            self.marks.push(Mark {
                line,
                object,
                inner,
            });
        }
    }

    /// What is in that line of the feed.
    pub(super) fn source(&self, line: u64) -> Option<Source> {
        let after = self.marks.partition_point(|mark| mark.line <= line);
        let mark = &self.marks[after.checked_sub(1)?];
        if mark.object == REFS {
            return Some(Source::Ref(mark.inner));
        }
        // What is found between two entries is the first's.
        let further = if self.kind(mark.object) == Kind::Tree {
            0
        } else {
            line - mark.line
        };
        let inner = u64::from(mark.inner) + further;
        Some(Source::Object(
            mark.object,
            u32::try_from(inner).unwrap_or(u32::MAX),
        ))
    }

    /// What that object is.
    pub(super) fn kind(&self, object: u32) -> Kind {
        self.kinds[object as usize]
    }

    /// Its id, in hexadecimal digits.
    pub(super) fn id(&self, object: u32) -> String {
        let octets = self.ids.len() / self.kinds.len();
        let start = object as usize * octets;
        let id = &self.ids[start..start + octets];
        id.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// The commit that it came with: the feed has every object behind the first commit that
    /// leads to it.
    pub(super) fn commit_of(&self, object: u32) -> Option<u32> {
        let kinds = &self.kinds[..=object as usize];
        let at = kinds.iter().rposition(|kind| *kind == Kind::Commit)?;
        u32::try_from(at).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_feed_is_found_again() {
        let mut ledger = Ledger::new();
        ledger.mark(10, Source::Ref(0));
        ledger.mark(12, Source::Ref(1));
        let commit = ledger.object(Kind::Commit, &[1; 20]).expect("room");
        ledger.mark(20, Source::Object(commit, 1));
        let blob = ledger.object(Kind::Blob, &[0xab; 20]).expect("room");
        ledger.mark(30, Source::Object(blob, 1));
        ledger.mark(40, Source::Object(blob, 7));
        let tree = ledger.object(Kind::Tree, &[3; 20]).expect("room");
        ledger.mark(50, Source::Object(tree, 4));
        for (line, source) in [
            (9, None),
            (10, Some(Source::Ref(0))),
            (13, Some(Source::Ref(1))),
            (20, Some(Source::Object(commit, 1))),
            (29, Some(Source::Object(commit, 10))),
            (30, Some(Source::Object(blob, 1))),
            (41, Some(Source::Object(blob, 8))),
            (51, Some(Source::Object(tree, 4))),
        ] {
            assert_eq!(ledger.source(line), source, "{line}");
        }
        assert_eq!(ledger.id(blob), "ab".repeat(20));
        assert_eq!(ledger.commit_of(tree), Some(commit));
        assert_eq!(ledger.commit_of(commit), Some(commit));
    }

    #[test]
    fn its_memory_is_bounded() {
        let mut ledger = Ledger::new();
        for _ in 0..MARKS {
            ledger.object(Kind::Blob, &[0; 20]).expect("room");
        }
        ledger.object(Kind::Blob, &[0; 20]).expect_err("no room");
        for line in 0..=MARKS as u64 {
            ledger.mark(line, Source::Object(0, 1));
        }
        assert_eq!(ledger.marks.len(), MARKS);
        // What is of another object is told of that.
        ledger.mark(MARKS as u64 + 1, Source::Object(1, 1));
        assert_eq!(ledger.source(MARKS as u64 + 1), Some(Source::Object(1, 1)));
    }
}
