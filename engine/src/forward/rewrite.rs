//! Keeps redirects and pagination inside the proxy: a reference into a route's upstream
//! becomes one into that route's path, at the authority the client used.
//!
//! It also keeps them in their route. What a reference means is settled against the
//! upstream's URL (RFC 3986 §5.2), before the client could settle it against ours: an
//! upstream's `/../other/` must not spend the credential of another route.

use std::borrow::Cow;
use std::sync::Arc;

use crate::message::{Authority, LimitReached};
use crate::route::{Route, RouteTable, Scheme, UpstreamUrl};

/// What references of one response are resolved against and mapped to.
pub struct References<'a> {
    /// All routes.
    pub table: &'a RouteTable,
    /// The route of this request.
    pub route: &'a Arc<Route>,
    /// The authority in the client's request; absent from a 1.0 request without `Host`,
    /// whose references become path-absolute.
    pub authority: Option<&'a [u8]>,
    /// The request's path behind the route's.
    pub suffix: &'a [u8],
}

/// An `http` or `https` reference that names its host.
struct Absolute<'a> {
    scheme: Scheme,
    host: &'a [u8],
    port: u16,
    /// From the first `/` on; may be empty.
    path: &'a [u8],
    /// From the first `?` or `#` on; may be empty.
    tail: &'a [u8],
}

impl References<'_> {
    /// The reference as the client must see it, or `None` where it stays as it is:
    /// path-relative ones without dot segments, and absolute ones that no route covers and
    /// that name their scheme.
    pub fn rewrite(&self, reference: &[u8]) -> Option<Vec<u8>> {
        let reference = reference.trim_ascii();
        let cut = memchr::memchr2(b'?', b'#', reference).unwrap_or(reference.len());
        let (hierarchy, tail) = reference.split_at(cut);
        let hierarchy = as_clients_read(hierarchy);
        let own = &self.route.upstream;
        if let Some(absolute) = split_absolute(own.scheme(), &hierarchy, tail) {
            // Without a scheme of its own it would get the client's, and TLS be lost.
            let has_ours = hierarchy.starts_with(b"//") && own.scheme() == Scheme::Https;
            let kept = || has_ours.then(|| [b"https:", &*hierarchy, tail].concat());
            return self.inside(&absolute).or_else(kept);
        }
        let (hierarchy, was_http) = without_own_scheme(&hierarchy);
        let path = match hierarchy {
            [] => return None,
            [b'/', ..] => Cow::Borrowed(hierarchy),
            // Behind an `http:` nobody looks for another scheme.
            relative if !was_http && has_scheme(relative) => return None,
            // It means the same to the client, unless a longer route begins below ours.
            relative if !was_http && !has_dot_segment(relative) && self.route.longer.is_empty() => {
                return None;
            }
            relative => Cow::Owned(self.merge(relative)),
        };
        let absolute = Absolute {
            scheme: own.scheme(),
            host: own.host().as_bytes(),
            port: own.port(),
            path: &path,
            tail,
        };
        // A place of the upstream that no route covers is named as what it is: left as a
        // path, it would be one of ours.
        self.inside(&absolute)
            .or_else(|| Some(self.outside(&absolute)))
    }

    /// All targets of a `Link` value (RFC 8288 §3), its other octets kept. `left` is how
    /// many more of them this head may have: each can grow to the length of the request's
    /// path.
    pub fn rewrite_link(
        &self,
        value: &[u8],
        left: &mut usize,
    ) -> Result<Option<Vec<u8>>, LimitReached> {
        let mut out = Vec::new();
        let mut kept = 0;
        let mut at = 0;
        // Quotes are not looked at: one that is left open must hide no target, and a text
        // in angle brackets within quotes is read as a target by many a client as well.
        while let Some(start) = position(b'<', value, at).map(|open| open + 1) {
            let end = position(b'>', value, start).unwrap_or(value.len());
            *left = left.checked_sub(1).ok_or(LimitReached::HeadOctets)?;
            if let Some(rewritten) = self.rewrite(&value[start..end]) {
                out.extend_from_slice(&value[kept..start]);
                out.extend_from_slice(&rewritten);
                kept = end;
            }
            at = end;
        }
        if kept == 0 {
            return Ok(None);
        }
        out.extend_from_slice(&value[kept..]);
        Ok(Some(out))
    }

    /// RFC 3986 §5.2.3, against the path that the upstream was asked for.
    fn merge(&self, relative: &[u8]) -> Vec<u8> {
        let mut path = self.route.upstream.base_path().as_bytes().to_vec();
        path.push(b'/');
        path.extend_from_slice(self.suffix);
        let directory = memchr::memrchr(b'/', &path).map_or(0, |slash| slash + 1);
        path.truncate(directory);
        path.extend_from_slice(relative);
        path
    }

    fn inside(&self, absolute: &Absolute<'_>) -> Option<Vec<u8>> {
        let path = without_dot_segments(absolute.path);
        let route = self.table.covering(
            self.route,
            absolute.scheme,
            absolute.host,
            absolute.port,
            &path,
        )?;
        let suffix = path.get(route.upstream.base_path().len()..)?;
        let suffix = suffix.strip_prefix(b"/").unwrap_or(suffix);
        let mut out = Vec::with_capacity(64 + path.len() + absolute.tail.len());
        if let Some(authority) = self.authority {
            out.extend_from_slice(b"http://");
            out.extend_from_slice(authority);
        }
        let start = out.len();
        out.extend_from_slice(route.path.as_bytes());
        out.extend_from_slice(suffix);
        // A longer route may take this path, and lead to another place.
        let taker = self.table.find(&out[start..])?;
        if !Arc::ptr_eq(taker, route) {
            let behind = out.get(start + taker.path.len()..)?;
            let (theirs, ours) = (&taker.upstream, &route.upstream);
            let origin = |url: &UpstreamUrl| (url.scheme(), url.authority().to_owned());
            let there = [theirs.base_path().as_bytes(), b"/", behind].concat();
            if origin(theirs) != origin(ours) || there != *path {
                return None;
            }
        }
        out.extend_from_slice(absolute.tail);
        Some(out)
    }

    fn outside(&self, absolute: &Absolute<'_>) -> Vec<u8> {
        let own = &self.route.upstream;
        let path = without_dot_segments(absolute.path);
        [
            own.scheme().as_str().as_bytes(),
            b"://",
            own.authority().as_bytes(),
            &path,
            absolute.tail,
        ]
        .concat()
    }
}

