//! `egress`: the forward-proxy face.

use super::route::{read_credential, read_rules};
use crate::limits;
use crate::manifest::grammar;
use crate::manifest::json::Json;
use crate::manifest::key_names::EGRESS_ROUTE;
use crate::manifest::keys::Keys;
use crate::manifest::nearest::did_you_mean;
use crate::manifest::problem::Report;
use crate::manifest::{Egress, EgressRoute, Scanner, TokenRef};

/// The port of TLS, where none is written.
const HTTPS_PORT: u16 = 443;

/// Reads it.
pub(super) fn read_egress(keys: &mut Keys<'_, '_>) -> Egress {
    let allow = keys.strings("allow", limits::HOSTS, grammar::allowed_host);
    let allow_cidr = keys.strings("allow_cidr", limits::HOSTS, grammar::address_block);
    let items = keys.array("routes", limits::ROUTES).unwrap_or_default();
    let place = keys.path_of("routes");
    let mut routes: Vec<EgressRoute> = Vec::new();
    let mut places: Vec<(String, u16, usize)> = Vec::new();
    for (index, json) in items.iter().enumerate() {
        let path = format!("{place}[{index}]");
        let Some(route) = read_route(path.clone(), json, keys.report()) else {
            continue;
        };
        let port = route.port.unwrap_or(HTTPS_PORT);
        let is_same =
            |(host, other, _): &&(String, u16, usize)| *host == route.host && *other == port;
        if let Some((_, _, first)) = places.iter().find(is_same) {
            let text = format!("has host and port of {place}[{first}]; keep one");
            keys.report().add(&path, text);
        }
        places.push((route.host.clone(), port, index));
        routes.push(route);
    }
    let scanner = keys.string("scanner", |text| match text {
        "none" => Ok(Scanner::None),
        "pipelock" => Ok(Scanner::Pipelock),
        other => {
            let meant = did_you_mean(other, ["none", "pipelock"]);
            Err(format!("is no scanner; write none or pipelock{meant}"))
        }
    });
    Egress {
        allow: allow.unwrap_or_default(),
        allow_cidr: allow_cidr.unwrap_or_default(),
        routes,
        scanner: scanner.unwrap_or_default(),
    }
}

fn read_route(path: String, json: &Json, report: &mut Report) -> Option<EgressRoute> {
    let mut keys = Keys::known(path, json, EGRESS_ROUTE, report)?;
    keys.require("host", "write it like \"api.example.org\"");
    let host = keys.string("host", grammar::route_host);
    let port = keys.number("port", 1, u64::from(u16::MAX));
    let is_port_bad = keys.has("port") && port.is_none();
    let token_ref = TokenRef::of(&mut keys, "token_ref");
    let has_token = keys.has("token_ref");
    let credential = read_credential(&mut keys, has_token);
    for key in ["auth_scheme", "auth_header"] {
        if keys.has(key) && !has_token {
            keys.problem(
                key,
                "stands without a token; write \"token_ref\" too, or take it out",
            );
        }
    }
    let tls_passthrough = keys.boolean("tls_passthrough").unwrap_or(false);
    let rules = read_rules(&mut keys);
    // Or it would count as a second one at the default port.
    let host = host.filter(|_| !is_port_bad)?;
    Some(EgressRoute {
        host,
        port: port.and_then(|port| u16::try_from(port).ok()),
        auth_scheme: credential.scheme,
        auth_header: credential.header,
        token_ref,
        tls_passthrough,
        methods: rules.methods,
        deny: rules.deny,
        upgrade: rules.upgrade,
    })
}
