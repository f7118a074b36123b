//! `tokens`: presets, which become routes in their order.

use crate::limits;
use crate::manifest::deny_lists;
use crate::manifest::grammar::UpstreamUrl;
use crate::manifest::key_names::PRESET;
use crate::manifest::keys::Keys;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::{Role, Route, TokenRef, Upstream};

/// The user that forges take together with a token.
const TOKEN_USER: &str = "x-access-token";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Anthropic,
    GitHub,
    Npm,
    Gitea,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Anthropic, Kind::GitHub, Kind::Npm, Kind::Gitea];

    fn as_str(self) -> &'static str {
        match self {
            Kind::Anthropic => "anthropic",
            Kind::GitHub => "github",
            Kind::Npm => "npm",
            Kind::Gitea => "gitea",
        }
    }

    fn parse(text: &str) -> Result<Kind, String> {
        let known = Kind::ALL.map(Kind::as_str);
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| {
            let meant = did_you_mean(text, known);
            format!("is no kind; there are {}{meant}", known.join(", "))
        })
    }

    /// Keys that this kind has no use for, and why.
    fn refused(self) -> &'static [(&'static str, &'static str)] {
        const URL: (&str, &str) = (
            "url",
            "is not for this kind, whose services are fixed; take it out, or write a route in cred_proxy",
        );
        const HEADER: (&str, &str) = ("header", "is for the kind anthropic alone; take it out");
        const WRITES: (&str, &str) = (
            "allow_api_writes",
            "is for the kinds github and gitea, whose APIs write what a gate scans; take it out",
        );
        match self {
            Kind::Anthropic => &[URL, WRITES],
            Kind::GitHub => &[URL, HEADER],
            Kind::Npm => &[HEADER, WRITES],
            Kind::Gitea => &[HEADER],
        }
    }
}

/// The presets of a bottle and the routes that they have become.
pub(super) struct Presets {
    /// The forges that the gate guards.
    gate_hosts: Vec<String>,
    /// Each kind but gitea once, each gitea by its URL, with where it stands.
    seen: Vec<(Kind, Option<String>, String)>,
    routes: Vec<Route>,
}

/// What an entry says beside its kind.
struct Entry {
    token_ref: TokenRef,
    origin: String,
    is_api_key: bool,
    url: Option<UpstreamUrl>,
    allow_api_writes: bool,
}

impl Presets {
    pub(super) fn new(gate_hosts: Vec<String>) -> Presets {
        Presets {
            gate_hosts,
            seen: Vec::new(),
            routes: Vec::new(),
        }
    }

    pub(super) fn into_routes(self) -> Vec<Route> {
        self.routes
    }

    /// `agent_provider.auth_token` is the preset anthropic in another spelling.
    pub(super) fn read_auth_token(&mut self, provider: &mut Keys<'_, '_>) {
        let origin = provider.path_of("auth_token");
        self.seen.push((Kind::Anthropic, None, origin.clone()));
        if let Some(token_ref) = TokenRef::of(provider, "auth_token") {
            self.routes.push(anthropic(token_ref, false, origin));
        }
    }

    /// `tokens`.
    pub(super) fn read_all(&mut self, bottle: &mut Keys<'_, '_>) {
        let items = bottle.array("tokens", limits::ROUTES).unwrap_or_default();
        let place = bottle.path_of("tokens");
        for (index, json) in items.iter().enumerate() {
            let path = format!("{place}[{index}]");
            if let Some(mut keys) = Keys::known(path, json, PRESET, bottle.report()) {
                self.read(&mut keys);
            }
        }
    }

