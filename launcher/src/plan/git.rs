//! The repositories of the git gate: their names, and every spelling of their URLs.

use super::{GATE_HOST, GitRemote};
use crate::manifest::GitGate;

/// What the gate is to serve.
pub(super) fn remotes(gate: Option<&GitGate>) -> Vec<GitRemote> {
    let repos = gate.iter().flat_map(|gate| &gate.repos);
    repos
        .map(|(name, repository)| GitRemote {
            name: name.clone(),
            remote: gate_remote(name),
            upstream: repository.url.clone(),
        })
        .collect()
}

/// What the agent's git speaks to.
pub(super) fn gate_remote(name: &str) -> String {
    format!("git://{GATE_HOST}/{name}.git")
}

/// A URL in its parts: `ssh://[user@]host[:port]/path`, or scp-like `[user@]host:path`.
struct Parts<'u> {
    user: &'u str,
    host: &'u str,
    port: Option<&'u str>,
    path: &'u str,
}

fn parts(url: &str) -> Option<Parts<'_>> {
    let (authority, path, port_follows) = match url.split_once("://") {
        Some(("ssh", rest)) => {
            let (authority, path) = rest.split_once('/')?;
            (authority, path, true)
        }
        Some(_) => return None,
        None => {
            let (authority, path) = split_host(url)?;
            (authority, path.trim_start_matches('/'), false)
        }
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match split_host(host) {
        Some((host, port)) if port_follows => (host, Some(port)),
        _ => (host, None),
    };
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && !path.is_empty()).then_some(Parts {
        user,
        host,
        port: port.filter(|port| *port != "22"),
        path,
    })
}

/// What stands before and behind the colon that ends a host; those of an IPv6 address stand
/// between brackets.
fn split_host(text: &str) -> Option<(&str, &str)> {
    let address = text.find(']').unwrap_or(0);
    let colon = address + text[address..].find(':')?;
    Some((&text[..colon], &text[colon + 1..]))
}

/// `owner/repo`: the path without `.git`.
pub(super) fn repository_path(url: &str) -> Option<&str> {
    parts(url).map(|parts| parts.path)
}

/// Every spelling of a repository's URL that ends in `.git`, each once: `insteadOf` matches
/// prefixes, so one without would catch `app2` as well. An scp-like one has no port, so it is
/// the same service only at port 22.
pub(super) fn spellings(url: &str) -> Vec<String> {
    let Some(parts) = parts(url) else {
        return Vec::new();
    };
    let Parts {
        user,
        host,
        port,
        path,
    } = parts;
    let at = if user.is_empty() { "" } else { "@" };
    let mut spellings = match port {
        Some(port) => vec![format!("ssh://{user}{at}{host}:{port}/{path}.git")],
        None => vec![
            format!("ssh://{user}{at}{host}/{path}.git"),
            format!("{user}{at}{host}:{path}.git"),
        ],
    };
    spellings.push(format!("https://{host}/{path}.git"));
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_these_spellings_and_each_ends_in_git() {
        let https = "https://git.example.org/me/app.git";
        for (url, others) in [
            (
                "ssh://git@git.example.org:2222/me/app.git",
                &["ssh://git@git.example.org:2222/me/app.git"][..],
            ),
            (
                "ssh://git@git.example.org:22/me/app",
                &[
                    "ssh://git@git.example.org/me/app.git",
                    "git@git.example.org:me/app.git",
                ],
            ),
            (
                "git@git.example.org:me/app.git",
                &[
                    "ssh://git@git.example.org/me/app.git",
                    "git@git.example.org:me/app.git",
                ],
            ),
            (
                "ssh://git.example.org/me/app.git/",
                &[
                    "ssh://git.example.org/me/app.git",
                    "git.example.org:me/app.git",
                ],
            ),
        ] {
            let mut expected = others.to_vec();
            expected.push(https);
            assert_eq!(spellings(url), expected, "{url}");
            assert_eq!(repository_path(url), Some("me/app"), "{url}");
        }
        assert!(spellings("https://git.example.org/me/app.git").is_empty());
    }

    #[test]
    fn an_address_keeps_its_brackets() {
        for (url, expected) in [
            (
                "git@[::1]:me/app.git",
                &[
                    "ssh://git@[::1]/me/app.git",
                    "git@[::1]:me/app.git",
                    "https://[::1]/me/app.git",
                ][..],
            ),
            (
                "ssh://git@[::1]:2222/me/app.git",
                &[
                    "ssh://git@[::1]:2222/me/app.git",
                    "https://[::1]/me/app.git",
                ],
            ),
        ] {
            assert_eq!(spellings(url), expected, "{url}");
        }
    }
}
