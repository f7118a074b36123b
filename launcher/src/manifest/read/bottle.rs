//! One of `bottles`.

use super::egress::read_egress;
use super::git_gate::read_git_gate;
use super::preset::Presets;
use super::route::read_route;
use crate::limits;
use crate::manifest::grammar;
use crate::manifest::key_names::{AGENT_PROVIDER, BOTTLE, CRED_PROXY, EGRESS, GIT_GATE};
use crate::manifest::keys::{Keys, checked};
use crate::manifest::nearest::did_you_mean;
use crate::manifest::{AgentProvider, Bottle, EnvValue, Route, Template};

/// Reads one bottle, the value of `name` among `bottles`.
pub(in crate::manifest) fn read_bottle(bottles: &mut Keys<'_, '_>, name: &str) -> Option<Bottle> {
    let mut keys = bottles.object(name, BOTTLE)?;
    let env = read_env(&mut keys);
    // A preset's second door hangs on what the gate owns.
    let git_gate = keys
        .object("git_gate", GIT_GATE)
        .map(|mut keys| read_git_gate(&mut keys));
    let hosts = git_gate
        .as_ref()
        .map(|gate| gate.hosts())
        .unwrap_or_default();
    let mut presets = Presets::new(hosts);
    let provider = read_provider(&mut keys, &mut presets);
    presets.read_all(&mut keys);
    let mut routes = presets.into_routes();
    routes.extend(read_routes(&mut keys));
    check_together(&mut keys, &routes);
    let egress = keys
        .object("egress", EGRESS)
        .map(|mut keys| read_egress(&mut keys));
    Some(Bottle {
        env,
        provider,
        routes,
        egress,
        git_gate,
    })
}

fn read_env(keys: &mut Keys<'_, '_>) -> Vec<(String, EnvValue)> {
    let mut env = Vec::new();
    let Some(mut names) = keys.names("env") else {
        return env;
    };
    for (name, json) in names.entries(limits::VARIABLES) {
        if !grammar::is_variable_name(name) {
            let text = "is no name of a variable; write letters, digits and `_`, no digit first";
            names.problem(name, text);
        }
        let path = names.path_of(name);
        let most = limits::VALUE_OCTETS;
        let value = checked(&path, json, most, EnvValue::parse, names.report());
        env.extend(value.map(|value| (name.to_owned(), value)));
    }
    env
}

fn read_provider(keys: &mut Keys<'_, '_>, presets: &mut Presets) -> AgentProvider {
    let Some(mut keys) = keys.object("agent_provider", AGENT_PROVIDER) else {
        return AgentProvider::default();
    };
    let template = keys.string("template", |text| match text {
        "claude" => Ok(Template::Claude),
        "codex" => Err("is not there yet, it needs the egress face; write \"claude\", or leave template out and name an image".to_owned()),
        other => {
            let meant = did_you_mean(other, ["claude"]);
            Err(format!("is no template; write \"claude\", or leave template out and name an image{meant}"))
        }
    });
    let image = keys.string("image", grammar::image);
    if keys.boolean("forward_host_credentials") == Some(true) {
        keys.problem(
            "forward_host_credentials",
            "needs the egress face, which is not there yet; write false, and give a token by auth_token",
        );
    }
    if keys.has("auth_token") {
        if template != Some(Template::Claude) {
            keys.problem(
                "auth_token",
                "is for the template \"claude\" alone; write \"template\": \"claude\", or an entry in tokens",
            );
        }
        presets.read_auth_token(&mut keys);
    }
    AgentProvider { template, image }
}

fn read_routes(keys: &mut Keys<'_, '_>) -> Vec<Route> {
    let Some(mut keys) = keys.object("cred_proxy", CRED_PROXY) else {
        return Vec::new();
    };
    let items = keys.array("routes", limits::ROUTES).unwrap_or_default();
    let place = keys.path_of("routes");
    let items = items.iter().enumerate();
    items
        .filter_map(|(index, json)| read_route(format!("{place}[{index}]"), json, keys.report()))
        .collect()
}

/// Paths are distinct, and no singleton role is on two routes, wherever they come from.
fn check_together(keys: &mut Keys<'_, '_>, routes: &[Route]) {
    for (at, route) in routes.iter().enumerate() {
        let before = &routes[..at];
        let origin = &route.origin;
        if let Some(first) = before.iter().find(|first| first.path == route.path) {
            let text = format!(
                "makes a route {}, and so does {}; keep one, or write another path",
                route.path, first.origin
            );
            keys.report().add(origin, text);
        }
        let singletons = route.roles.iter().filter(|role| role.is_singleton());
        for role in singletons {
            if let Some(first) = before.iter().find(|first| first.roles.contains(role)) {
                let text = format!(
                    "has the role {}, and so has {}; keep it on one route",
                    role.as_str(),
                    first.origin
                );
                keys.report().add(origin, text);
            }
        }
    }
}
