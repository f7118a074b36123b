//! `HTTPS_PROXY`: the proxy through which TLS upstreams are reached.

use crate::policy::{Secret, basic};
use crate::route::{Authority, AuthorityError};
use core::fmt;
use zeroize::Zeroizing;

/// A plain-text HTTP proxy and what it wants to be told.
///
/// Holds a password, hence no `Debug`.
pub struct ProxyUrl {
    /// Lower case, IPv6 without brackets.
    pub host: String,
    /// The port to dial.
    pub port: u16,
    /// The value of `Proxy-Authorization`.
    pub authorization: Option<Secret>,
}

/// What is wrong with a proxy's URL. Never holds the text, which may have a password in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyUrlError {
    /// Not `http://`.
    Scheme,
    /// The part between the userinfo and the end.
    Authority(AuthorityError),
    /// No port.
    NoPort,
    /// A path, query or fragment.
    Path,
    /// A `%` without two hex digits, a control character, or an encoded `:` in the user.
    Userinfo,
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProxyUrlError::Scheme => "it does not begin with `http://`",
            ProxyUrlError::Authority(error) => return error.fmt(f),
            ProxyUrlError::NoPort => "there is no port",
            ProxyUrlError::Path => "there must be no path, query or fragment",
            ProxyUrlError::Userinfo => "user or password is not well percent-encoded",
        })
    }
}

impl ProxyUrl {
    /// Reads `http://[user[:password]@]host:port`, with or without a `/` at the end.
    pub fn parse(text: &str) -> Result<ProxyUrl, ProxyUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(ProxyUrlError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(ProxyUrlError::Scheme);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // A userinfo has them encoded; an `@` behind one would be a path's.
        if rest.contains(['/', '?', '#']) {
            return Err(ProxyUrlError::Path);
        }
        let (userinfo, authority) = match rest.rsplit_once('@') {
            Some((userinfo, authority)) => (Some(userinfo), authority),
            None => (None, rest),
        };
        let authority = Authority::parse(authority).map_err(ProxyUrlError::Authority)?;
        Ok(ProxyUrl {
            host: authority.host,
            port: authority.port.ok_or(ProxyUrlError::NoPort)?,
            authorization: userinfo.map(authorization).transpose()?,
        })
    }
}

/// RFC 7617 §2: a user has no colon, neither part has a control character.
fn authorization(userinfo: &str) -> Result<Secret, ProxyUrlError> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let user = decode(user)?;
    let password = decode(password)?;
    let has_control = user.iter().chain(password.iter()).any(u8::is_ascii_control);
    if has_control || user.contains(&b':') {
        return Err(ProxyUrlError::Userinfo);
    }
    Ok(basic(&user, &password))
}

/// Percent-decodes once (RFC 3986 §2.1).
fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, ProxyUrlError> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        if octet != b'%' {
            decoded.push(octet);
            continue;
        }
        let mut digit = || char::from(octets.next()?).to_digit(16);
        match (digit(), digit()) {
            (Some(high), Some(low)) => decoded.extend(u8::try_from(high * 16 + low)),
            (None, _) | (_, None) => return Err(ProxyUrlError::Userinfo),
        }
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_into_its_parts() {
        for (text, host, port, authorization) in [
            ("http://proxy:3128", "proxy", 3128, None),
            ("HTTP://Proxy.Example:8080/", "proxy.example", 8080, None),
            ("http://[::1]:3128", "::1", 3128, None),
            (
                "http://user:pass@proxy:1",
                "proxy",
                1,
                Some("Basic dXNlcjpwYXNz"),
            ),
            ("http://user@proxy:1", "proxy", 1, Some("Basic dXNlcjo=")),
            (
                "http://u%73er:p%40ss%3A@proxy:1",
                "proxy",
                1,
                Some("Basic dXNlcjpwQHNzOg=="),
            ),
            (
                "http://user:p@ss@proxy:1",
                "proxy",
                1,
                Some("Basic dXNlcjpwQHNz"),
            ),
            (
                "http://user:a:b@proxy:1",
                "proxy",
                1,
                Some("Basic dXNlcjphOmI="),
            ),
        ] {
            let proxy = ProxyUrl::parse(text).expect(text);
            let value = proxy.authorization.map(|secret| {
                let mut value = Vec::new();
                secret.write_into(&mut value);
                String::from_utf8(value).expect("ASCII")
            });
            assert_eq!((proxy.host.as_str(), proxy.port), (host, port), "{text}");
            assert_eq!(value.as_deref(), authorization, "{text}");
        }
    }

    #[test]
    fn a_bad_proxy_says_what_is_bad_and_never_the_password() {
        use ProxyUrlError as E;
        for (text, error) in [
            ("proxy:3128", E::Scheme),
            ("https://proxy:3128", E::Scheme),
            ("socks5://proxy:3128", E::Scheme),
            ("http://", E::Authority(AuthorityError::NoHost)),
            ("http://hunter2@", E::Authority(AuthorityError::NoHost)),
            (
                "http://user:hunter2@ho st:1",
                E::Authority(AuthorityError::HostCharacter),
            ),
            (
                "http://user:hunter2@host:0",
                E::Authority(AuthorityError::Port),
            ),
            ("http://user:hunter2@host", E::NoPort),
            ("http://user:hunter2@host:1/path", E::Path),
            ("http://user:hunter2@host:1?x", E::Path),
            ("http://host:1/@evil:2", E::Path),
            ("http://user:hunter2#@host:1", E::Path),
            ("http://user:hunter2%@host:1", E::Userinfo),
            ("http://user:hunter2%zz@host:1", E::Userinfo),
            ("http://user:hunter2%0a@host:1", E::Userinfo),
            ("http://us%3aer:hunter2@host:1", E::Userinfo),
        ] {
            assert_eq!(ProxyUrl::parse(text).err(), Some(error), "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
