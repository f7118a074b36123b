//! The one decoded copy of a path, on which every refusal decides. The path that is
//! forwarded is the original, octet for octet.

use super::percent::decode_until_stable;
use core::fmt;
use std::borrow::Cow;

/// A path percent-decoded until stable, in which no reader finds a dot segment.
///
/// Services differ in whether `%2F` and `%5C` separate segments, and in how often they
/// decode. So in this copy an encoded separator, at whatever depth, is written `\`,
/// while `/` is one that was plain: who must know which were certain can, and who must
/// not treats both alike. (A plain `\` is refused.)
pub struct DecodedPath<'p>(Cow<'p, [u8]>);

/// Why a path can have no decoded copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathRefused {
    /// A control character, space, `\`, `#` or an octet above 0x7E, unencoded.
    Character,
    /// A segment that some service reads as `.` or `..`.
    DotSegment,
}

impl fmt::Display for PathRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PathRefused::Character => {
                "the request-target has a character that must be percent-encoded"
            }
            PathRefused::DotSegment => {
                "the path has a `.` or `..` segment, plain or encoded: send the path without it"
            }
        })
    }
}

/// What stands between two separators of a [`DecodedPath`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Segment<'a> {
    /// Without `;parameters`.
    pub(super) name: &'a [u8],
    /// Parameters were cut off.
    pub(super) has_parameters: bool,
    /// Only encoded separators stand between it and parameters in front of it: a service
    /// that cuts parameters before it decodes never sees it (`name;x%2Fthis`).
    pub(super) in_parameters: bool,
    /// The separator in front of it was encoded: some services see one segment here.
    pub(super) joined: bool,
}

impl<'p> DecodedPath<'p> {
    /// Decodes `raw_path`, the path of a request-target without its query.
    pub fn of(raw_path: &'p [u8]) -> Result<DecodedPath<'p>, PathRefused> {
        // The message layer refuses these too; the separators below rest on it.
        let must_be_encoded =
            |octet: &u8| !octet.is_ascii_graphic() || matches!(octet, b'\\' | b'#');
        if raw_path.iter().any(must_be_encoded) {
            return Err(PathRefused::Character);
        }
        let path = if raw_path.contains(&b'%') {
            let mut copy = Vec::new();
            let separator = |octet| if octet == b'/' { b'\\' } else { octet };
            decode_until_stable(raw_path, separator, &mut copy);
            DecodedPath(Cow::Owned(copy))
        } else {
            DecodedPath(Cow::Borrowed(raw_path))
        };
        let is_dots = |segment: Segment<'_>| matches!(segment.name, b"." | b"..");
        if path.segments().any(is_dots) {
            return Err(PathRefused::DotSegment);
        }
        Ok(path)
    }

    /// What follows `prefix`, which holds no `%` and so is its own decoded copy.
    pub(super) fn after(&self, prefix: &str) -> Option<DecodedPath<'_>> {
        self.0
            .strip_prefix(prefix.as_bytes())
            .map(|rest| DecodedPath(Cow::Borrowed(rest)))
    }

