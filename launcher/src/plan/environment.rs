//! The agent's variables: the manifest's own, those of roles, and the proxy's.

use super::roles::RoleVariable;
use super::{GATE_HOST, PROXY_HOST, PlanError, Variable};
use crate::manifest::{Bottle, EnvValue, GateKey, TokenRef};

/// A variable that sends requests to a proxy, in both spellings: clients disagree.
const PROXIES: [[&str; 2]; 3] = [
    ["HTTP_PROXY", "http_proxy"],
    ["HTTPS_PROXY", "https_proxy"],
    ["ALL_PROXY", "all_proxy"],
];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The one variable that the backend sets by itself.
const HOME: &str = "HOME";

/// The agent's variables, each name once: the manifest's in its order, then the roles'.
pub(super) fn environment(
    place: &str,
    bottle: &Bottle,
    roles: Vec<RoleVariable>,
    errors: &mut Vec<PlanError>,
) -> Vec<Variable> {
    let mut variables: Vec<Variable> = Vec::new();
    for (name, value) in &bottle.env {
        if name == HOME {
            let text = "is where the agent's files are put, and its image says where; take it out";
            errors.push(PlanError::new(format_args!("{place}.env.{name}"), text));
        }
        if let EnvValue::FromHost(source) = value
            && holds_token(bottle, source)
        {
            let text = format_args!(
                "{source} is a token of this bottle, and the agent would see it; take one of the two out"
            );
            errors.push(PlanError::new(format_args!("{place}.env.{name}"), text));
        }
        variables.push(Variable {
            name: name.clone(),
            value: value.clone(),
            hidden: false,
        });
    }
    for role in roles {
        if !variables.iter().any(|variable| variable.name == role.name) {
            variables.push(Variable {
                name: role.name.to_owned(),
                value: EnvValue::Literal(role.value),
                hidden: role.hidden,
            });
        } else if role.fixed {
            let text = "is set by a route's role too, and the agent would go another way; take it out, or the role";
            errors.push(PlanError::new(
                format_args!("{place}.env.{}", role.name),
                text,
            ));
        }
    }
    around_proxies(place, &mut variables, errors);
    variables
}

/// Whether the host's variable is where a credential of this bottle's lies.
fn holds_token(bottle: &Bottle, variable: &str) -> bool {
    let is_it = |source: &TokenRef| matches!(source, TokenRef::Variable(name) if name == variable);
    let of_key = |key: &GateKey| match key {
        GateKey::Provisioned { token_env, .. } => token_env == variable,
        GateKey::Identity(_) => false,
    };
    let egress = bottle.egress.iter().flat_map(|egress| &egress.routes);
    let gate = bottle.git_gate.iter().flat_map(|gate| gate.repos.values());
    bottle.routes.iter().any(|route| is_it(&route.token_ref))
        || egress
            .filter_map(|route| route.token_ref.as_ref())
            .any(is_it)
        || gate.map(|repository| &repository.key).any(of_key)
}

/// Where a proxy is set: both letter cases of each, and the sidecars' own names past it.
fn around_proxies(place: &str, variables: &mut Vec<Variable>, errors: &mut Vec<PlanError>) {
    let is_set = |variables: &[Variable], name: &str| variables.iter().any(|v| v.name == name);
    let names = PROXIES.iter().flatten();
    if !names.into_iter().any(|name| is_set(variables, name)) {
        return;
    }
    for name in NO_PROXY {
        if let Some(variable) = variables.iter_mut().find(|variable| variable.name == name) {
            if let EnvValue::Literal(text) = &mut variable.value {
                *text = no_proxy(text);
            } else {
                let text = "must be a literal, for the bottle's own names are added to it";
                errors.push(PlanError::new(format_args!("{place}.env.{name}"), text));
            }
        }
    }
    for pair in PROXIES.iter().chain([&NO_PROXY]) {
        if let Some(added) = other_case(place, pair, variables, errors) {
            variables.push(added);
        }
    }
    for name in NO_PROXY {
        if !is_set(variables, name) {
            variables.push(Variable {
                name: name.to_owned(),
                value: EnvValue::Literal(no_proxy("")),
                hidden: false,
            });
        }
    }
}

/// The spelling that is missing, if the other one is there.
fn other_case(
    place: &str,
    [upper, lower]: &[&str; 2],
    variables: &[Variable],
    errors: &mut Vec<PlanError>,
) -> Option<Variable> {
    let find = |name: &str| variables.iter().find(|variable| variable.name == name);
    let (there, missing) = match (find(upper), find(lower)) {
        (Some(there), None) => (there, *lower),
        (None, Some(there)) => (there, *upper),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    if let EnvValue::Ask(_) = there.value {
        // It would be asked for twice.
        let text = "is needed in both letter cases; write it as a literal or as ${NAME}";
        errors.push(PlanError::new(
            format_args!("{place}.env.{}", there.name),
            text,
        ));
        return None;
    }
    Some(Variable {
        name: missing.to_owned(),
        ..there.clone()
    })
}

/// These names, and ours behind them.
fn no_proxy(names: &str) -> String {
    let mut list: Vec<&str> = names.split(',').map(str::trim).collect();
    list.extend([PROXY_HOST, GATE_HOST, "localhost", "127.0.0.1", "::1"]);
    let mut seen: Vec<&str> = Vec::with_capacity(list.len());
    for name in list {
        if !name.is_empty() && !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen.join(",")
}

#[cfg(test)]
mod tests;
