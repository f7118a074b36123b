//! Which route a path takes, which paths are refused, and where one that is permitted can
//! lead at a service, however that reads it.
//!
//! The input is lines: a route's path, a space and its upstream; or a request-target.

use crate::forwarded::{self, Refused, Sent};
use crate::input;
use crate::readings::{self, Reading};
use engine::policy::{Denial, PathRefused};
use engine::route::RouteTable;

const ROUTES: usize = 8;
const TARGETS: usize = 8;
/// Enough for some nested escapes; the readings of a path grow with it.
const TARGET_OCTETS: usize = 128;

/// Asserts for each target that the route is the longest that is a prefix of it, that its
/// path is refused for a reason that a naive reader sees, and that whatever a service may
/// read in what is forwarded stays in that route.
pub fn run(input: &[u8]) {
    let mut routes: Vec<(String, String)> = Vec::new();
    for line in input::lines(input).filter_map(|line| str::from_utf8(line).ok()) {
        if let Some((path, upstream)) = line.split_once(' ')
            && is_route_path(path)
            && routes.iter().all(|(other, _)| other != path)
            && forwarded::route(path, upstream, "x").is_some()
            && routes.len() < ROUTES
        {
            routes.push((path.to_owned(), upstream.to_owned()));
        }
    }
    let paths: Vec<&str> = routes.iter().map(|(path, _)| path.as_str()).collect();
    let table = routes.iter().map(|(path, upstream)| {
        // Its credential names the route.
        forwarded::route(path, upstream, &token(path)).expect("it was one above")
    });
    let table = forwarded::table(table.collect());
    let targets = input::lines(input).filter(|line| !line.contains(&b' '));
    for target in targets.take(TARGETS) {
        look_at(&table, &paths, &target[..target.len().min(TARGET_OCTETS)]);
    }
}

fn look_at(table: &RouteTable, paths: &[&str], target: &[u8]) {
    let path = target.split(|octet| *octet == b'?').next();
    let path = path.unwrap_or_default();
    let longest = longest_prefix(paths, path);
    let found = table.find(path).map(|route| route.path.as_str());
    assert_eq!(found, longest, "{}", path.escape_ascii());

    let start_line = [b"GET ", target, b" HTTP/1.1"].concat();
    let octets = input::head("", &[&start_line[..], b"\nHost: a"].concat());
    let Some(head) = input::request(&octets) else {
        return;
    };
    // In absolute-form the path is another.
    if !path.starts_with(b"/") {
        return drop(forwarded::send(table, &head, None));
    }
    match forwarded::send(table, &head, None) {
        Ok(sent) => {
            let longest = longest.expect("a route for what has left");
            stays_in_its_route(&sent, paths, longest, target);
        }
        Err(refused) => {
            let shown = target.escape_ascii();
            assert!(
                is_refused_for_a_reason(&refused, table, paths, path),
                "{shown}: {refused:?}"
            );
            let is_plain = is_plain(target) && paths.iter().all(|path| is_plain(path.as_bytes()));
            assert!(longest.is_none() || !is_plain, "{shown}: {refused:?}");
        }
    }
}

/// Nothing about it can be read in two ways, and it is no push.
fn is_plain(target: &[u8]) -> bool {
    let plain = |octet: &u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || *octet == b'/';
    target.iter().all(plain) && !target.windows(2).any(|two| two == b"//")
}

