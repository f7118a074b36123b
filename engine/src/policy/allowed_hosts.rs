//! The names by which the agent may call this proxy: a page in a browser must not reach
//! it under a name of its own that resolves here (DNS rebinding).

use core::net::IpAddr;

use super::Denial;
use crate::message::Authority;

/// The authorities of `--allow-host`.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Option<Vec<(Vec<u8>, Option<u16>)>>);

impl AllowedHosts {
    /// Any name: the default.
    pub fn any() -> Self {
        AllowedHosts(None)
    }

    /// These alone: `host`, on any port, or `host:port`. An empty list allows none.
    /// The first one that is no authority is given back.
    pub fn only<'a>(authorities: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let mut allowed = Vec::new();
        for text in authorities {
            let authority = Authority::of(text.as_bytes()).ok_or(text)?;
            allowed.push((authority.host.to_ascii_lowercase(), authority.port));
        }
        Ok(AllowedHosts(Some(allowed)))
    }

    /// Whether the client may use this authority; a request of HTTP/1.0 may name none.
    pub fn check(&self, authority: Option<&[u8]>) -> Result<(), Denial> {
        let (Some(allowed), Some(octets)) = (&self.0, authority) else {
            return Ok(());
        };
        let named = Authority::of(octets).is_some_and(|authority| {
            allowed.iter().any(|(host, port)| {
                authority.host.eq_ignore_ascii_case(host)
                    && (port.is_none() || *port == authority.port)
            })
        });
        if named { Ok(()) } else { Err(Denial::Host) }
    }

    /// The same for `OPTIONS *`, which a loopback name may always ask: the health check
    /// does.
    pub fn check_self_test(&self, authority: Option<&[u8]>) -> Result<(), Denial> {
        match authority.and_then(Authority::of) {
            Some(authority) if is_loopback(authority.host) => Ok(()),
            Some(_) | None => self.check(authority),
        }
    }
}

fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_given_are_allowed() {
        let hosts = AllowedHosts::only(["cred-proxy", "localhost:9099"]).unwrap();
        for (authority, allowed) in [
            (&b"cred-proxy"[..], true),
            (b"Cred-Proxy:9099", true),
            (b"localhost:9099", true),
            (b"localhost", false),
            (b"localhost:80", false),
            (b"cred-proxy.", false),
            (b"cred-proxy.example.org", false),
            (b"evil-cred-proxy", false),
            (b"127.0.0.1", false),
        ] {
            assert_eq!(hosts.check(Some(authority)).is_ok(), allowed);
        }
    }

    #[test]
    fn an_empty_list_allows_none_and_no_list_allows_any() {
        let none = AllowedHosts::only([]).unwrap();
        assert_eq!(none.check(Some(b"a")), Err(Denial::Host));
        assert_eq!(AllowedHosts::any().check(Some(b"a")), Ok(()));
    }

    #[test]
    fn the_health_check_may_ask_by_a_loopback_name() {
        let hosts = AllowedHosts::only(["cred-proxy"]).unwrap();
        for (authority, allowed) in [
            (&b"localhost"[..], true),
            (b"127.0.0.1:9099", true),
            (b"[::1]:9099", true),
            (b"cred-proxy", true),
            (b"example.org", false),
        ] {
            assert_eq!(hosts.check_self_test(Some(authority)).is_ok(), allowed);
        }
    }
}
