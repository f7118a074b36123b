//! `uri-host [ ":" port ]`: the value of `Host`, and the authority of an http URI.

use super::octets::read_decimal;
use core::net::Ipv6Addr; // a value and its grammar; `core` has no sockets

/// A well-formed host with an optional port, without userinfo (RFC 9110 §4.2.4).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Authority<'a> {
    /// reg-name, IPv4 address, or IPv6 address in its brackets; as it came, not empty.
    pub host: &'a [u8],
    /// None if absent or empty (`example.org:`, which RFC 3986 §3.2.3 allows).
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// None if the octets are anything else.
    pub fn of(octets: &'a [u8]) -> Option<Authority<'a>> {
        // It is repeated in every reference of an answer that is kept inside the proxy.
        if octets.len() > AUTHORITY_OCTETS {
            return None;
        }
        // In brackets colons belong to the address; outside, none can.
        let host_end = match octets.first()? {
            b'[' => memchr::memchr(b']', octets)?.checked_add(1)?,
            _ => memchr::memchr(b':', octets).unwrap_or(octets.len()),
        };
        let (host, port) = octets.split_at_checked(host_end)?;
        let well_formed = match host {
            [b'[', address @ .., b']'] => is_ipv6(address),
            _ => is_reg_name(host),
        };
        let port = match port {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(port_number(digits)?),
            _ => return None,
        };
        well_formed.then_some(Authority { host, port })
    }
}

/// 253 octets of a name in DNS, a colon and five digits.
const AUTHORITY_OCTETS: usize = 259;

fn is_ipv6(octets: &[u8]) -> bool {
    str::from_utf8(octets).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// reg-name, RFC 3986 §3.2.2 (IPv4 addresses are a part of it), but neither empty nor
/// with a comma: no name has one, and two `Host` lines that someone joined have.
fn is_reg_name(mut octets: &[u8]) -> bool {
    if octets.is_empty() {
        return false;
    }
    loop {
        octets = match octets {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [octet, rest @ ..] if is_unreserved(*octet) || is_sub_delim(*octet) => rest,
            [_, ..] => return false,
        };
    }
}

fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}

fn is_sub_delim(octet: u8) -> bool {
    matches!(
        octet,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b';' | b'='
    )
}

fn port_number(digits: &[u8]) -> Option<u16> {
    read_decimal(digits).and_then(|port| u16::try_from(port).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_authorities_are_taken_apart() {
        for (octets, host, port) in [
            ("example.org", "example.org", None),
            ("Example.ORG.", "Example.ORG.", None),
            ("example.org:8080", "example.org", Some(8080)),
            ("example.org:", "example.org", None),
            ("example.org:0", "example.org", Some(0)),
            ("example.org:65535", "example.org", Some(65535)),
            ("example.org:0080", "example.org", Some(80)),
            ("cred_proxy:9099", "cred_proxy", Some(9099)),
            ("a%2Fb", "a%2Fb", None),
            ("~a!$&'()*+;=", "~a!$&'()*+;=", None),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[::1]", "[::1]", None),
            ("[::ffff:127.0.0.1]:443", "[::ffff:127.0.0.1]", Some(443)),
        ] {
            let host = host.as_bytes();
            let authority = Authority { host, port };
            assert_eq!(
                Authority::of(octets.as_bytes()),
                Some(authority),
                "{octets}"
            );
        }
    }

    #[test]
    fn everything_else_is_none() {
        for octets in [
            &b""[..],
            b":80",
            b"user@host",
            b"user:password@host:80",
            b"a b",
            b" a",
            b"a,b",
            b"a, b",
            b"a/b",
            b"a?b",
            b"a#b",
            b"a\\b",
            b"a\0b",
            b"a\tb",
            b"<a>",
            b"\"a\"",
            b"a%2",
            b"a%zz",
            b"%",
            b"\xc3\xa9",
            b"a:b",
            b"a:80:80",
            b"a:+80",
            b"a:-1",
            b"a: 80",
            b"a:65536",
            b"a:99999999999",
            b"::1",
            b"[::1",
            b"::1]",
            b"[]",
            b"[::1]a",
            b"[::1]80",
            b"[::1]:x",
            b"[example.org]",
            b"[127.0.0.1]",
            b"[::1%25eth0]",
            b"[v1.a]",
            b"[[::1]]",
            b"a[::1]",
            b"http://a",
        ] {
            assert_eq!(Authority::of(octets), None, "{}", octets.escape_ascii());
        }
    }

    #[test]
    fn an_authority_is_no_longer_than_a_name_and_a_port_can_be() {
        let of_length = |length: usize| "a".repeat(length);
        assert!(Authority::of(of_length(AUTHORITY_OCTETS).as_bytes()).is_some());
        assert!(Authority::of(of_length(AUTHORITY_OCTETS + 1).as_bytes()).is_none());
    }
}
