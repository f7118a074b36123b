//! Keeps redirects and pagination inside the proxy: a reference into a route's upstream
//! becomes one into that route's path, at the authority the client used.

use std::sync::Arc;

use crate::route::{Route, RouteTable, Scheme};

/// What references of one response are resolved against and mapped to.
pub struct References<'a> {
    /// All routes.
    pub table: &'a RouteTable,
    /// The route of this request.
    pub route: &'a Arc<Route>,
    /// The authority in the client's request; absent from a 1.0 request without `Host`,
    /// whose references become path-absolute.
    pub authority: Option<&'a [u8]>,
}

/// An `http` or `https` reference that names its host.
struct Absolute<'a> {
    scheme: Scheme,
    host: &'a [u8],
    port: u16,
    /// From the first `/` (or `?`, `#`) on; may be empty.
    rest: &'a [u8],
}

impl References<'_> {
    /// The reference as the client must see it, or `None` where it stays as it is:
    /// path-relative ones, and those that no route covers.
    pub fn rewrite(&self, reference: &[u8]) -> Option<Vec<u8>> {
        let own = &self.route.upstream;
        let absolute = match reference {
            [b'/', b'/', network_path @ ..] => split_authority(own.scheme(), network_path)?,
            [b'/', ..] => Absolute {
                scheme: own.scheme(),
                host: own.host().as_bytes(),
                port: own.port(),
                rest: reference,
            },
            _ => split_scheme(reference)?,
        };
        self.inside(&absolute)
    }

    /// All targets of a `Link` value (RFC 8288 §3), its other octets kept.
    pub fn rewrite_link(&self, value: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut kept = 0;
        let mut quoted = false;
        let mut at = 0;
        while let Some(&octet) = value.get(at) {
            match octet {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b'<' if !quoted => {
                    let start = at + 1;
                    let length = memchr::memchr(b'>', value.get(start..)?)?;
                    let target = value.get(start..start + length)?;
                    if let Some(rewritten) = self.rewrite(target) {
                        out.extend_from_slice(value.get(kept..start)?);
                        out.extend_from_slice(&rewritten);
                        kept = start + length;
                    }
                    at = start + length;
                }
                _ => {}
            }
            at += 1;
        }
        if kept == 0 {
            return None;
        }
        out.extend_from_slice(value.get(kept..)?);
        Some(out)
    }

    fn inside(&self, absolute: &Absolute<'_>) -> Option<Vec<u8>> {
        let cut = memchr::memchr2(b'?', b'#', absolute.rest).unwrap_or(absolute.rest.len());
        let (path, tail) = absolute.rest.split_at(cut);
        let route = self.table.covering(
            self.route,
            absolute.scheme,
            absolute.host,
            absolute.port,
            path,
        )?;
        let suffix = path.get(route.upstream.base_path().len()..)?;
        let suffix = suffix.strip_prefix(b"/").unwrap_or(suffix);
        let mut out = Vec::with_capacity(64 + absolute.rest.len());
        if let Some(authority) = self.authority {
            out.extend_from_slice(b"http://");
            out.extend_from_slice(authority);
        }
        out.extend_from_slice(route.path.as_bytes());
        out.extend_from_slice(suffix);
        out.extend_from_slice(tail);
        Some(out)
    }
}

fn split_scheme(reference: &[u8]) -> Option<Absolute<'_>> {
    let colon = memchr::memchr(b':', reference)?;
    let (scheme, rest) = reference.split_at(colon);
    let scheme = if scheme.eq_ignore_ascii_case(b"https") {
        Scheme::Https
    } else if scheme.eq_ignore_ascii_case(b"http") {
        Scheme::Http
    } else {
        return None;
    };
    split_authority(scheme, rest.strip_prefix(b"://")?)
}

/// Splits `host[:port]` off. A reference with userinfo is nobody's route.
fn split_authority(scheme: Scheme, octets: &[u8]) -> Option<Absolute<'_>> {
    let end = octets
        .iter()
        .position(|octet| matches!(octet, b'/' | b'?' | b'#'))
        .unwrap_or(octets.len());
    let (authority, rest) = octets.split_at(end);
    if authority.contains(&b'@') {
        return None;
    }
    let (host, port) = match authority {
        [b'[', inner @ ..] => {
            let close = memchr::memchr(b']', inner)?;
            (inner.get(..close)?, inner.get(close + 1..)?)
        }
        _ => {
            let colon = memchr::memchr(b':', authority).unwrap_or(authority.len());
            authority.split_at(colon)
        }
    };
    let port = match port {
        [] | [b':'] => scheme.default_port(),
        [b':', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
        _ => return None,
    };
    Some(Absolute {
        scheme,
        host,
        port,
        rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Credential;
    use crate::route::UpstreamUrl;

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
            ("/gl/", "/api/v40/projects"),
            ("/gl/", "/users/sign_in"),
            ("/gl/", "https://git.example.org/"),
            ("/six/", "http://[::1/"),
            ("/gh-api/", ""),
        ] {
            assert_eq!(rewritten(own, reference), None, "{reference}");
        }
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
                    "<https://example.org/>; rel=a, <http://p/gh-api/x>; title=\"<https://api.github.com/>\"",
                ),
            ),
            ("<https://example.org/>; rel=next", None),
            ("no target at all", None),
            ("<https://api.github.com/unclosed", None),
        ] {
            let rewritten = references.rewrite_link(value.as_bytes());
            let rewritten = rewritten.map(|octets| String::from_utf8(octets).unwrap());
            assert_eq!(rewritten.as_deref(), expected, "{value}");
        }
    }
}