    /// The segments, empty ones left out.
    pub(super) fn segments(&self) -> impl Iterator<Item = Segment<'_>> + Clone {
        let mut rest = Some(&self.0[..]);
        let (mut joined, mut in_parameters) = (false, false);
        core::iter::from_fn(move || {
            loop {
                let path = rest?;
                let end = path.iter().position(|octet| matches!(octet, b'/' | b'\\'));
                let whole = &path[..end.unwrap_or(path.len())];
                rest = end.map(|end| &path[end + 1..]);
                let name = whole
                    .split(|octet| *octet == b';')
                    .next()
                    .unwrap_or_default();
                let segment = Segment {
                    name,
                    has_parameters: name.len() < whole.len(),
                    in_parameters,
                    joined,
                };
                // Over empty segments one certain separator makes the boundary certain.
                let plain = end.is_some_and(|end| path[end] == b'/');
                joined = !plain && (joined || !whole.is_empty());
                in_parameters = !plain && (in_parameters || segment.has_parameters);
                if !whole.is_empty() {
                    return Some(segment);
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_segment_is_found_in_every_disguise() {
        for path in [
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "./a",
            "/%2e",
            "/%2e%2e",
            "/%2E%2E/x",
            "/.%2e/x",
            "/%2e./x",
            "/%252e%252e/x",
            "/%25252e",
            "/%%32%65/x",
            "/%2%65",
            "/..;x",
            "/..;x/y",
            "/.;",
            "/..;/x",
            "/%2e%2e%3bx",
            "/..%3b/x",
            "/..%253b",
            "/..%5c",
            "/..%5cx",
            "/a%5c..%5cx",
            "/..%255c",
            "/%5c..",
            "/%2f..",
            "/%2f../x",
            "/a%2f..",
            "/a%2f..%2fb",
            "/a%252f..",
            "/..%2f",
            "/%2e%2e%2f",
            "//..//",
            "/a/.%2e;a=b/c",
        ] {
            let refused = DecodedPath::of(path.as_bytes()).err();
            assert_eq!(refused, Some(PathRefused::DotSegment), "{path}");
        }
    }

    #[test]
    fn dots_that_are_no_segment_pass() {
        for path in [
            "",
            "/",
            "/a",
            "/...",
            "/.git",
            "/..a",
            "/a..",
            "/a..b",
            "/.%2e.",
            "/a;..",
            "/a;/b",
            "/@sc%2fname",
            "/@sc%2Fname",
            "/a%20b",
            "/%",
            "/%zz",
            "/100%25",
            "/v1.0/x",
            "/%2e%67",
            "/~user/*",
            "/a:b@c",
            "/;x",
            "/a;x=..",
        ] {
            assert!(DecodedPath::of(path.as_bytes()).is_ok(), "{path}");
        }
    }

    #[test]
    fn an_unencoded_character_is_refused() {
        for octet in (0..=b' ').chain([b'\\', b'#', 0x7f, 0x80, 0xff]) {
            let refused = DecodedPath::of(&[b'/', octet]).err();
            assert_eq!(refused, Some(PathRefused::Character), "{octet:#x}");
        }
    }

    fn segments(path: &str) -> Vec<(String, bool, bool)> {
        let path = DecodedPath::of(path.as_bytes()).expect("no dot segment");
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        path.segments()
            .map(|s| (text(s.name), s.has_parameters, s.joined))
            .collect()
    }

    #[test]
    fn a_segment_knows_whether_its_boundary_is_certain() {
        let (certain, joined) = (false, true);
        let row = |name: &str, boundary: bool| (name.to_owned(), false, boundary);
        for (path, expected) in [
            ("/a/b", vec![row("a", certain), row("b", certain)]),
            ("//a///b/", vec![row("a", certain), row("b", certain)]),
            ("/a%2Fb", vec![row("a", certain), row("b", joined)]),
            (
                "/a%252fb%5Cc",
                vec![row("a", certain), row("b", joined), row("c", joined)],
            ),
            ("/a%2F/b", vec![row("a", certain), row("b", certain)]),
            ("/a/%2Fb", vec![row("a", certain), row("b", certain)]),
            ("/a%2F%2Fb", vec![row("a", certain), row("b", joined)]),
            ("/", vec![]),
        ] {
            assert_eq!(segments(path), expected, "{path}");
        }
        assert_eq!(
            segments("/a;x/b"),
            [("a".to_owned(), true, certain), row("b", certain)]
        );
        assert_eq!(segments("/;x%3by"), [(String::new(), true, certain)]);
    }

    #[test]
    fn parameters_may_reach_over_encoded_separators() {
        let path = DecodedPath::of(b"/a;x%2Fb%2fc/d%3By%255Ce/f").expect("no dot segment");
        let segments = path.segments();
        let within: Vec<&[u8]> = segments
            .filter(|s| s.in_parameters)
            .map(|s| s.name)
            .collect();
        assert_eq!(within, [b"b", b"c", b"e"]);
    }

    #[test]
    fn what_follows_a_route_begins_where_the_raw_suffix_does() {
        let path = DecodedPath::of(b"/gh/a%2fb").expect("no dot segment");
        let suffix = path.after("/gh/").expect("a prefix");
        assert_eq!(&suffix.0[..], b"a\\b");
        assert!(path.after("/other/").is_none());
    }

    #[test]
    fn a_long_path_costs_a_pass() {
        let path = [&b"/"[..], &b"%2525252f".repeat(1820)].concat();
        let path = DecodedPath::of(&path).expect("only separators");
        assert_eq!(path.segments().count(), 0);
    }
}