fn position(octet: u8, value: &[u8], from: usize) -> Option<usize> {
    memchr::memchr(octet, value.get(from..)?).map(|found| from + found)
}

/// As the URL parsers of clients read it: `\` is `/`, and a tab is not there.
fn as_clients_read(hierarchy: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\\', b'\t', hierarchy).is_none() {
        return Cow::Borrowed(hierarchy);
    }
    let read = hierarchy.iter().filter(|octet| **octet != b'\t');
    let read = read.map(|octet| match octet {
        b'\\' => b'/',
        other => *other,
    });
    Cow::Owned(read.collect())
}

/// `http:`, `https:` or network-path; a reference with userinfo is nobody's route.
fn split_absolute<'a>(own: Scheme, hierarchy: &'a [u8], tail: &'a [u8]) -> Option<Absolute<'a>> {
    let (scheme, rest) = match hierarchy {
        [b'/', b'/', rest @ ..] => (own, rest),
        _ => {
            let colon = memchr::memchr(b':', hierarchy)?;
            let (scheme, rest) = hierarchy.split_at(colon);
            let scheme = [Scheme::Https, Scheme::Http]
                .into_iter()
                .find(|known| scheme.eq_ignore_ascii_case(known.as_str().as_bytes()))?;
            (scheme, rest.strip_prefix(b"://")?)
        }
    };
    let end = memchr::memchr(b'/', rest).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = Authority::of(authority)?;
    let host = match authority.host {
        [b'[', address @ .., b']'] => address,
        name => name,
    };
    Some(Absolute {
        scheme,
        host,
        port: authority.port.unwrap_or(scheme.default_port()),
        path,
        tail,
    })
}

/// What follows an `http:` that no host follows. Clients reach us over http, and to a URL
/// parser such a reference is then a relative one (RFC 3986 §5.2.2 calls that lenient).
fn without_own_scheme(hierarchy: &[u8]) -> (&[u8], bool) {
    match hierarchy.split_at_checked(5) {
        // With userinfo, or another authority that is none, it stays what it is.
        Some((_, [b'/', b'/', other, ..])) if *other != b'/' => (hierarchy, false),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"http:") => (rest, true),
        Some(_) | None => (hierarchy, false),
    }
}

/// `mailto:`, or an `https:` that names no host of a route. What is no scheme by its
/// characters (RFC 3986 §3.1) is the first segment of a path: `1:/../x`.
fn has_scheme(reference: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', reference) else {
        return false;
    };
    let is_in_scheme = |octet: &u8| octet.is_ascii_alphanumeric() || b"+-.".contains(octet);
    match &reference[..colon] {
        [first, rest @ ..] => first.is_ascii_alphabetic() && rest.iter().all(is_in_scheme),
        [] => false,
    }
}

fn has_dot_segment(path: &[u8]) -> bool {
    let mut segments = path.split(|octet| *octet == b'/');
    segments.any(|segment| dots(segment) > 0)
}

