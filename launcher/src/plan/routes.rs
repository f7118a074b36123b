//! The engine's routes file, octet for octet, and the same routes for people.

use std::collections::BTreeMap;

use serde::Serialize;

use super::forge::{self, host_of};
use super::{PlanError, PlannedRoute, Slot, slots};
use crate::manifest::{GateRepository, GitGate, Route, Upstream};

/// The engine's file. The order of the fields is that of the keys.
#[derive(Serialize)]
struct RoutesFile<'r> {
    routes: Vec<EngineRoute<'r>>,
}

/// One route as the engine reads it.
#[derive(Serialize)]
struct EngineRoute<'r> {
    path: &'r str,
    upstream: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_scheme: Option<&'r str>,
    token_env: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_header: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_user: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<&'r [String]>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    deny: &'r [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    strip_query: &'r [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    upgrade: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    accept_encoding: Option<&'r str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    push_remotes: BTreeMap<String, String>,
}

/// The routes with their upstreams, slots and every rule, in the manifest's order.
pub(super) fn planned(
    routes: &[Route],
    slots: &[Slot],
    npm_registry: Option<&Result<String, String>>,
    errors: &mut Vec<PlanError>,
) -> Vec<PlannedRoute> {
    let mut planned = Vec::with_capacity(routes.len());
    for route in routes {
        match upstream(route, npm_registry) {
            Ok(upstream) => planned.push(PlannedRoute {
                path: route.path.clone(),
                upstream,
                slot: slots::name_of(slots, &route.token_ref).to_owned(),
                token: route.token_ref.clone(),
                deny: deny(route),
            }),
            Err(error) => errors.push(error),
        }
    }
    planned
}

/// The engine's file for these routes, planned from those of the manifest one by one.
pub(super) fn file(
    routes: &[Route],
    planned: &[PlannedRoute],
    gate: Option<&GitGate>,
) -> Result<String, PlanError> {
    let routes = routes
        .iter()
        .zip(planned)
        .map(|(route, planned)| EngineRoute {
            path: &planned.path,
            upstream: &planned.upstream,
            auth_scheme: route.auth_scheme.as_deref(),
            token_env: &planned.slot,
            auth_header: route.auth_header.as_deref(),
            auth_user: route.auth_user.as_deref(),
            methods: route.methods.as_deref(),
            deny: &planned.deny,
            strip_query: &route.strip_query,
            upgrade: &route.upgrade,
            accept_encoding: route.accept_encoding.as_deref(),
            push_remotes: push_remotes(&planned.upstream, gate),
        })
        .collect();
    let json = serde_json::to_string_pretty(&RoutesFile { routes });
    json.map(|text| text + "\n")
        .map_err(|error| PlanError::new("routes.json", error))
}

fn upstream(
    route: &Route,
    npm_registry: Option<&Result<String, String>>,
) -> Result<String, PlanError> {
    let remedy = "write the registry as \"url\"";
    let url = match (&route.upstream, npm_registry) {
        (Upstream::Url(url), _) => return Ok(url.clone()),
        (Upstream::NpmRegistryOfHost, Some(Ok(url))) => url,
        (Upstream::NpmRegistryOfHost, Some(Err(reason))) => {
            let text = format_args!("npm's registry is not known: {reason}; {remedy}");
            return Err(PlanError::new(&route.origin, text));
        }
        (Upstream::NpmRegistryOfHost, None) => {
            let text = format_args!("npm's registry is not known; {remedy}");
            return Err(PlanError::new(&route.origin, text));
        }
    };
    // It is not shown: somebody may have written a password into it.
    let is_plain = url
        .bytes()
        .all(|octet| octet.is_ascii_graphic() && !br#"@"'\?#"#.contains(&octet));
    match is_plain && host_of(url).is_some() {
        true => Ok(url.clone()),
        false => {
            let text = format_args!("what npm on the host says is no plain URL; {remedy}");
            Err(PlanError::new(&route.origin, text))
        }
    }
}

/// The route's rules, and behind them those of the forge's second door: the manifest has them
/// where the gate owns a repository of that forge.
fn deny(route: &Route) -> Vec<String> {
    let mut rules = route.deny.clone();
    for rule in &route.second_door {
        // The engine takes no rule twice.
        if !rules.contains(rule) {
            rules.push(rule.clone());
        }
    }
    rules
}

/// Where a refused push should go instead: `owner/repo` to the gate's remote.
fn push_remotes(upstream: &str, gate: Option<&GitGate>) -> BTreeMap<String, String> {
    let (Some(host), Some(gate)) = (host_of(upstream), gate) else {
        return BTreeMap::new();
    };
    let at_host = |repository: &&GateRepository| forge::is_same(&repository.host(), &host);
    let mut remotes = BTreeMap::new();
    for (name, repository) in &gate.repos {
        if let Some(repository) = Some(repository).filter(at_host)
            && let Some(path) = super::git::repository_path(&repository.url)
            && path.contains('/')
        {
            // The engine compares in lower case and takes no name twice.
            remotes
                .entry(path.to_ascii_lowercase())
                .or_insert_with(|| super::git::gate_remote(name));
        }
    }
    remotes
}

#[cfg(test)]
mod tests;
