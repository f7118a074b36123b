//! The git gate, as the manifest has it.

use super::grammar::{GitUrl, UpstreamUrl};
use std::collections::BTreeMap;

/// The only way git leaves a bottle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitGate {
    /// The gate's image, if not its own.
    pub image: Option<String>,
    /// Who the agent's commits are by.
    pub user: Option<GitUser>,
    /// By the name under which the gate serves it.
    pub repos: BTreeMap<String, GateRepository>,
}

/// `user.name` and `user.email`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitUser {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// One repository that the gate owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRepository {
    /// `ssh://…` or scp-like.
    pub url: String,
    /// Who the gate is there.
    pub key: GateKey,
    /// The service's public host key, `ssh-ed25519 AAAA…`.
    pub host_key: String,
    /// What may be pushed.
    pub policy: RefPolicy,
}

impl GitGate {
    /// The hosts of its repositories, and of the APIs that its keys are registered at: the
    /// forges that it guards.
    pub fn hosts(&self) -> Vec<String> {
        let mut hosts = Vec::new();
        for repository in self.repos.values() {
            hosts.push(repository.host());
            if let GateKey::Provisioned {
                api_url: Some(url), ..
            } = &repository.key
            {
                hosts.extend(UpstreamUrl::parse(url).map(|url| url.host().to_owned()));
            }
        }
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

impl GateRepository {
    /// The host of its URL, lower case, without user and port.
    pub fn host(&self) -> String {
        GitUrl::parse(&self.url)
            .map(|place| place.host)
            .unwrap_or_default()
    }

    /// The path of its URL, without a `/` at its beginning and `.git` at its end.
    pub fn path(&self) -> String {
        GitUrl::parse(&self.url)
            .map(|place| place.path)
            .unwrap_or_default()
    }
}

/// The gate's own credential at a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateKey {
    /// A private key on the host.
    Identity(String),
    /// A key that is made at start and registered by the forge's API.
    Provisioned {
        /// Whose API.
        provider: String,
        /// The host's variable that holds the API's token.
        token_env: String,
        /// Where the API is, if not at the repository's host.
        api_url: Option<String>,
    },
}

/// What may be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefPolicy {
    /// Patterns of refs.
    pub allow: Vec<String>,
    /// Not the service's default branch.
    pub protect_default: bool,
    /// Whether history may be rewritten.
    pub force: bool,
    /// Whether refs may be deleted.
    pub delete: bool,
    /// Whether what CI runs may be changed.
    pub ci: bool,
    /// How large a push may be, in MiB.
    pub max_push_mib: Option<u32>,
}

impl Default for RefPolicy {
    fn default() -> RefPolicy {
        RefPolicy {
            allow: vec!["refs/heads/*".to_owned(), "refs/tags/*".to_owned()],
            protect_default: true,
            force: false,
            delete: false,
            ci: false,
            max_push_mib: None,
        }
    }
}
