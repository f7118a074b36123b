//! Path patterns, matched under all readings of a path at once.
//!
//! A forge's own reading of a path decides what a request does, and forges differ. So a
//! pattern matches if it would under any of their readings:
//! names compare without regard to case, nor to spaces and dots at their end; empty
//! segments and a slash at the end do not count; `;parameters` are cut, and so is what
//! follows an encoded `?` or `#`; where an encoded slash separates two segments for one
//! service and belongs to a single one for another (GitLab's `/projects/group%2Fproject`),
//! `*` stands for the two or for either; and the path may end in a format (`.json`).

use super::decoded_path::{DecodedPath, Segment, without_tail};
use crate::limits;

/// The segments of a rule, or those by which one route's path goes on from another's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PathPattern {
    segments: Vec<Piece>,
    tail: Tail,
}

/// What stands for one segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// This name, without the tail that services ignore.
    Name(String),
    /// Any.
    One,
}

/// What may follow the segments of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tail {
    /// Nothing.
    End,
    /// Nothing or anything.
    Rest,
    /// A separator, and nothing or anything behind it.
    Below,
}

impl PathPattern {
    /// At most [`limits::RULE_SEGMENTS_CEILING`] segments.
    pub(super) fn new(mut segments: Vec<Piece>, tail: Tail) -> PathPattern {
        segments.truncate(limits::RULE_SEGMENTS_CEILING);
        PathPattern { segments, tail }
    }

    /// All that a route takes whose path goes on with `names`, which end with `/`, where
    /// a shorter route's ends. (Of a route with very many segments: somewhat more.)
    pub(crate) fn below(names: &str) -> PathPattern {
        let names = names.split('/').filter(|name| !name.is_empty());
        PathPattern::new(names.map(Piece::name).collect(), Tail::Below)
    }

    /// All readings at once: bit `n` of `reached` says that one of them has used up the
    /// first `n` segments of the pattern, and one bit more that it did so with a format.
    /// Each segment of the path is looked at once for each of the pattern, so that a
    /// path full of encoded slashes costs no more than another of its length.
    pub(crate) fn matches(&self, path: &DecodedPath<'_>) -> bool {
        let all = 1_u64 << self.segments.len();
        let with_format = all << 1;
        let mut reached = 1_u64;
        for segment in path.segments() {
            if self.tail != Tail::End && reached & all != 0 {
                return true;
            }
            let mut next = if segment.may_be_none() { reached } else { 0 };
            for (index, piece) in self.segments.iter().enumerate() {
                let (before, after) = (1_u64 << index, 2_u64 << index);
                match piece {
                    Piece::Name(_) if reached & before == 0 => {}
                    Piece::Name(name) if is_named(&segment, name) => next |= after,
                    // Rails and Grape take the format off the end of a path, not of a name.
                    Piece::Name(name) if after == all && is_formatted(&segment, name) => {
                        next |= with_format;
                    }
                    Piece::Name(_) => {}
                    Piece::One if reached & before != 0 => next |= after,
                    // The `*` that took what stands before an encoded slash takes this too.
                    Piece::One if segment.joined && reached & after != 0 => next |= after,
                    Piece::One => {}
                }
            }
            reached = next;
            if reached == 0 {
                return false;
            }
        }
        match self.tail {
            Tail::End | Tail::Rest => reached & (all | with_format) != 0,
            Tail::Below => reached & all != 0 && path.ends_empty(),
        }
    }
}

impl Piece {
    pub(super) fn name(name: &str) -> Piece {
        let name = without_tail(name.as_bytes());
        Piece::Name(String::from_utf8_lossy(name).into_owned())
    }
}

fn is_named(segment: &Segment<'_>, name: &str) -> bool {
    segment.name.eq_ignore_ascii_case(name.as_bytes())
}

/// `name.format`.
fn is_formatted(segment: &Segment<'_>, name: &str) -> bool {
    let (found, name) = (segment.name, name.as_bytes());
    found.get(name.len()) == Some(&b'.') && found[..name.len()].eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_is_found_in_every_disguise() {
        let below = PathPattern::below("repos/");
        for (path, expected) in [
            ("repos/", true),
            ("repos/o/r", true),
            ("%72epos/o/r", true),
            ("%2572epos/o", true),
            ("/repos/o", true),
            ("//repos//", true),
            ("%2Frepos/o", true),
            ("repos%2Fo", true),
            ("repos%2F", true),
            ("repos%5Co", true),
            ("repos;x/o", true),
            ("repos;x%2Fo", true),
            (";x/repos/o", true),
            ("x%3By", false),
            ("REPOS/o", true),
            ("repos./o", true),
            ("repos%20/o", true),
            // Without the slash at its end it belongs to the shorter route.
            ("repos", false),
            ("%72epos", false),
            ("repos.json", false),
            ("repos.json/o", false),
            ("repos;x", false),
            ("", false),
            ("o/repos/r", false),
            ("o%2Frepos/r", false),
            ("reposx/o", false),
            ("@sc%2Frepos", false),
        ] {
            let decoded = DecodedPath::of(path.as_bytes()).expect("no dot segment");
            assert_eq!(below.matches(&decoded), expected, "{path}");
        }
    }

    #[test]
    fn a_pattern_of_very_many_segments_takes_more_rather_than_less() {
        let deep = "n/".repeat(limits::RULE_SEGMENTS_CEILING + 10);
        let below = PathPattern::below(&deep);
        let path = DecodedPath::of(deep.as_bytes()).expect("no dot segment");
        assert!(below.matches(&path));
        let bound = PathPattern::below(&"n/".repeat(limits::RULE_SEGMENTS_CEILING));
        assert_eq!(below, bound);
    }
}
