//! What a manifest asks for.

use super::forge_url;
use super::place::Place;
use crate::manifest::{GateKey, GateRepository};

/// A deploy key that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    pub(super) place: Place,
}

impl KeyRequest {
    /// That of the gate's repository `name`; none where it has an identity of its own.
    ///
    /// # Errors
    ///
    /// Why the URL of its API is no use, and what to write.
    pub fn of(name: &str, repository: &GateRepository) -> Result<Option<KeyRequest>, String> {
        let GateKey::Provisioned {
            provider,
            token_env,
            api_url,
        } = &repository.key
        else {
            return Ok(None);
        };
        let host = repository.host();
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host,
        };
        let api_url = api_url.clone().unwrap_or(format!("https://{host}"));
        let api_url = forge_url::root(&api_url).map_err(|why| format!("{api_url} {why}"))?;
        Ok(Some(KeyRequest {
            place: Place {
                name: name.to_owned(),
                provider: provider.clone(),
                api_url,
                repository: repository.path(),
                token_env: token_env.clone(),
            },
        }))
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
            let place = request.expect(url).expect("a request").place;
            assert_eq!(place.api_url, expected, "{url}");
            assert_eq!(place.repository, "me/app", "{url}");
        }
    }

    #[test]
    fn who_has_an_identity_needs_none_and_a_token_never_goes_in_the_clear() {
        let mut own = repository("git@h:me/app", None);
        own.key = GateKey::Identity("~/.ssh/id_ed25519".to_owned());
        assert_eq!(KeyRequest::of("app", &own), Ok(None));
        let clear = repository("git@h:me/app", Some("http://h"));
        let sentence = "http://h would carry the token in the clear; write it with `https://`";
        assert_eq!(KeyRequest::of("app", &clear), Err(sentence.to_owned()));
    }
}
