//! What a manifest asks for.

use super::place::Place;
use crate::manifest::{GateKey, GateRepository};

/// A deploy key that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    pub(super) place: Place,
}

impl KeyRequest {
    /// That of the gate's repository `name`; none where it has an identity of its own.
    pub fn of(name: &str, repository: &GateRepository) -> Option<KeyRequest> {
        let GateKey::Provisioned {
            provider,
            token_env,
            api_url,
        } = &repository.key
        else {
            return None;
        };
        let host = repository.host();
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host,
        };
        let url = api_url.clone().unwrap_or(format!("https://{host}"));
        // As the forge's own documentation has it, the API begins below that.
        let root = url.trim_end_matches('/');
        let root = root.strip_suffix("/api/v1").unwrap_or(root);
        Some(KeyRequest {
            place: Place {
                name: name.to_owned(),
                provider: provider.clone(),
                api_url: root.to_owned(),
                repository: repository.path(),
                token_env: token_env.clone(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::RefPolicy;

    fn repository(url: &str, api_url: Option<&str>) -> GateRepository {
        GateRepository {
            url: url.to_owned(),
            key: GateKey::Provisioned {
                provider: "gitea".to_owned(),
                token_env: "GITEA_TOKEN".to_owned(),
                api_url: api_url.map(str::to_owned),
            },
            host_key: "ssh-ed25519 AAAA".to_owned(),
            policy: RefPolicy::default(),
        }
    }

    #[test]
    fn the_api_is_at_the_repositorys_host_unless_it_is_said() {
        for (url, api_url, expected) in [
            (
                "ssh://git@Git.example.org:2222/me/app.git",
                None,
                "https://git.example.org",
            ),
            ("git@[::1]:me/app.git", None, "https://[::1]"),
            (
                "git@ssh.example.org:me/app",
                Some("https://git.example.org/api/v1"),
                "https://git.example.org",
            ),
        ] {
            let request = KeyRequest::of("app", &repository(url, api_url));
            let place = request.expect(url).place;
            assert_eq!(place.api_url, expected, "{url}");
            assert_eq!(place.repository, "me/app", "{url}");
        }
    }

    #[test]
    fn who_has_an_identity_needs_none() {
        let mut own = repository("git@h:me/app", None);
        own.key = GateKey::Identity("~/.ssh/id_ed25519".to_owned());
        assert_eq!(KeyRequest::of("app", &own), None);
    }
}
