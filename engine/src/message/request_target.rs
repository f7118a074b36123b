//! The four forms of a request-target (RFC 9112 §3.2).

use super::authority::Authority;
use super::fault::{Fault, Malformed};
use super::request_head::RequestHead;
use super::start_line::Method;

/// What a request asks for, as its sender wrote it. Nothing is decoded.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum RequestTarget<'a> {
    /// `/path?query` (§3.2.1)
    Origin {
        /// Begins with `/`.
        path: &'a [u8],
        /// What follows the first `?`, which may be nothing; None without one.
        query: Option<&'a [u8]>,
    },
    /// `http://authority/path?query` (§3.2.2)
    Absolute {
        /// `uri-host [ ":" port ]`, well-formed; it overrides `Host` (§3.2.2).
        authority: &'a [u8],
        /// Begins with `/`; an empty one is read as `/` (RFC 9110 §4.2.3).
        path: &'a [u8],
        /// What follows the first `?`, which may be nothing; None without one.
        query: Option<&'a [u8]>,
    },
    /// `host:port`, of CONNECT alone (§3.2.3)
    Authority,
    /// `*`, of OPTIONS alone (§3.2.4)
    Asterisk,
}

impl<'a> RequestTarget<'a> {
    /// The form of a head's target, given its method.
    pub fn of(head: &'a RequestHead) -> Result<RequestTarget<'a>, Fault> {
        let target = head.target_octets();
        let form = match (head.method(), target) {
            (Method::Connect, _) => Authority::of(target)
                .filter(|authority| authority.port.is_some())
                .map(|_| RequestTarget::Authority),
            (Method::Options, b"*") => Some(RequestTarget::Asterisk),
            (_, [b'/', ..]) => {
                let (path, query) = split_query(target);
                Some(RequestTarget::Origin { path, query })
            }
            (_, _) => absolute(target),
        };
        form.ok_or(Malformed::RequestTarget.into())
    }
}

fn absolute(target: &[u8]) -> Option<RequestTarget<'_>> {
    let after_scheme = strip_scheme(target, b"http://").or(strip_scheme(target, b"https://"))?;
    let authority_end = after_scheme
        .iter()
        .position(|octet| matches!(octet, b'/' | b'?'))
        .unwrap_or(after_scheme.len());
    let (authority, rest) = after_scheme.split_at_checked(authority_end)?;
    Authority::of(authority)?;
    let (path, query) = split_query(rest);
    let path = if path.is_empty() { b"/" } else { path };
    Some(RequestTarget::Absolute {
        authority,
        path,
        query,
    })
}

/// Schemes are case-insensitive (RFC 3986 §3.1).
fn strip_scheme<'a>(target: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = target.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn split_query(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', target).and_then(|at| target.split_at_checked(at)) {
        Some((path, [_, query @ ..])) => (path, Some(query)),
        Some((_, [])) | None => (target, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{request, request_octets};
    use super::*;

    fn with<T>(line: &str, look: impl Fn(Result<RequestTarget<'_>, Fault>) -> T) -> T {
        let octets = request_octets(&format!("{line} HTTP/1.1"), "");
        look(RequestTarget::of(&request(&[&octets]).unwrap()))
    }

    #[test]
    fn origin_and_absolute_form_are_taken_apart() {
        for (line, authority, path, query) in [
            ("GET /", None, "/", None),
            ("GET /a/b", None, "/a/b", None),
            ("GET /a?", None, "/a", Some("")),
            ("GET /?a?b", None, "/", Some("a?b")),
            ("GET //a", None, "//a", None),
            ("OPTIONS /a", None, "/a", None),
            ("GET /%2e%2E/http://b/", None, "/%2e%2E/http://b/", None),
            ("GET /\"{|}^`<>", None, "/\"{|}^`<>", None),
            ("GET http://a", Some("a"), "/", None),
            ("GET http://a/b", Some("a"), "/b", None),
            ("GET HTTPS://a:1/b?c/d", Some("a:1"), "/b", Some("c/d")),
            ("GET http://a?b/c", Some("a"), "/", Some("b/c")),
            ("GET http://[::1]:80//", Some("[::1]:80"), "//", None),
            ("OPTIONS http://a", Some("a"), "/", None),
        ] {
            let (path, query) = (path.as_bytes(), query.map(str::as_bytes));
            let expected = match authority.map(str::as_bytes) {
                None => RequestTarget::Origin { path, query },
                Some(authority) => RequestTarget::Absolute {
                    authority,
                    path,
                    query,
                },
            };
            with(line, |found| assert_eq!(found, Ok(expected), "{line}"));
        }
    }

    #[test]
    fn the_other_forms_belong_to_one_method_each() {
        for (line, expected) in [
            ("OPTIONS *", RequestTarget::Asterisk),
            ("CONNECT a:443", RequestTarget::Authority),
            ("CONNECT [::1]:443", RequestTarget::Authority),
        ] {
            with(line, |found| assert_eq!(found, Ok(expected), "{line}"));
        }
    }

    #[rustfmt::skip]
    const FORMLESS: &[&str] = &[
        "GET *", "OPTIONS **", "GET a", "GET a:443", "GET ?a", "GET a/b", "GET http:/a", "GET http:a",
        "GET http://", "GET http:///b", "GET http://?a", "GET http://user@a/", "GET http://a:b/",
        "GET http://a:65536/", "GET http://a,b/", "GET http://[::1/", "GET ftp://a/", "GET ws://a/",
        "GET ://a/", "CONNECT a", "CONNECT a:", "CONNECT :443", "CONNECT /", "CONNECT *",
        "CONNECT http://a:443", "CONNECT u@a:443",
    ];

    #[test]
    fn what_has_no_form_is_a_fault() {
        for line in FORMLESS {
            with(line, |found| {
                assert_eq!(found, Err(Malformed::RequestTarget.into()), "{line}");
            });
        }
    }
}
