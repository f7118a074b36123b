//! The names in a tree object: `<mode> SP <name> NUL <id>`, again and again.

use std::io;

use memchr::memchr;

use crate::gate::limits::ENTRY_OCTETS;

/// A tree on its way through.
pub(super) struct Tree {
    id_octets: usize,
    state: State,
    /// Mode or name so far, as far as it is in earlier blocks.
    part: Vec<u8>,
}

#[derive(Clone, Copy)]
enum State {
    Mode,
    Name,
    /// So many octets of it are still to come.
    Id(usize),
}

impl Tree {
    /// A tree whose ids have so many octets.
    pub(super) const fn new(id_octets: usize) -> Tree {
        Tree {
            id_octets,
            state: State::Mode,
            part: Vec::new(),
        }
    }

    /// More of the object; every name in it is given to `name`.
    ///
    /// # Errors
    ///
    /// It is no tree, or what `name` says.
    pub(super) fn push(
        &mut self,
        mut octets: &[u8],
        mut name: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        while !octets.is_empty() {
            octets = match self.state {
                State::Mode => self.part(octets, b' ', |_, mode| {
                    if is_mode(mode) {
                        Ok(State::Name)
                    } else {
                        Err(malformed())
                    }
                })?,
                State::Name => self.part(octets, 0, |tree, found| {
                    if found.is_empty() {
                        return Err(malformed());
                    }
                    name(found)?;
                    Ok(State::Id(tree.id_octets))
                })?,
                State::Id(left) => {
                    let now = left.min(octets.len());
                    self.state = if now == left {
                        State::Mode
                    } else {
                        State::Id(left - now)
                    };
                    &octets[now..]
                }
            };
        }
        Ok(())
    }

    /// The end of the object.
    ///
    /// # Errors
    ///
    /// It ends within an entry.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let is_whole = matches!(self.state, State::Mode) && self.part.is_empty();
        self.state = State::Mode;
        self.part.clear();
        if is_whole { Ok(()) } else { Err(malformed()) }
    }

    /// What ends with `end`, once that is there. Gives what is behind it.
    fn part<'a>(
        &mut self,
        octets: &'a [u8],
        end: u8,
        mut then: impl FnMut(&Tree, &[u8]) -> io::Result<State>,
    ) -> io::Result<&'a [u8]> {
        let found = memchr(end, octets);
        let (now, rest) = octets.split_at(found.unwrap_or(octets.len()));
        if self.part.len() + now.len() > ENTRY_OCTETS {
            return Err(malformed());
        }
        if found.is_none() {
            self.part.extend_from_slice(now);
            return Ok(rest);
        }
        self.state = if self.part.is_empty() {
            then(self, now)?
        } else {
            self.part.extend_from_slice(now);
            let next = then(self, &self.part)?;
            self.part.clear();
            next
        };
        Ok(&rest[1..])
    }
}

/// What git writes there: up to six octal digits.
fn is_mode(mode: &[u8]) -> bool {
    (1..=6).contains(&mode.len()) && mode.iter().all(|digit| (b'0'..=b'7').contains(digit))
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a tree object is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tree: &[u8], id_octets: usize, block: usize) -> Result<Vec<Vec<u8>>, String> {
        let (mut parser, mut names) = (Tree::new(id_octets), Vec::new());
        let text = |error: io::Error| error.to_string();
        for block in tree.chunks(block) {
            let keep = |name: &[u8]| {
                names.push(name.to_vec());
                Ok(())
            };
            parser.push(block, keep).map_err(text)?;
        }
        parser.finish().map_err(text)?;
        Ok(names)
    }

    fn entry(mode: &str, name: &[u8], id: &[u8]) -> Vec<u8> {
        [mode.as_bytes(), b" ", name, b"\0", id].concat()
    }

    #[test]
    fn names_are_any_octets_but_nul() {
        for id_octets in [20, 32] {
            // The id has all that could be mistaken for something else.
            let id: Vec<u8> = b" \0\n100644 x\0"
                .iter()
                .copied()
                .cycle()
                .take(id_octets)
                .collect();
            let tree = [
                entry("100644", b"a b\n\xff\xfe", &id),
                entry("40000", b"dir", &id),
                entry("160000", b"submodule", &id),
                entry("120000", &[b'x'; ENTRY_OCTETS], &id),
            ];
            for block in [1, 2, 7, 100_000] {
                let found = names(&tree.concat(), id_octets, block);
                let long = vec![b'x'; ENTRY_OCTETS];
                let expected = [&b"a b\n\xff\xfe"[..], b"dir", b"submodule", &long];
                assert_eq!(found, Ok(expected.map(<[u8]>::to_vec).to_vec()));
            }
        }
        assert_eq!(names(b"", 20, 1), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let id = [7; 20];
        let long = vec![b'x'; ENTRY_OCTETS + 1];
        for tree in [
            entry("100644", b"", &id),
            entry("", b"x", &id),
            entry("100648", b"x", &id),
            entry("1006440", b"x", &id),
            entry("100644", b"x", &id[..19]),
            entry("100644", &long, &id),
            b"100644".to_vec(),
            b"100644 x".to_vec(),
        ] {
            for block in [1, 100_000] {
                let refused = Err("a tree object is malformed".to_owned());
                assert_eq!(names(&tree, 20, block), refused);
            }
        }
    }
}
