//! Where a route leads: `http(s)://host[:port][/base/path]`, valid by construction.

use super::authority::{Authority, AuthorityError};
use crate::policy::{DecodedPath, PathRefused};
use core::fmt;

/// The two schemes an upstream may have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scheme {
    /// Plain text; `check` warns of it.
    Http,
    /// TLS, always verified.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that a Host field leaves out (RFC 9110 §4.2.1, §4.2.2).
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// An origin and a base path under which all paths of a route lie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpstreamUrl {
    scheme: Scheme,
    host: String,
    port: u16,
    base_path: String,
    authority: String,
}

/// What is wrong with a written upstream. Never holds the text: somebody may have
/// written a password into it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UpstreamUrlError {
    /// Neither `http://` nor `https://`.
    Scheme,
    /// The part between `//` and the path.
    Authority(AuthorityError),
    /// A `?` anywhere.
    Query,
    /// A `#` anywhere.
    Fragment,
    /// Something in the base path that is no RFC 3986 `pchar` or `/`, a `%` without two hex
    /// digits, or an encoded control character.
    PathCharacter,
    /// `//`, `/./` or `/../` in the base path, however encoded.
    PathSegment,
}

impl fmt::Display for UpstreamUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UpstreamUrlError::Scheme => "it does not begin with `https://` or `http://`",
            UpstreamUrlError::Authority(error) => return error.fmt(f),
            UpstreamUrlError::Query => "there must be no query",
            UpstreamUrlError::Fragment => "there must be no fragment",
            UpstreamUrlError::PathCharacter => {
                "the path has a control character, or one that must be percent-encoded"
            }
            UpstreamUrlError::PathSegment => "the path has an empty, `.` or `..` segment",
        })
    }
}

impl UpstreamUrl {
    /// Reads an upstream as the routes file holds it. One `/` at the end of the base
    /// path is dropped, for the suffix brings its own.
    pub fn parse(text: &str) -> Result<UpstreamUrl, UpstreamUrlError> {
        let (scheme, rest) = split_scheme(text).ok_or(UpstreamUrlError::Scheme)?;
        if rest.contains('#') {
            return Err(UpstreamUrlError::Fragment);
        }
        if rest.contains('?') {
            return Err(UpstreamUrlError::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let mut authority = Authority::parse(authority).map_err(UpstreamUrlError::Authority)?;
        let base_path = path.strip_suffix('/').unwrap_or(path);
        check_base_path(base_path)?;

        let port = authority.port.unwrap_or(scheme.default_port());
        authority.port = authority.port.filter(|port| *port != scheme.default_port());
        Ok(UpstreamUrl {
            scheme,
            port,
            base_path: base_path.to_owned(),
            authority: authority.to_string(),
            host: authority.host,
        })
    }

    /// Plain or TLS.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// For resolving, SNI and verification: lower case, IPv6 without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to dial.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Empty, or like `/api/v4`: never with a `/` at the end.
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// The Host field's value: the port only where it is not the scheme's, IPv6 in brackets.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether an absolute URL with this scheme, port and path, already known to have
    /// our host, lies at or below the base path, segment by segment.
    pub(super) fn covers(&self, scheme: Scheme, port: u16, path: &[u8]) -> bool {
        let below = path.strip_prefix(self.base_path.as_bytes());
        let at_segment = below.is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
        self.scheme == scheme && self.port == port && at_segment
    }
}

/// The upstream as a person reads it; it cannot hold a secret.
impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UpstreamUrl {
            scheme,
            authority,
            base_path,
            ..
        } = self;
        write!(f, "{}://{authority}{base_path}", scheme.as_str())
    }
}

fn split_scheme(text: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
        .map(|known| (known, rest))
}

