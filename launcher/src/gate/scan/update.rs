//! What a push asks for: `<old> <new> <ref>` lines.

use std::io::{self, BufRead, Read};

use crate::gate::limits::{PUSH_LINE_OCTETS, PUSH_REFS};

/// One ref of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::gate) struct Update {
    /// What the client says that the ref is, in hexadecimal digits; zeros: it is not there.
    pub(in crate::gate) old: String,
    /// What it is to be; zeros: nothing.
    pub(in crate::gate) new: String,
    /// Its whole name, any octets.
    pub(in crate::gate) name: Vec<u8>,
}

impl Update {
    /// Whether the ref is to go.
    pub(in crate::gate) fn is_deletion(&self) -> bool {
        is_nothing(&self.new)
    }

    /// All that git tells a hook.
    ///
    /// # Errors
    ///
    /// It is not what git says.
    pub(in crate::gate) fn read(mut input: impl BufRead) -> io::Result<Vec<Update>> {
        let mut updates = Vec::new();
        loop {
            let mut line = Vec::new();
            let limit = PUSH_LINE_OCTETS as u64;
            input.by_ref().take(limit).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(updates);
            }
            if updates.len() == PUSH_REFS {
                let text = format!("more than {PUSH_REFS} refs in one push");
                return Err(io::Error::other(text));
            }
            let unknown = || io::Error::other("git tells of an update that is none");
            updates.push(Update::parse(&line).ok_or_else(unknown)?);
        }
    }

    fn parse(line: &[u8]) -> Option<Update> {
        let mut words = line.strip_suffix(b"\n")?.splitn(3, |octet| *octet == b' ');
        Some(Update {
            old: id(words.next()?)?,
            new: id(words.next()?)?,
            name: words.next().filter(|name| !name.is_empty())?.to_vec(),
        })
    }
}

/// Whether an id stands for no object.
pub(in crate::gate) fn is_nothing(id: &str) -> bool {
    id.bytes().all(|digit| digit == b'0')
}

/// An id, of SHA-1 or SHA-256.
fn id(word: &[u8]) -> Option<String> {
    let is_digit = |octet: &u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    let is_id = matches!(word.len(), 40 | 64) && word.iter().all(is_digit);
    is_id.then(|| String::from_utf8_lossy(word).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_names_of_any_octets() {
        for digits in [40, 64] {
            let (old, new) = ("0".repeat(digits), "a".repeat(digits));
            let mut text = format!("{old} {new} refs/heads/a b\n{new} {old} ").into_bytes();
            text.extend_from_slice(b"refs/heads/\xff\n");
            let updates = Update::read(&text[..]).expect("two");
            assert_eq!(updates.len(), 2);
            assert_eq!(updates[0].name, b"refs/heads/a b");
            assert!(!updates[0].is_deletion() && updates[1].is_deletion());
            assert_eq!(updates[1].name, b"refs/heads/\xff");
        }
        assert_eq!(Update::read(&b""[..]).expect("none"), []);
    }

    #[test]
    fn what_is_no_line_is_an_error() {
        let id = "a".repeat(40);
        for text in [
            "\n".to_owned(),
            format!("{id} {id} "),
            format!("{id} {id}\n"),
            format!("{id} {id} \n"),
            format!("{id} {id} refs/heads/x"),
            format!("{id} {} refs/heads/x\n", "A".repeat(40)),
            format!("{id} {} refs/heads/x\n", "a".repeat(41)),
            format!("{id} {id} {}\n", "x".repeat(PUSH_LINE_OCTETS)),
        ] {
            Update::read(text.as_bytes()).expect_err(&text);
        }
    }

    #[test]
    fn so_many_refs_of_so_many_octets_are_read_and_no_more() {
        let id = "a".repeat(40);
        let many = |count| format!("{id} {id} refs/heads/x\n").repeat(count);
        let updates = Update::read(many(PUSH_REFS).as_bytes()).expect("as many as may be");
        assert_eq!(updates.len(), PUSH_REFS);
        Update::read(many(PUSH_REFS + 1).as_bytes()).expect_err("too many");
        let line = |octets: usize| format!("{id} {id} {}\n", "x".repeat(octets - 83));
        assert_eq!(line(PUSH_LINE_OCTETS).len(), PUSH_LINE_OCTETS);
        Update::read(line(PUSH_LINE_OCTETS).as_bytes()).expect("as long as may be");
        Update::read(line(PUSH_LINE_OCTETS + 1).as_bytes()).expect_err("too long");
    }
}
