//! Hosts: of a URL, and which of them are one forge.

/// The host of an `http` or `https` URL, lower case, without port, brackets or user.
pub(super) fn host_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// Whether a repository at `gate_host` is one of the service at `host`. Forges that take ssh
/// at port 443 do so under a name of its own.
pub(super) fn is_same(gate_host: &str, host: &str) -> bool {
    let plain = ["ssh.", "altssh."]
        .iter()
        .find_map(|prefix| gate_host.strip_prefix(prefix));
    gate_host == host || plain == Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_host() {
        for (url, host) in [
            ("https://api.github.com", Some("api.github.com")),
            (
                "https://Git.Example.org:3000/base/",
                Some("git.example.org"),
            ),
            ("http://[::1]:80/x", Some("::1")),
            ("https://user@host/", Some("host")),
            ("ssh://git@host/x", None),
            ("host/x", None),
            ("https:///x", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }

    #[test]
    fn a_forge_has_its_ssh_names_and_no_other() {
        assert!(is_same("github.com", "github.com"));
        assert!(is_same("ssh.github.com", "github.com"));
        assert!(is_same("altssh.gitlab.com", "gitlab.com"));
        for (gate, host) in [
            ("git.example.org", "example.org"),
            ("example.org", "git.example.org"),
            ("xssh.github.com", "github.com"),
        ] {
            assert!(!is_same(gate, host), "{gate} {host}");
        }
    }
}