    fn read(&mut self, keys: &mut Keys<'_, '_>) {
        keys.require("kind", "write anthropic, github, npm or gitea");
        let kind = keys.string("kind", Kind::parse);
        let header = keys.string("header", |text| match text.to_ascii_lowercase().as_str() {
            "x-api-key" => Ok(()),
            _ => Err("is no other field of this service; write \"x-api-key\", or leave it out for Bearer"),
        });
        let url = keys.string("url", UpstreamUrl::parse);
        let allow_api_writes = keys.boolean("allow_api_writes").unwrap_or(false);
        let token_ref = TokenRef::required(keys);
        let Some(kind) = kind else {
            return;
        };
        for (key, why) in kind.refused() {
            if keys.has(key) {
                keys.problem(key, why);
            }
        }
        if kind == Kind::Gitea {
            keys.require(
                "url",
                "write where the server is, like \"https://git.example.org\"",
            );
        }
        if !self.is_first(kind, url.as_ref(), keys) {
            return;
        }
        if let Some(token_ref) = token_ref {
            let entry = Entry {
                token_ref,
                origin: keys.path().to_owned(),
                is_api_key: header.is_some(),
                url,
                allow_api_writes,
            };
            self.expand(kind, entry, keys);
        }
    }

    fn is_first(&mut self, kind: Kind, url: Option<&UpstreamUrl>, keys: &mut Keys<'_, '_>) -> bool {
        let url = url
            .filter(|_| kind == Kind::Gitea)
            .map(UpstreamUrl::to_string);
        if kind == Kind::Gitea && url.is_none() {
            return false;
        }
        let same = |(k, u, _): &&(Kind, Option<String>, String)| *k == kind && *u == url;
        if let Some((_, _, first)) = self.seen.iter().find(same) {
            let text = match (kind, first.ends_with("auth_token")) {
                (Kind::Gitea, _) => format!("has the url of {first}; keep one"),
                (_, true) => format!("is what {first} is too; keep one of them"),
                (_, false) => format!(
                    "is a second {}, after {first}; keep one, or write a route in cred_proxy",
                    kind.as_str()
                ),
            };
            keys.own_problem(text);
            return false;
        }
        self.seen.push((kind, url, keys.path().to_owned()));
        true
    }

    fn expand(&mut self, kind: Kind, entry: Entry, keys: &mut Keys<'_, '_>) {
        match kind {
            Kind::Anthropic => {
                let route = anthropic(entry.token_ref, entry.is_api_key, entry.origin);
                self.routes.push(route);
            }
            Kind::GitHub => self.expand_github(&entry),
            Kind::Npm => self.routes.push(npm(entry)),
            Kind::Gitea => self.expand_gitea(entry, keys),
        }
    }

    fn expand_github(&mut self, entry: &Entry) {
        let api = Route {
            deny: owned(&deny_lists::github_api()),
            second_door: self.second_door(entry, "github.com", &deny_lists::github_second_door()),
            allow_api_writes: entry.allow_api_writes,
            ..bearer(entry, "/gh-api/", "https://api.github.com")
        };
        let git = Route {
            roles: vec![Role::GitInsteadOf],
            tls_passthrough: true,
            deny: owned(deny_lists::GITHUB_GIT),
            ..basic(entry, "/gh-git/", "https://github.com")
        };
        self.routes.extend([api, git]);
    }

    fn expand_gitea(&mut self, entry: Entry, keys: &mut Keys<'_, '_>) {
        let Some(url) = &entry.url else {
            return;
        };
        if url.host().contains(':') {
            keys.problem(
                "url",
                "has an address in brackets, which no path can hold; write a name",
            );
            return;
        }
        let route = Route {
            roles: vec![Role::GitInsteadOf, Role::TeaLogin],
            deny: owned(deny_lists::GITEA),
            strip_query: owned(deny_lists::GITEA_QUERY),
            second_door: self.second_door(&entry, url.host(), deny_lists::GITEA_SECOND_DOOR),
            allow_api_writes: entry.allow_api_writes,
            ..basic(
                &entry,
                &format!("/gitea/{}/", url.authority()),
                &url.to_string(),
            )
        };
        self.routes.push(route);
    }

    /// The rules, if the gate owns a repository of this forge and nobody has opened the door.
    fn second_door(&self, entry: &Entry, forge: &str, rules: &[impl AsRef<str>]) -> Vec<String> {
        let is_guarded = self
            .gate_hosts
            .iter()
            .any(|host| is_same_forge(host, forge));
        match is_guarded && !entry.allow_api_writes {
            true => owned(rules),
            false => Vec::new(),
        }
    }
}