fn is_refused_for_a_reason(
    refused: &Refused,
    table: &RouteTable,
    paths: &[&str],
    path: &[u8],
) -> bool {
    let decoded = readings::decoded(path);
    let lower = decoded.to_ascii_lowercase();
    let Refused::Denied(denial) = refused else {
        // This is a GET in origin-form without Connection.
        return false;
    };
    let longest = longest_prefix(paths, path);
    match denial {
        Denial::NoRoute => longest.is_none(),
        Denial::Path(PathRefused::Character) => false, // the head would be none
        Denial::Path(PathRefused::Control) => decoded.iter().any(u8::is_ascii_control),
        // Also dots beside spaces: some file systems drop both at the end of a name.
        Denial::Path(PathRefused::DotSegment) => {
            let mut segments = decoded.split(|octet| b"/\\;?#".contains(octet));
            segments.any(|segment| {
                segment.contains(&b'.') && segment.iter().all(|octet| b". ".contains(octet))
            })
        }
        // The suffix begins with a separator, or with parameters that some drop.
        Denial::Path(PathRefused::Authority) => longest.is_some_and(|longest| {
            let route = table.find(longest.as_bytes());
            let has_no_base = route.is_some_and(|route| route.upstream.base_path().is_empty());
            has_no_base
                && decoded
                    .get(longest.len())
                    .is_some_and(|o| b"/\\;".contains(o))
        }),
        // The names of a longer one stand in it, in that order.
        Denial::Path(PathRefused::OtherRoute) => longest.is_some_and(|longest| {
            let longer = paths.iter().filter_map(|path| path.strip_prefix(longest));
            let mut longer = longer.filter(|names| !names.is_empty());
            longer.any(|names| names_stand_in(names, &lower))
        }),
        Denial::Push { .. } => {
            let push = b"git-receive-pack";
            lower.windows(push.len()).any(|part| part == push)
                || lower.windows(4).any(|part| part == b"refs")
        }
        // By `_method` in the query, or behind an encoded `?`.
        Denial::Method { .. } | Denial::Overrides => true,
        Denial::Host
        | Denial::Connect
        | Denial::Trace { .. }
        | Denial::PathField
        | Denial::Rule { .. }
        | Denial::Query { .. }
        | Denial::Loop
        | Denial::Expectation
        | Denial::CredentialUnset { .. } => false,
    }
}

fn names_stand_in(names: &str, path: &[u8]) -> bool {
    let mut rest = path;
    names
        .split('/')
        .filter(|name| !name.is_empty())
        .all(|name| {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let at = (0..=rest.len()).find(|at| rest[*at..].starts_with(name.as_bytes()));
            at.inspect(|at| rest = &rest[at + name.len()..]).is_some()
        })
}

fn stays_in_its_route(sent: &Sent, paths: &[&str], longest: &str, target: &[u8]) {
    assert_eq!(sent.route.path, longest);
    assert_eq!(
        forwarded::values(&sent.head, "authorization"),
        [format!("Bearer {}", token(longest)).as_bytes()]
    );
    let upstream = &sent.route.upstream;
    assert_eq!(sent.head.host(), Some(upstream.authority().as_bytes()));
    // Octet for octet: base path, `/` and what followed the route's path.
    let suffix = &target[longest.len()..];
    let base = upstream.base_path().as_bytes();
    assert_eq!(sent.head.target_octets(), [base, b"/", suffix].concat());

    let suffix = suffix
        .split(|octet| *octet == b'?')
        .next()
        .unwrap_or_default();
    for reading in readings::of(suffix) {
        assert!(!reading.has_dot_segment(), "{reading:?}");
        assert!(
            !reading.path.iter().any(u8::is_ascii_control),
            "{reading:?}"
        );
        // URL parsers read a host behind `//`.
        let has_authority = base.is_empty() && reading.path.starts_with(b"/");
        assert!(!has_authority, "{reading:?}");
        for longer in paths.iter().filter_map(|path| path.strip_prefix(longest)) {
            let is_taken = !longer.is_empty() && lies_below(&reading, longer);
            assert!(!is_taken, "{reading:?} lies below {longest}{longer}");
        }
    }
}

/// Whether the names of a route begin this path, and its `/` follows them.
fn lies_below(reading: &Reading, route: &str) -> bool {
    let route = Reading {
        path: route.into(),
        query: Vec::new(),
    };
    let (names, ours) = (reading.names(), route.names());
    let ends_open = reading.path.ends_with(b"/");
    names.starts_with(&ours) && (names.len() > ours.len() || ends_open)
}

fn longest_prefix<'p>(paths: &[&'p str], path: &[u8]) -> Option<&'p str> {
    let prefixes = paths
        .iter()
        .filter(|prefix| path.starts_with(prefix.as_bytes()));
    prefixes.max_by_key(|prefix| prefix.len()).copied()
}

/// As the routes file has them: nothing to decode, no two spellings.
fn is_route_path(path: &str) -> bool {
    let octet = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/".contains(&octet);
    let is_name = |segment: &str| segment.chars().any(|character| character != '.');
    let names = path
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    path.len() <= TARGET_OCTETS
        && path.bytes().all(octet)
        && (path == "/" || names.is_some_and(|names| names.split('/').all(is_name)))
}

fn token(path: &str) -> String {
    format!("of-{path}")
}

#[cfg(test)]
mod tests {
    use crate::seeds;

    #[test]
    fn seeds_stay_in_their_routes() {
        seeds::run_all("route", super::run);
    }
}
