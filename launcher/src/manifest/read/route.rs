//! One of `cred_proxy.routes`: the engine's keys, and what the agent's files say of it.

use crate::limits;
use crate::manifest::grammar::{self, UpstreamUrl};
use crate::manifest::json::Json;
use crate::manifest::key_names::ROUTE;
use crate::manifest::keys::Keys;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::problem::Report;
use crate::manifest::{Role, Route, TokenRef, Upstream};

const AUTHORIZATION: &str = "authorization";

/// Roles of older manifests, and what stands for them now.
const OLDER: [(&str, &str); 2] = [
    (
        "claude_code_oauth",
        "write \"anthropic-base-url\", or \"auth_token\" in agent_provider",
    ),
    (
        "codex_auth",
        "write \"forward_host_credentials\" in agent_provider",
    ),
];

/// Reads one hand-written route.
pub(super) fn read_route(path: String, json: &Json, report: &mut Report) -> Option<Route> {
    let mut keys = Keys::known(path, json, ROUTE, report)?;
    keys.require(
        "path",
        "write the prefix that the agent calls, like \"/gh-api/\"",
    );
    let path = keys.string("path", grammar::route_path);
    keys.require("upstream", "write it like \"https://api.example.org\"");
    let upstream = keys.string("upstream", UpstreamUrl::parse);
    let credential = read_credential(&mut keys, true);
    let auth_user = keys.string("auth_user", grammar::basic_user);
    check_user(&mut keys, credential.scheme.as_deref());
    let token_ref = TokenRef::required(&mut keys);
    let roles = read_roles(&mut keys);
    let tls_passthrough = keys.boolean("tls_passthrough").unwrap_or(false);
    let rules = read_rules(&mut keys);
    let strip_query = keys.strings("strip_query", limits::LIST_ITEMS, grammar::query_name);
    let accept_encoding = keys.string("accept_encoding", grammar::accept_encoding);
    Some(Route {
        path: path?,
        upstream: Upstream::Url(upstream?.to_string()),
        auth_scheme: credential.scheme,
        auth_header: credential.header,
        auth_user,
        token_ref: token_ref?,
        roles,
        tls_passthrough,
        methods: rules.methods,
        deny: rules.deny,
        second_door: Vec::new(),
        strip_query: strip_query.unwrap_or_default(),
        upgrade: rules.upgrade,
        accept_encoding,
        allow_api_writes: false,
        origin: keys.path().to_owned(),
    })
}

/// How the token is rendered, and into which field.
pub(super) struct Credential {
    pub(super) scheme: Option<String>,
    pub(super) header: Option<String>,
}

/// Reads the form; where there is a token, `authorization` needs a scheme.
pub(super) fn read_credential(keys: &mut Keys<'_, '_>, has_token: bool) -> Credential {
    let header = keys.string("auth_header", grammar::credential_field);
    let scheme = keys.string("auth_scheme", grammar::scheme);
    let is_authorization = match header.as_deref() {
        Some(header) => header == AUTHORIZATION,
        None => !keys.has("auth_header"),
    };
    if has_token && is_authorization {
        keys.require(
            "auth_scheme",
            "write the word before the token, like \"Bearer\"",
        );
    }
    // The engine's default; written out it would be another route to a reader.
    let header = header.filter(|header| header != AUTHORIZATION);
    Credential { scheme, header }
}

fn check_user(keys: &mut Keys<'_, '_>, scheme: Option<&str>) {
    let is_basic = scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("Basic"));
    if keys.has("auth_user") && !is_basic {
        let text = "is for \"auth_scheme\": \"Basic\"; write that, or leave the user out";
        keys.problem("auth_user", text);
    }
}

/// What may pass a route of either face.
pub(super) struct Rules {
    pub(super) methods: Option<Vec<String>>,
    pub(super) deny: Vec<String>,
    pub(super) upgrade: Vec<String>,
}

/// Reads them.
pub(super) fn read_rules(keys: &mut Keys<'_, '_>) -> Rules {
    let methods = keys.strings("methods", limits::LIST_ITEMS, grammar::method);
    let deny = keys.strings("deny", limits::LIST_ITEMS, grammar::deny_rule);
    let upgrade = keys.strings("upgrade", limits::LIST_ITEMS, grammar::protocol);
    Rules {
        methods,
        deny: deny.unwrap_or_default(),
        upgrade: upgrade.unwrap_or_default(),
    }
}

/// A string or a list.
fn read_roles(keys: &mut Keys<'_, '_>) -> Vec<Role> {
    let Some(json) = keys.get("role") else {
        return Vec::new();
    };
    if matches!(json, Json::Array(_)) {
        let roles = keys.strings("role", Role::ALL.len(), role);
        return roles.unwrap_or_default();
    }
    if !matches!(json, Json::String(_)) {
        let text = format!("is {}; write a role, or a list of roles", json.kind());
        keys.problem("role", text);
        return Vec::new();
    }
    keys.string("role", role).into_iter().collect()
}

fn role(text: &str) -> Result<Role, String> {
    if let Some(role) = Role::ALL.into_iter().find(|role| role.as_str() == text) {
        return Ok(role);
    }
    if let Some((_, instead)) = OLDER.iter().find(|(older, _)| *older == text) {
        return Err(format!("is a role of older manifests; {instead}"));
    }
    let known = Role::ALL.map(Role::as_str);
    let meant = did_you_mean(text, known);
    Err(format!("is no role; there are {}{meant}", known.join(", ")))
}
