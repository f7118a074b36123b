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
