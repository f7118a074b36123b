//! `host [ ":" port ]` as the engine takes it (RFC 3986 §3.2.2, §3.2.3), stricter
//! than the grammar: whatever two readers could take for two hosts is refused.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

/// A host, lower case and without brackets, and the port if one was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::manifest) struct Authority {
    /// A name, an IPv4 address, or an IPv6 address in its canonical form.
    pub(in crate::manifest) host: String,
    /// 1 to 65535.
    pub(in crate::manifest) port: Option<u16>,
}

/// What is wrong with a written authority. Never holds the text: it may be a secret
/// that was pasted into the wrong place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::manifest) enum AuthorityError {
    /// Nothing before the port or the path.
    NoHost,
    /// `user@` or `user:password@`.
    Userinfo,
    /// Neither a letter, a digit, `-`, `_` nor `.`.
    HostCharacter,
    /// An empty label, also a dot at the end; a label over 63 or a name over 253 octets.
    HostLabel,
    /// A last label of digits makes an address of the name, and it is none (`127.1`, `2130706433`).
    Ipv4Address,
    /// Brackets that hold no IPv6 address, or an IPv6 address without brackets.
    Ipv6Address,
    /// Not a number of 1 to 65535.
    Port,
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthorityError::NoHost => "has no host",
            AuthorityError::Userinfo => "has a user or password, for which this is no place",
            AuthorityError::HostCharacter => {
                "has a host with other characters than letters, digits, `-`, `_` and `.`"
            }
            AuthorityError::HostLabel => {
                "has a host with an empty or too long label (no dot at the end, 63 octets a label, 253 in all)"
            }
            AuthorityError::Ipv4Address => {
                "has a host that is no IPv4 address in four decimal parts, and no name either"
            }
            AuthorityError::Ipv6Address => {
                "has an IPv6 address that is not written in brackets, like `[::1]`"
            }
            AuthorityError::Port => "has a port that is no number from 1 to 65535",
        })
    }
}

impl Authority {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`.
    pub(in crate::manifest) fn parse(text: &str) -> Result<Authority, AuthorityError> {
        if text.contains('@') {
            return Err(AuthorityError::Userinfo);
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, after) = rest.split_once(']').ok_or(AuthorityError::Ipv6Address)?;
            let port = match after.strip_prefix(':') {
                Some(port) => Some(port),
                None if after.is_empty() => None,
                None => return Err(AuthorityError::Ipv6Address),
            };
            (ipv6(address)?, port)
        } else {
            let (host, port) = match text.split_once(':') {
                Some((_, port)) if port.contains(':') => return Err(AuthorityError::Ipv6Address),
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            (name_or_ipv4(host)?, port)
        };
        let port = port.map(parse_port).transpose()?;
        Ok(Authority { host, port })
    }
}

/// The authority as it stands in a Host field or an URL: brackets for IPv6.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn ipv6(address: &str) -> Result<String, AuthorityError> {
    match address.parse::<Ipv6Addr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_malformed) => Err(AuthorityError::Ipv6Address),
    }
}

fn name_or_ipv4(host: &str) -> Result<String, AuthorityError> {
    if host.is_empty() {
        return Err(AuthorityError::NoHost);
    }
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    if !host.bytes().all(allowed) {
        return Err(AuthorityError::HostCharacter);
    }
    if host.len() > 253
        || host
            .split('.')
            .any(|label| !(1..=63).contains(&label.len()))
    {
        return Err(AuthorityError::HostLabel);
    }
    // Resolvers take `127.1`, `0x7f.1` and `2130706433` for addresses, people for names.
    let last = host.rsplit('.').next().unwrap_or(host);
    let hexadecimal = last.len() >= 2
        && last[..2].eq_ignore_ascii_case("0x")
        && last[2..].bytes().all(|octet| octet.is_ascii_hexdigit());
    let numeric = hexadecimal || last.bytes().all(|octet| octet.is_ascii_digit());
    if numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err(AuthorityError::Ipv4Address);
    }
    Ok(host.to_ascii_lowercase())
}

fn parse_port(digits: &str) -> Result<u16, AuthorityError> {
    // `parse` alone would take a sign.
    if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(AuthorityError::Port);
    }
    match digits.parse::<u16>() {
        Ok(0) | Err(_) => Err(AuthorityError::Port),
        Ok(port) => Ok(port),
    }
}
