//! `NO_PROXY`: the upstreams that are dialled directly.

use core::net::IpAddr;
use ipnet::IpNet;

/// A list of hosts. Empty: none, everything goes through the proxy.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NoProxy {
    entries: Vec<Entry>,
    ignored: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Entry {
    hosts: Hosts,
    /// None: every port.
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Hosts {
    All,
    /// Lower case, no dot at the end.
    Name(String),
    /// With its dot in front: the names below it, not itself.
    Suffix(String),
    Address(IpAddr),
    Network(IpNet),
}

impl NoProxy {
    /// Reads entries separated by commas or blanks: `*`, a host, `.suffix` (or
    /// `*.suffix`), an IP address, a CIDR block; all but the last may end in `:port`.
    ///
    /// Other programs share this variable, so an entry that is none of these is no
    /// error: it matches nothing, and is kept for a warning.
    pub fn parse(text: &str) -> NoProxy {
        let mut no_proxy = NoProxy::default();
        let separator = |character: char| character == ',' || character.is_whitespace();
        for text in text.split(separator).filter(|text| !text.is_empty()) {
            match parse_entry(text) {
                Some(entry) => no_proxy.entries.push(entry),
                None => no_proxy.ignored.push(text.to_owned()),
            }
        }
        no_proxy
    }

    /// Whether this host, an IPv6 address without brackets, is reached directly.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let address = host
            .parse()
            .ok()
            .map(|address: IpAddr| address.to_canonical());
        self.entries.iter().any(|entry| {
            entry.port.is_none_or(|its| its == port) && entry.hosts.contain(&host, address)
        })
    }

    /// The entries that were not understood.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

impl Hosts {
    fn contain(&self, host: &str, address: Option<IpAddr>) -> bool {
        match self {
            Hosts::All => true,
            Hosts::Name(name) => host == name,
            Hosts::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            Hosts::Address(its) => address == Some(*its),
            Hosts::Network(network) => address.is_some_and(|address| network.contains(&address)),
        }
    }
}

fn parse_entry(text: &str) -> Option<Entry> {
    if text.contains('/') {
        return Some(Entry {
            hosts: Hosts::Network(text.parse().ok()?),
            port: None,
        });
    }
    // An IPv6 address without brackets has colons and no port.
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Entry {
            hosts: Hosts::Address(address.to_canonical()),
            port: None,
        });
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => {
            (host, Some(port.parse().ok().filter(|port| *port != 0)?))
        }
        Some(_) | None => (text, None),
    };
    Some(Entry {
        hosts: parse_hosts(host)?,
        port,
    })
}

fn parse_hosts(host: &str) -> Option<Hosts> {
    if host == "*" {
        return Some(Hosts::All);
    }
    if let Some(address) = host.strip_prefix('[') {
        let address: IpAddr = address.strip_suffix(']')?.parse().ok()?;
        return Some(Hosts::Address(address.to_canonical()));
    }
    if let Ok(address) = host.parse() {
        return Some(Hosts::Address(address));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let suffix = host.strip_prefix('*').unwrap_or(&host);
    let (name, is_suffix) = match suffix.strip_prefix('.') {
        Some(name) => (name, true),
        None => (host.as_str(), false),
    };
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(allowed);
    if !name.split('.').all(is_label) {
        return None;
    }
    Some(if is_suffix {
        Hosts::Suffix(suffix.to_owned())
    } else {
        Hosts::Name(host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_matches_what_it_means() {
        for (text, host, port, direct) in [
            ("", "example.org", 443, false),
            ("*", "example.org", 443, true),
            ("example.org", "example.org", 443, true),
            ("Example.ORG", "eXample.org", 443, true),
            ("example.org.", "example.org", 443, true),
            ("example.org", "example.org.", 443, true),
            ("example.org", "api.example.org", 443, false),
            ("example.org", "evil-example.org", 443, false),
            ("example.org", "example.org.evil", 443, false),
            (".example.org", "api.example.org", 443, true),
            (".example.org", "a.b.example.org", 443, true),
            (".example.org", "example.org", 443, false),
            (".example.org", "evil-example.org", 443, false),
            (".example.org", ".example.org", 443, false),
            ("*.example.org", "api.example.org", 443, true),
            ("*.example.org", "example.org", 443, false),
            ("example.org:8443", "example.org", 8443, true),
            ("example.org:8443", "example.org", 443, false),
            (".example.org:8443", "api.example.org", 8443, true),
            ("*:8443", "example.org", 8443, true),
            ("*:8443", "example.org", 443, false),
            ("10.0.0.1", "10.0.0.1", 443, true),
            ("10.0.0.1", "10.0.0.10", 443, false),
            ("10.0.0.1:80", "10.0.0.1", 80, true),
            ("10.0.0.1:80", "10.0.0.1", 81, false),
            ("10.0.0.1", "::ffff:10.0.0.1", 443, true),
            ("::ffff:10.0.0.1", "10.0.0.1", 443, true),
            ("::1", "::1", 443, true),
            ("[::1]", "0:0::1", 443, true),
            ("[::1]:80", "::1", 80, true),
            ("[::1]:80", "::1", 443, false),
            ("10.0.0.0/8", "10.255.0.1", 443, true),
            ("10.0.0.0/8", "11.0.0.1", 443, false),
            ("10.0.0.0/8", "ten.example", 443, false),
            ("10.1.2.3/8", "10.9.9.9", 443, true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", 443, true),
            ("fd00::/8", "fd12::1", 443, true),
            ("fd00::/8", "fe80::1", 443, false),
            ("a, b\tc,,d", "b", 443, true),
            ("a, b\tc,,d", "c", 443, true),
            ("a, b\tc,,d", "d", 443, true),
        ] {
            assert_eq!(
                NoProxy::parse(text).matches(host, port),
                direct,
                "{text:?} {host}:{port}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_matches_nothing_and_is_told() {
        let no_proxy = NoProxy::parse("169.254/16,10.0.0.0/33,a..b,ho!st,h:0,h:x,h:,*x,[::1,.,ok");
        let expected = [
            "169.254/16",
            "10.0.0.0/33",
            "a..b",
            "ho!st",
            "h:0",
            "h:x",
            "h:",
            "*x",
            "[::1",
            ".",
        ];
        assert_eq!(no_proxy.ignored(), expected);
        assert!(no_proxy.matches("ok", 1));
        assert!(!no_proxy.matches("h", 1));
    }
}
