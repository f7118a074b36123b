//! Where a route leads: `http(s)://host[:port][/base/path]`, as the engine takes it.

use super::authority::Authority;
use core::fmt;
use core::net::IpAddr;

/// An upstream that the engine takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::manifest) struct UpstreamUrl {
    is_https: bool,
    authority: Authority,
    base_path: String,
}

impl UpstreamUrl {
    /// Reads an upstream. Never shows the text: somebody may have written a password into it.
    pub(in crate::manifest) fn parse(text: &str) -> Result<UpstreamUrl, String> {
        parse(text).map_err(|why| format!("{why}; write it like \"https://api.example.org\""))
    }

    /// `host[:port]`, the port only where it is not the scheme's.
    pub(in crate::manifest) fn authority(&self) -> String {
        self.authority.to_string()
    }

    /// Reads one that a token of the host's is sent to. Plain HTTP is for this very machine.
    pub(in crate::manifest) fn parse_for_token(text: &str) -> Result<UpstreamUrl, String> {
        let url = UpstreamUrl::parse(text)?;
        let host = url.host();
        let address = host.parse::<IpAddr>();
        let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        match url.is_https || is_loopback {
            true => Ok(url),
            false => Err("would carry the token in the clear; write it with `https://`".to_owned()),
        }
    }

    /// Lower case.
    pub(in crate::manifest) fn host(&self) -> &str {
        &self.authority.host
    }
}

/// Without a `/` at its end, for that is how clients take a base URL.
impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.base_path)
    }
}

fn parse(text: &str) -> Result<UpstreamUrl, String> {
    let no_scheme = "does not begin with `https://` or `http://`";
    let (scheme, rest) = text.split_once("://").ok_or(no_scheme)?;
    let is_https = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err(no_scheme.to_owned()),
    };
    if rest.contains('#') {
        return Err("has a fragment".to_owned());
    }
    if rest.contains('?') {
        return Err("has a query".to_owned());
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut authority = Authority::parse(authority).map_err(|error| error.to_string())?;
    let default_port = if is_https { 443 } else { 80 };
    authority.port = authority.port.filter(|port| *port != default_port);
    let base_path = path.strip_suffix('/').unwrap_or(path);
    check_base_path(base_path)?;
    Ok(UpstreamUrl {
        is_https,
        authority,
        base_path: base_path.to_owned(),
    })
}

fn check_base_path(path: &str) -> Result<(), &'static str> {
    let octets = path.as_bytes();
    for (at, octet) in octets.iter().enumerate() {
        let allowed = match octet {
            b'%' => octets
                .get(at + 1..at + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            other => other.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(other),
        };
        if !allowed {
            return Err("has a character in its path that must be percent-encoded");
        }
    }
    let decoded = decoded(octets);
    if decoded.iter().any(u8::is_ascii_control) {
        return Err("has an encoded control character in its path");
    }
    let mut segments = decoded.split(|octet| matches!(octet, b'/' | b'\\'));
    let is_dot_segment = |segment: &[u8]| is_dot_segment(without_parameters(segment));
    if segments.any(is_dot_segment) || path.contains("//") || path.ends_with('/') {
        return Err("has an empty, `.` or `..` segment in its path");
    }
    Ok(())
}

/// Percent-decoded until nothing is left to decode, as some service on the way may do.
fn decoded(octets: &[u8]) -> Vec<u8> {
    let mut text = octets.to_vec();
    loop {
        let mut next = Vec::with_capacity(text.len());
        let mut rest = text.as_slice();
        while let [first, after @ ..] = rest {
            let digits = after
                .get(..2)
                .and_then(|hex| core::str::from_utf8(hex).ok());
            let is_hex = |digits: &&str| digits.bytes().all(|octet| octet.is_ascii_hexdigit());
            let digits = digits.filter(is_hex).filter(|_| *first == b'%');
            match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(octet) => {
                    next.push(octet);
                    rest = &after[2..];
                }
                None => {
                    next.push(*first);
                    rest = after;
                }
            }
        }
        if next.len() == text.len() {
            return text;
        }
        text = next;
    }
}

fn without_parameters(segment: &[u8]) -> &[u8] {
    let end = segment.iter().position(|octet| b";?#".contains(octet));
    &segment[..end.unwrap_or(segment.len())]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_has_one_spelling() {
        for (text, expected) in [
            ("https://api.github.com/", "https://api.github.com"),
            (
                "HTTPS://API.GitHub.com:443/V4/",
                "https://api.github.com/V4",
            ),
            ("http://h:8080", "http://h:8080"),
            ("https://[0::1]:9/x", "https://[::1]:9/x"),
            ("https://h/a%2Fb", "https://h/a%2Fb"),
        ] {
            let url = UpstreamUrl::parse(text).expect(text);
            assert_eq!(url.to_string(), expected);
        }
    }

    #[test]
    fn no_token_goes_in_the_clear() {
        for (text, taken) in [
            ("https://git.example.org", true),
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000/x", true),
            ("http://LOCALHOST", true),
            ("http://git.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("http://localhost.example.org", false),
            ("http://192.0.2.1", false),
        ] {
            let read = UpstreamUrl::parse_for_token(text);
            assert_eq!(read.is_ok(), taken, "{text}");
        }
    }

    #[test]
    fn decoding_goes_on_until_nothing_is_left() {
        assert_eq!(decoded(b"/%252e%25252E%2"), b"/..%2");
        let deep = format!("/%{}2e", "25".repeat(2000));
        assert_eq!(decoded(deep.as_bytes()), b"/.");
    }
}