/// The built-in agent's route, with what the host has.
pub(in crate::manifest) fn built_in_anthropic(variable: &str, is_api_key: bool) -> Route {
    let token_ref = TokenRef::Variable(variable.to_owned());
    anthropic(token_ref, is_api_key, "built-in claude".to_owned())
}

fn anthropic(token_ref: TokenRef, is_api_key: bool, origin: String) -> Route {
    let url = "https://api.anthropic.com";
    let mut route = plain("/anthropic/", url, token_ref, origin);
    match is_api_key {
        true => route.auth_header = Some("x-api-key".to_owned()),
        false => route.auth_scheme = Some("Bearer".to_owned()),
    }
    Route {
        roles: vec![Role::AnthropicBaseUrl],
        tls_passthrough: true,
        deny: owned(deny_lists::ANTHROPIC),
        ..route
    }
}

fn npm(entry: Entry) -> Route {
    let upstream = match &entry.url {
        Some(url) => Upstream::Url(url.to_string()),
        None => Upstream::NpmRegistryOfHost,
    };
    Route {
        upstream,
        roles: vec![Role::NpmRegistry],
        tls_passthrough: true,
        deny: owned(deny_lists::NPM),
        ..bearer(&entry, "/npm/", "")
    }
}

fn bearer(entry: &Entry, path: &str, upstream: &str) -> Route {
    Route {
        auth_scheme: Some("Bearer".to_owned()),
        ..plain(
            path,
            upstream,
            entry.token_ref.clone(),
            entry.origin.clone(),
        )
    }
}

fn basic(entry: &Entry, path: &str, upstream: &str) -> Route {
    Route {
        auth_scheme: Some("Basic".to_owned()),
        auth_user: Some(TOKEN_USER.to_owned()),
        ..plain(
            path,
            upstream,
            entry.token_ref.clone(),
            entry.origin.clone(),
        )
    }
}

fn plain(path: &str, upstream: &str, token_ref: TokenRef, origin: String) -> Route {
    Route {
        path: path.to_owned(),
        upstream: Upstream::Url(upstream.to_owned()),
        auth_scheme: None,
        auth_header: None,
        auth_user: None,
        token_ref,
        roles: Vec::new(),
        tls_passthrough: false,
        methods: None,
        deny: Vec::new(),
        second_door: Vec::new(),
        strip_query: Vec::new(),
        upgrade: Vec::new(),
        accept_encoding: None,
        allow_api_writes: false,
        origin,
    }
}

fn owned(rules: &[impl AsRef<str>]) -> Vec<String> {
    rules.iter().map(|rule| rule.as_ref().to_owned()).collect()
}

/// Forges serve SSH at `ssh.` of their name, or at a neighbour of it, and nothing tells which.
/// So two hosts below one domain are one forge: a door too many is closed, not one too few.
fn is_same_forge(gate_host: &str, forge: &str) -> bool {
    gate_host == forge || domain(gate_host).is_some_and(|ours| Some(ours) == domain(forge))
}

/// The last two labels of a name; an address has none.
fn domain(host: &str) -> Option<&str> {
    let is_address = host.contains(':') || host.ends_with(|c: char| c.is_ascii_digit());
    let (before, _) = host.rmatch_indices('.').nth(1).unwrap_or((0, ""));
    let start = if before == 0 { 0 } else { before + 1 };
    (!is_address && host.contains('.')).then(|| &host[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_forge() {
        for (gate, forge, expected) in [
            ("github.com", "github.com", true),
            ("ssh.github.com", "github.com", true),
            ("git-ssh.example.org", "git.example.org", true),
            ("a.b.example.org", "example.org", true),
            ("example.org", "example.net", false),
            ("evilgithub.com", "github.com", false),
            ("forge", "forge", true),
            ("forge", "other", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.9.0.1", false),
            ("::1", "::1", true),
        ] {
            assert_eq!(is_same_forge(gate, forge), expected, "{gate} {forge}");
            assert_eq!(is_same_forge(forge, gate), expected, "{forge} {gate}");
        }
    }
}
