//! The one decoded copy of a path, on which every refusal decides. The path that is
//! forwarded is the original, octet for octet.

use super::percent::decode_until_stable;
use core::fmt;
use std::borrow::Cow;

/// A path percent-decoded until stable, in which no reader finds a dot segment or a
/// control character.
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
    /// A control character, encoded: services end the path there, or leave it out.
    Control,
    /// A segment that some service reads as `.` or `..`.
    DotSegment,
    /// It would begin with `//` at the upstream, and what follows be read as a host.
    Authority,
    /// Some service reads it as a path of another route.
    OtherRoute,
}

impl fmt::Display for PathRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PathRefused::Character => {
                "the request-target has a character that must be percent-encoded"
            }
            PathRefused::Control => {
                "the path has an encoded control character: send the path without it"
            }
            PathRefused::DotSegment => {
                "the path has a `.` or `..` segment, plain or encoded: send the path without it"
            }
            PathRefused::Authority => {
                "the path would begin with `//` at the upstream and could be read as a host: write one `/` after the route's path"
            }
            PathRefused::OtherRoute => {
                "the path can be read as one of a longer route: begin it with that route's path, unencoded and without empty segments"
            }
        })
    }
}

/// What stands between two separators of a [`DecodedPath`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Segment<'a> {
    /// Cut at the first `;`, `?` or `#`, and without the [tail](without_tail) that some
    /// services ignore.
    pub(super) name: &'a [u8],
    /// Some services never see it: it stands behind parameters that only encoded
    /// separators end (`name;x%2Fthis`, cut before it is decoded), or behind an encoded
    /// `?` or `#` (`name%3Fx/this`, decoded before it is split).
    pub(super) in_parameters: bool,
    /// The separator in front of it was encoded: some services see one segment here.
    pub(super) joined: bool,
}

impl Segment<'_> {
    /// Whether there is a reading in which the path has no such segment.
    pub(super) fn may_be_none(&self) -> bool {
        self.in_parameters || self.name.is_empty()
    }
}

/// Cuts off spaces and dots at the end of a name: Windows, and so many a service on it,
/// finds the same file with and without them.
pub(super) fn without_tail(mut name: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'.'] = name {
        name = rest;
    }
    name
}

fn is_separator(octet: &u8) -> bool {
    matches!(octet, b'/' | b'\\')
}

/// `.` or `..`, with spaces anywhere.
fn is_dot_segment(name: &[u8]) -> bool {
    if !matches!(name, [b'.' | b' ', ..]) {
        return false;
    }
    let spaces = name.iter().filter(|octet| **octet == b' ').count();
    let dots = name.iter().filter(|octet| **octet == b'.').count();
    spaces + dots == name.len() && (matches!(dots, 1 | 2) || (dots > 0 && spaces > 0))
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
        // Unencoded ones are refused above.
        if path.0.iter().any(u8::is_ascii_control) {
            return Err(PathRefused::Control);
        }
        let mut wholes = path.0.split(is_separator);
        if wholes.any(|whole| is_dot_segment(cut(whole))) {
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

    /// What a service that decodes the path before it splits the target takes for a query.
    pub(super) fn query(&self) -> Option<&[u8]> {
        let mark = self.0.iter().position(|octet| *octet == b'?')?;
        Some(&self.0[mark + 1..])
    }

    /// Whether the first segment is empty although others follow, so that with a `/` in
    /// front the path begins with `//`. Parameters may be dropped before anybody looks.
    pub(super) fn begins_empty(&self) -> bool {
        let end = self.0.iter().position(is_separator);
        end.is_some_and(|end| end == 0 || self.0[0] == b';')
    }

    /// Whether nothing follows the last separator.
    pub(super) fn ends_empty(&self) -> bool {
        self.0.last().is_some_and(is_separator)
    }

    /// The segments, empty ones left out.
    pub(super) fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        let mut rest = Some(&self.0[..]);
        let (mut joined, mut in_parameters, mut in_query) = (false, false, false);
        core::iter::from_fn(move || {
            loop {
                let path = rest?;
                let end = path.iter().position(is_separator);
                let whole = &path[..end.unwrap_or(path.len())];
                rest = end.map(|end| &path[end + 1..]);
                let name = cut(whole);
                let segment = Segment {
                    name: without_tail(name),
                    in_parameters: in_parameters || in_query,
                    joined,
                };
                // Over empty segments one certain separator makes the boundary certain.
                let plain = end.is_some_and(|end| path[end] == b'/');
                joined = !plain && (joined || !whole.is_empty());
                in_parameters = !plain && (in_parameters || name.len() < whole.len());
                in_query |= whole.iter().any(|octet| matches!(octet, b'?' | b'#'));
                if !whole.is_empty() {
                    return Some(segment);
                }
            }
        })
    }
}