/// 1 for `.`, 2 for `..`, in any encoding that clients undo; else 0.
fn dots(segment: &[u8]) -> usize {
    let mut rest = segment;
    let mut count = 0;
    while !rest.is_empty() {
        rest = match rest {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] if count < 2 => rest,
            _ => return 0,
        };
        count += 1;
    }
    count
}

/// RFC 3986 §5.2.4, for a path that is empty or starts with `/`.
fn without_dot_segments(path: &[u8]) -> Cow<'_, [u8]> {
    if !has_dot_segment(path) {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut ends_open = false;
    for segment in path.split(|octet| *octet == b'/').skip(1) {
        ends_open = dots(segment) > 0;
        match dots(segment) {
            0 => kept.push(segment),
            1 => {}
            _ => drop(kept.pop()),
        }
    }
    if ends_open {
        kept.push(b"");
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Credential;

    fn table() -> RouteTable {
        let route = |path: &str, upstream: &str| {
            Route::new(
                path.to_owned(),
                UpstreamUrl::parse(upstream).unwrap(),
                Credential::unset("authorization", "T"),
            )
        };
        RouteTable::new(vec![
            route("/gh-api/", "https://api.github.com"),
            route("/gh-git/", "https://github.com"),
            route("/gl/", "https://git.example.org/api/v4"),
            route("/six/", "http://[::1]:8080"),
            route("/n/", "https://n.example"),
            route("/n/same/", "https://n.example/same"),
            route("/n/other/", "https://other.example"),
        ])
        .unwrap()
    }

    fn rewritten(own: &str, reference: &str) -> Option<String> {
        with_authority(own, reference, Some(b"cred-proxy:9099"))
    }

    fn with_authority(own: &str, reference: &str, authority: Option<&[u8]>) -> Option<String> {
        let table = table();
        let references = References {
            table: &table,
            route: table.find(own.as_bytes()).unwrap(),
            authority,
            suffix: b"x/y/z",
        };
        let octets = references.rewrite(reference.as_bytes())?;
        Some(String::from_utf8(octets).unwrap())
    }

    #[test]
    fn references_into_a_route_stay_inside_the_proxy() {
        for (own, reference, expected) in [
            (
                "/gh-api/",
                "https://api.github.com/user?page=2#x",
                "/gh-api/user?page=2#x",
            ),
            (
                "/gh-api/",
                "HTTPS://API.GitHub.com:443/user",
                "/gh-api/user",
            ),
            ("/gh-api/", "https://api.github.com", "/gh-api/"),
            ("/gh-api/", "https://api.github.com?q", "/gh-api/?q"),
            ("/gh-api/", "//api.github.com/a", "/gh-api/a"),
            ("/gh-api/", "/repositories/1", "/gh-api/repositories/1"),
            ("/gh-api/", "https://github.com/a/b.git", "/gh-git/a/b.git"),
            ("/gl/", "/api/v4/projects", "/gl/projects"),
            ("/gl/", "https://git.example.org/api/v4", "/gl/"),
            ("/gl/", "https://git.example.org/api/v4/p%2Fq", "/gl/p%2Fq"),
            ("/six/", "http://[::1]:8080/a", "/six/a"),
        ] {
            let expected = format!("http://cred-proxy:9099{expected}");
            assert_eq!(rewritten(own, reference), Some(expected), "{reference}");
        }
    }

    #[test]
    fn a_foreign_reference_without_a_scheme_keeps_that_of_the_upstream() {
        let kept = |own, reference| rewritten(own, reference);
        let https = Some("https://example.org/x?y#z".to_owned());
        assert_eq!(kept("/gh-api/", "//example.org/x?y#z"), https);
        assert_eq!(kept("/gh-api/", "\\\\example.org\\x?y#z"), https);
        assert_eq!(kept("/six/", "//example.org/x?y#z"), None);
    }

    #[test]
    fn references_that_no_route_covers_stay_as_they_are() {
        for (own, reference) in [
            ("/gh-api/", "https://example.org/"),
            ("/gh-api/", "http://api.github.com/"), // another scheme, another service
            ("/gh-api/", "https://api.github.com:8443/"),
            ("/gh-api/", "https://api.github.com.example.org/"),
            ("/gh-api/", "https://user@api.github.com/"),
            ("/gh-api/", "next/page"),
            ("/gh-api/", "?page=2"),
            ("/gh-api/", "mailto:a@api.github.com"),
            ("/gl/", "https://git.example.org/"),
            ("/six/", "http://[::1/"),
            ("/gh-api/", ""),
        ] {
            assert_eq!(rewritten(own, reference), None, "{reference}");
        }
    }

    #[test]
    fn a_place_of_the_upstream_that_no_route_covers_is_no_path_of_ours() {
        for (reference, expected) in [
            ("/users/sign_in?x", "/users/sign_in?x"),
            ("/api/v40/projects", "/api/v40/projects"),
            ("/api/v4/../gh-api/x", "/api/gh-api/x"),
            ("../../../../../gh-api/x", "/gh-api/x"),
        ] {
            let expected = format!("https://git.example.org{expected}");
            assert_eq!(rewritten("/gl/", reference), Some(expected), "{reference}");
        }
    }

    #[test]
    fn dot_segments_are_settled_against_the_upstream_and_never_leave_the_route() {
        for (reference, expected) in [
            ("/../gh-git/a", "/gh-api/gh-git/a"),
            ("/a/%2e%2E/../gh-git/.", "/gh-api/gh-git/"),
            ("https://api.github.com/../gh-git/a", "/gh-api/gh-git/a"),
            ("../../../gh-git/a", "/gh-api/gh-git/a"),
            ("../w?q=/../", "/gh-api/x/w?q=/../"),
            ("./w", "/gh-api/x/y/w"),
            ("..", "/gh-api/x/"),
            ("/x\\..\\..\\gh-git\\a", "/gh-api/gh-git/a"),
            ("/.\t./gh-git/a", "/gh-api/gh-git/a"),
            ("http:/gh-git/a", "/gh-api/gh-git/a"),
            ("HTTP:\\gh-git\\a", "/gh-api/gh-git/a"),
            ("http:///gh-git/a", "/gh-api///gh-git/a"),
            ("http:../../../gh-git/a", "/gh-api/gh-git/a"),
            ("http:w", "/gh-api/x/y/w"),
            ("http:a:../../../../gh-git/a", "/gh-api/gh-git/a"),
            ("http:mailto:w", "/gh-api/x/y/mailto:w"),
            ("1:/../../../../gh-git/a", "/gh-api/gh-git/a"),
            (":/../../../../gh-git/a", "/gh-api/gh-git/a"),
            ("%61:/../../../../gh-git/a", "/gh-api/gh-git/a"),
            (" /gh-git/a ", "/gh-api/gh-git/a"),
        ] {
            let expected = format!("http://cred-proxy:9099{expected}");
            assert_eq!(
                rewritten("/gh-api/", reference),
                Some(expected),
                "{reference}"
            );
        }
    }

    #[test]
    fn a_reference_does_not_lead_into_a_longer_route_of_another_place() {
        for (reference, expected) in [
            ("/x", "http://cred-proxy:9099/n/x"),
            ("/same/x", "http://cred-proxy:9099/n/same/x"),
            ("/other/x", "https://n.example/other/x"),
            ("../../other/x", "https://n.example/other/x"),
            ("w", "http://cred-proxy:9099/n/x/y/w"),
        ] {
            let found = rewritten("/n/", reference);
            assert_eq!(found.as_deref(), Some(expected), "{reference}");
        }
        assert_eq!(rewritten("/n/", "https://n.example/other/x"), None);
    }

    #[test]
    fn a_client_that_named_no_authority_gets_a_path() {
        let path = with_authority("/gh-api/", "https://api.github.com/user", None);
        assert_eq!(path.as_deref(), Some("/gh-api/user"));
    }

    #[test]
    fn every_target_of_a_link_is_rewritten_and_nothing_else() {
        let table = table();
        let references = References {
            table: &table,
            route: table.find(b"/gh-api/").unwrap(),
            authority: Some(b"p"),
            suffix: b"",
        };
        for (value, expected) in [
            (
                "<https://api.github.com/r?page=2>; rel=\"next\", <https://api.github.com/r?page=9>; rel=\"last\"",
                Some(
                    "<http://p/gh-api/r?page=2>; rel=\"next\", <http://p/gh-api/r?page=9>; rel=\"last\"",
                ),
            ),
            (
                "<https://example.org/>; rel=a, </x>; title=\"<https://api.github.com/>\"",
                Some(
                    "<https://example.org/>; rel=a, <http://p/gh-api/x>; title=\"<http://p/gh-api/>\"",
                ),
            ),
            ("<https://example.org/>; rel=next", None),
            ("no target at all", None),
            (
                "</../x>; rel=next, <https://api.github.com/unclosed",
                Some("<http://p/gh-api/x>; rel=next, <http://p/gh-api/unclosed"),
            ),
            ("\", </../x>", Some("\", <http://p/gh-api/x>")),
        ] {
            let rewritten = references.rewrite_link(value.as_bytes(), &mut 99).unwrap();
            let rewritten = rewritten.map(|octets| String::from_utf8(octets).unwrap());
            assert_eq!(rewritten.as_deref(), expected, "{value}");
        }
    }
}
