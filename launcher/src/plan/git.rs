//! The repositories of the git gate: their names, and every spelling of their URLs.

use super::{GATE_HOST, Gate, GatedRepository};
use crate::deploy_keys::KeyRequest;
use crate::gate::Policy;
use crate::limits::USUAL_PUSH_MIB;
use crate::manifest::{GateRepository, GitGate};

/// The image that has the gate's tools, unless the manifest names another; made by
/// `bottle build-gate`.
pub const GATE_IMAGE: &str = "bottle-git-gate";

/// The gate; none where it has nothing to serve.
pub(super) fn gate(gate: Option<&GitGate>) -> Option<Gate> {
    let gate = gate.filter(|gate| !gate.repos.is_empty())?;
    let image = gate.image.clone();
    Some(Gate {
        image: image.unwrap_or_else(|| GATE_IMAGE.to_owned()),
        repositories: gate.repos.iter().map(repository).collect(),
    })
}

fn repository((name, repository): (&String, &GateRepository)) -> GatedRepository {
    let policy = &repository.policy;
    GatedRepository {
        name: name.clone(),
        remote: gate_remote(name),
        upstream: repository.url.clone(),
        key: repository.key.clone(),
        deploy_key: KeyRequest::of(name, repository),
        known_host: known_host(&repository.url, &repository.host_key),
        policy: Policy {
            allow: policy.allow.clone(),
            protect_default: policy.protect_default,
            force: policy.force,
            delete: policy.delete,
            ci: policy.ci,
            max_push_mib: policy.max_push_mib.unwrap_or(USUAL_PUSH_MIB),
        },
    }
}

/// A line of `known_hosts`. A port other than 22 is a part of the name there.
fn known_host(url: &str, key: &str) -> String {
    let Some(Parts { host, port, .. }) = parts(url) else {
        return String::new();
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match port {
        Some(port) => format!("[{bare}]:{port} {key}\n"),
        None => format!("{bare} {key}\n"),
    }
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
    fn a_host_key_is_pinned_to_host_and_port() {
        for (url, expected) in [
            ("git@git.example.org:me/app.git", "git.example.org K\n"),
            ("ssh://git@git.example.org:22/a", "git.example.org K\n"),
            ("ssh://git.example.org:2222/a", "[git.example.org]:2222 K\n"),
            ("ssh://git@[::1]/a", "::1 K\n"),
            ("ssh://git@[::1]:2222/a", "[::1]:2222 K\n"),
        ] {
            assert_eq!(known_host(url, "K"), expected, "{url}");
        }
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
