//! `git_gate`: the only way git leaves a bottle.

use crate::limits;
use crate::manifest::grammar::{self, GitUrl, UpstreamUrl};
use crate::manifest::key_names::{GIT_USER, PROVISIONED_KEY, REPOSITORY_OF_GATE};
use crate::manifest::keys::Keys;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::{GateKey, GateRepository, GitGate, GitUser, RefPolicy};
use std::collections::BTreeMap;

/// Reads it.
pub(super) fn read_git_gate(keys: &mut Keys<'_, '_>) -> GitGate {
    let image = keys.string("image", grammar::image);
    let user = keys
        .object("user", GIT_USER)
        .and_then(|mut keys| read_user(&mut keys));
    let mut repos = BTreeMap::new();
    if let Some(mut names) = keys.names("repos") {
        let mut places: Vec<(GitUrl, &str)> = Vec::new();
        for (name, _) in names.entries(limits::REPOSITORIES) {
            if let Err(error) = grammar::name(name) {
                names.problem(name, error);
            }
            let read = names.object(name, REPOSITORY_OF_GATE);
            let read = read.and_then(|mut keys| read_repository(&mut keys));
            let Some((place, repository)) = read else {
                continue;
            };
            if let Some((_, first)) = places.iter().find(|(other, _)| *other == place) {
                names.problem(
                    name,
                    format_args!("is the repository of {first} too; keep one"),
                );
            }
            places.push((place, name));
            repos.insert(name.to_owned(), repository);
        }
    }
    GitGate { image, user, repos }
}

fn read_user(keys: &mut Keys<'_, '_>) -> Option<GitUser> {
    keys.require("name", "write who the agent's commits are by");
    let name = keys.string("name", grammar::git_identity);
    keys.require("email", "write it like \"bot@example.org\"");
    let email = keys.string("email", grammar::git_identity);
    Some(GitUser {
        name: name?,
        email: email?,
    })
}

fn read_repository(keys: &mut Keys<'_, '_>) -> Option<(GitUrl, GateRepository)> {
    keys.require(
        "url",
        "write it like \"ssh://git@git.example.org/me/app.git\"",
    );
    let url = keys.string("url", |text| GitUrl::parse(text).map(|place| (place, text)));
    let key = read_key(keys, url.as_ref().map(|(place, _)| place));
    let what_to_write = "write what ssh-keyscan prints behind the host, having compared it";
    keys.require("host_key", what_to_write);
    let host_key = keys.string("host_key", grammar::host_key);
    let policy = read_policy(keys);
    let (place, url) = url?;
    let repository = GateRepository {
        url: url.to_owned(),
        key: key?,
        host_key: host_key?,
        policy,
    };
    Some((place, repository))
}

fn read_key(keys: &mut Keys<'_, '_>, place: Option<&GitUrl>) -> Option<GateKey> {
    let identity = keys.string("identity", grammar::path_on_host);
    let provisioned = keys.object("provisioned_key", PROVISIONED_KEY);
    let provisioned = provisioned.and_then(|mut keys| read_provisioned(&mut keys));
    match (keys.has("identity"), keys.has("provisioned_key")) {
        (true, true) => {
            keys.own_problem("has both identity and provisioned_key; keep one");
            None
        }
        (false, false) => {
            keys.own_problem(
                "has no key; write \"identity\": \"~/.ssh/id_ed25519\", or provisioned_key",
            );
            None
        }
        (true, false) => identity.map(GateKey::Identity),
        (false, true) => {
            if place.is_some_and(|place| !place.is_of_forge()) {
                let text = "has a path that is not owner/repository, as provisioned_key needs it; write that, or an identity";
                keys.problem("url", text);
            }
            provisioned
        }
    }
}

fn read_provisioned(keys: &mut Keys<'_, '_>) -> Option<GateKey> {
    keys.require("provider", "write \"gitea\"");
    let provider = keys.string("provider", |text| match text {
        "gitea" => Ok(text.to_owned()),
        other => {
            let meant = did_you_mean(other, ["gitea"]);
            Err(format!(
                "is no provider; write \"gitea\", which is Forgejo's too{meant}"
            ))
        }
    });
    keys.require(
        "token_env",
        "write the variable of the API's token, like \"GITEA_TOKEN\"",
    );
    let token_env = keys.string("token_env", grammar::variable);
    let api_url = keys.string("api_url", UpstreamUrl::parse_for_token);
    Some(GateKey::Provisioned {
        provider: provider?,
        token_env: token_env?,
        api_url: api_url.map(|url| url.to_string()),
    })
}

fn read_policy(keys: &mut Keys<'_, '_>) -> RefPolicy {
    let default = RefPolicy::default();
    let allow = keys.strings("allow", limits::LIST_ITEMS, grammar::ref_pattern);
    let max_push_mib = keys.number("max_push_mib", 1, limits::PUSH_MIB);
    RefPolicy {
        allow: allow.unwrap_or(default.allow),
        protect_default: keys
            .boolean("protect_default")
            .unwrap_or(default.protect_default),
        force: keys.boolean("force").unwrap_or(default.force),
        delete: keys.boolean("delete").unwrap_or(default.delete),
        ci: keys.boolean("ci").unwrap_or(default.ci),
        max_push_mib: max_push_mib.and_then(|mib| u32::try_from(mib).ok()),
    }
}