fn check_base_path(path: &str) -> Result<(), UpstreamUrlError> {
    let octets = path.as_bytes();
    for (at, octet) in octets.iter().enumerate() {
        let allowed = match octet {
            b'%' => octets
                .get(at + 1..at + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            other => other.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(other),
        };
        if !allowed {
            return Err(UpstreamUrlError::PathCharacter);
        }
    }
    let refused = DecodedPath::of(octets).err();
    if refused == Some(PathRefused::Control) {
        return Err(UpstreamUrlError::PathCharacter);
    }
    if refused.is_some() || path.contains("//") || path.ends_with('/') {
        return Err(UpstreamUrlError::PathSegment);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_read_into_its_parts() {
        for (text, scheme, host, port, base_path, authority) in [
            (
                "https://api.github.com",
                Scheme::Https,
                "api.github.com",
                443,
                "",
                "api.github.com",
            ),
            (
                "https://api.github.com/",
                Scheme::Https,
                "api.github.com",
                443,
                "",
                "api.github.com",
            ),
            (
                "HTTPS://API.GitHub.com:443",
                Scheme::Https,
                "api.github.com",
                443,
                "",
                "api.github.com",
            ),
            (
                "http://localhost:8080/",
                Scheme::Http,
                "localhost",
                8080,
                "",
                "localhost:8080",
            ),
            ("http://h:443", Scheme::Http, "h", 443, "", "h:443"),
            (
                "https://h:80/Api/v4",
                Scheme::Https,
                "h",
                80,
                "/Api/v4",
                "h:80",
            ),
            ("https://h/api/v4/", Scheme::Https, "h", 443, "/api/v4", "h"),
            (
                "https://h/projects/a%2Fb",
                Scheme::Https,
                "h",
                443,
                "/projects/a%2Fb",
                "h",
            ),
            (
                "https://[::1]:9/x",
                Scheme::Https,
                "::1",
                9,
                "/x",
                "[::1]:9",
            ),
            ("https://[0::1]", Scheme::Https, "::1", 443, "", "[::1]"),
        ] {
            let url = UpstreamUrl::parse(text).expect(text);
            assert_eq!(
                (url.scheme(), url.host(), url.port()),
                (scheme, host, port),
                "{text}"
            );
            assert_eq!(
                (url.base_path(), url.authority()),
                (base_path, authority),
                "{text}"
            );
            let again = UpstreamUrl::parse(&url.to_string()).expect("its own text is an upstream");
            assert_eq!(again, url);
        }
    }

    #[test]
    fn a_bad_upstream_says_what_is_bad() {
        use UpstreamUrlError as E;
        for (text, error) in [
            ("", E::Scheme),
            ("api.github.com", E::Scheme),
            ("ftp://h", E::Scheme),
            (" https://h", E::Scheme),
            ("https:/h", E::Scheme),
            ("https://", E::Authority(AuthorityError::NoHost)),
            ("https:///x", E::Authority(AuthorityError::NoHost)),
            ("https://u:p@h", E::Authority(AuthorityError::Userinfo)),
            ("https://h\\@evil", E::Authority(AuthorityError::Userinfo)),
            ("https://h ", E::Authority(AuthorityError::HostCharacter)),
            ("https://h%00", E::Authority(AuthorityError::HostCharacter)),
            ("https://h:0", E::Authority(AuthorityError::Port)),
            ("https://::1", E::Authority(AuthorityError::Ipv6Address)),
            ("https://h?x", E::Query),
            ("https://h/?", E::Query),
            ("https://h/x#y", E::Fragment),
            ("https://h?#", E::Fragment),
            ("https://h/a b", E::PathCharacter),
            ("https://h/a%2", E::PathCharacter),
            ("https://h/a%zz", E::PathCharacter),
            ("https://h/a\\b", E::PathCharacter),
            ("https://h/ä", E::PathCharacter),
            ("https://h/a%0Ab", E::PathCharacter),
            ("https://h//", E::PathSegment),
            ("https://h/a//b", E::PathSegment),
            ("https://h/a/../b", E::PathSegment),
            ("https://h/a/%2E%2e", E::PathSegment),
            ("https://h/.", E::PathSegment),
        ] {
            assert_eq!(UpstreamUrl::parse(text), Err(error), "{text:?}");
        }
    }
}
