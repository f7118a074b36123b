//! What of an object goes into the feed.

use std::io::{self, Write};

use super::feed::Feed;
use super::ledger::{Kind, Source};
use super::objects::{Header, NewObjects};
use super::pieces::Pieces;
use super::tree::Tree;
use super::utf16::Utf16;

/// The memory that every object passes through.
pub(super) struct Contents {
    text: Pieces,
    utf16: Utf16,
}

impl Contents {
    pub(super) fn new() -> Contents {
        Contents {
            text: Pieces::from_line(1),
            utf16: Utf16::new(),
        }
    }

    /// The content of this object, as it comes: nothing is kept whole.
    pub(super) fn object<W: Write>(
        &mut self,
        header: &Header,
        objects: &mut NewObjects,
        feed: &mut Feed<W>,
    ) -> io::Result<()> {
        let number = feed.ledger().object(header.kind, &header.id)?;
        match header.kind {
            Kind::Tree => entries(number, header, objects, feed)?,
            // Of commits and tags the whole: any line of them may hold text.
            Kind::Blob | Kind::Commit | Kind::Tag => {
                self.text(number, header.octets, objects, feed)?;
            }
        }
        objects.end()
    }

    fn text<W: Write>(
        &mut self,
        number: u32,
        mut left: u64,
        objects: &mut NewObjects,
        feed: &mut Feed<W>,
    ) -> io::Result<()> {
        let mut place = feed.object(number);
        while left > 0 {
            let octets = objects.content(left)?;
            self.text.push(octets, &mut place)?;
            self.utf16.push(octets, &mut place)?;
            let count = octets.len();
            objects.consume(count);
            left -= count as u64;
        }
        self.text.finish(&mut place)?;
        self.utf16.finish(&mut place)
    }
}

/// Of a tree, the names alone: what they name is an object of its own, or one that is known, or
/// another repository's commit.
fn entries<W: Write>(
    number: u32,
    header: &Header,
    objects: &mut NewObjects,
    feed: &mut Feed<W>,
) -> io::Result<()> {
    let mut tree = Tree::new(header.id.len());
    let (mut left, mut entry) = (header.octets, 0);
    while left > 0 {
        let octets = objects.content(left)?;
        tree.push(octets, |name| {
            entry += 1;
            feed.entry(name, Source::Object(number, entry))
        })?;
        let count = octets.len();
        objects.consume(count);
        left -= count as u64;
    }
    tree.finish()?;
    feed.end_names()
}