/// What stands before parameters, a query or a fragment.
fn cut(segment: &[u8]) -> &[u8] {
    let end = segment
        .iter()
        .position(|octet| matches!(octet, b';' | b'?' | b'#'));
    &segment[..end.unwrap_or(segment.len())]
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
            "/..%3Fx",
            "/..%23",
            "/..%253fx/y",
            "/..%20",
            "/.%2520/x",
            "/%20../x",
            "/.%20.",
            "/..%20.;x",
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
            "/a%3F..",
            "/C%23/x",
            "/%20",
            "/a.%20/b",
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

    #[test]
    fn an_encoded_control_character_is_refused() {
        for octet in (0..b' ').chain([0x7f]) {
            for percent in ["%", "%25", "%2525"] {
                let path = format!("/a{percent}{octet:02x}b");
                let refused = DecodedPath::of(path.as_bytes()).err();
                assert_eq!(refused, Some(PathRefused::Control), "{path}");
            }
        }
        for path in ["/%20", "/%7e", "/%80", "/%c2%85", "/%ff"] {
            assert!(DecodedPath::of(path.as_bytes()).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_suffix_knows_whether_it_makes_a_path_that_begins_with_two_slashes() {
        for (suffix, empty) in [
            ("/x", true),
            ("/", true),
            ("%2Fx", true),
            ("%252fx", true),
            ("%5Cx", true),
            (";a/x", true),
            ("%3Ba/x", true),
            ("", false),
            ("x", false),
            ("x//y", false),
            (";a", false),
            ("@sc%2Fname", false),
        ] {
            let suffix = DecodedPath::of(suffix.as_bytes()).expect("no dot segment");
            assert_eq!(suffix.begins_empty(), empty, "{:?}", suffix.0);
        }
    }

    fn segments(path: &str) -> Vec<(String, bool, bool)> {
        let path = DecodedPath::of(path.as_bytes()).expect("no dot segment");
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        path.segments()
            .map(|s| (text(s.name), s.in_parameters, s.joined))
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
        assert_eq!(segments("/a;x/b"), [row("a", certain), row("b", certain)]);
        assert_eq!(segments("/;x%3by"), [row("", certain)]);
        assert_eq!(
            segments("/a.%20/b.c/..."),
            [row("a", certain), row("b.c", certain), row("", certain)]
        );
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
    fn what_follows_an_encoded_query_or_fragment_may_be_none() {
        for path in ["/a%3Fx/b%2Fc", "/a%23/b%2Fc", "/a;y%253Fx/b/c"] {
            let path = DecodedPath::of(path.as_bytes()).expect("no dot segment");
            let seen: Vec<_> = path.segments().map(|s| (s.name, s.in_parameters)).collect();
            assert_eq!(seen, [(&b"a"[..], false), (b"b", true), (b"c", true)]);
        }
        let path = DecodedPath::of(b"/a%3Fx=1%3Fy/b").expect("no dot segment");
        assert_eq!(path.query(), Some(&b"x=1?y/b"[..]));
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
