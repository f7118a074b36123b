//! The routes file and the tokens beside it, which an operator may write badly.
//!
//! The input is the text of the file and, behind the first NUL, records as
//! `--tokens-stdin` has them.

use crate::readings;
use engine::config::{LoadedRoutes, Problem, TokenSource, parse_routes};
use engine::route::{METHODS_DEFAULT, Route};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The contract's §2.
const KEYS: [&str; 13] = [
    "path",
    "upstream",
    "auth_scheme",
    "token_env",
    "auth_header",
    "auth_user",
    "token_file",
    "methods",
    "deny",
    "strip_query",
    "upgrade",
    "accept_encoding",
    "push_remotes",
];

/// What the environment holds: a token, and one that can't be sent.
const ENVIRONMENT: [(&str, &str); 2] = [
    ("CRED_PROXY_TOKEN_0", "token-of-the-environment"),
    ("UNUSABLE", "unusable token-of-the-environment"),
];

/// A token shorter than this could stand in a text by chance.
const TOKEN_OCTETS: usize = 8;

/// Asserts that what is accepted says what another JSON reader reads, that nothing may be
/// added to it which would be dropped in silence, and that no problem shows a token.
pub fn run(input: &[u8]) {
    let mut parts = input.splitn(2, |octet| *octet == 0);
    let text = parts.next().unwrap_or_default();
    let records = parts.next().unwrap_or_default();
    let read = serde_json::from_slice::<Value>(text).ok();
    // No test reads files that happen to be here.
    if read.as_ref().is_some_and(names_a_file) {
        return;
    }
    let tokens = tokens_of(records);
    let source = || {
        let environment = TokenSource::of(|name| {
            let mut variables = ENVIRONMENT.iter();
            variables
                .find(|(known, _)| *known == name)
                .map(|(_, token)| token.into())
        });
        // Reading records takes memory for the largest, and wipes it.
        match records {
            [] => Ok(environment),
            records => environment.with_records(records),
        }
    };
    let source = match source() {
        Ok(source) => source,
        Err(problems) => return are_readable(&problems, &tokens, None),
    };
    match parse_routes(text, &source) {
        Ok(loaded) => {
            let read = read.expect("JSON, for it was accepted");
            are_readable(&loaded.warnings, &tokens, Some(&read));
            says_what_was_written(&loaded, &read, &tokens);
            no_key_is_dropped(&read, &source);
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a word");
            let is_plain = read
                .as_ref()
                .is_some_and(|read| is_plainly_valid(read, text));
            assert!(!is_plain, "{problems:?}");
            are_readable(&problems, &tokens, read.as_ref());
        }
    }
}

fn routes(file: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let routes = file.get("routes").and_then(Value::as_array);
    routes.into_iter().flatten().filter_map(Value::as_object)
}

fn text<'v>(route: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    route.get(key).and_then(Value::as_str)
}

fn texts<'v>(route: &'v Map<String, Value>, key: &str) -> Option<Vec<&'v str>> {
    let items = route.get(key)?.as_array()?;
    items.iter().map(Value::as_str).collect()
}

fn names_a_file(file: &Value) -> bool {
    let mut files = routes(file).filter_map(|route| text(route, "token_file"));
    files.any(|file| !file.contains('\0') && Path::new(file).exists())
}

/// `NAME=VALUE` up to each NUL.
fn tokens_of(records: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let environment = ENVIRONMENT.map(|(name, token)| (name.to_owned(), token.into()));
    let mut tokens = BTreeMap::from(environment);
    for record in records.split(|octet| *octet == 0) {
        let mut parts = record.splitn(2, |octet| *octet == b'=');
        let name = String::from_utf8_lossy(parts.next().unwrap_or_default());
        if let Some(value) = parts.next() {
            tokens.insert(name.into_owned(), value.to_vec());
        }
    }
    tokens
}

/// Each is a line, and shows no token. A name is no secret: keys, and where tokens are.
fn are_readable(problems: &[Problem], tokens: &BTreeMap<String, Vec<u8>>, file: Option<&Value>) {
    let mut names: BTreeSet<String> = tokens.keys().cloned().collect();
    if let Some(file) = file {
        add_names(file, &mut names);
    }
    for problem in problems {
        let shown = problem.to_string();
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        let shown = [shown, format!("{problem:?}")].concat();
        for token in tokens.values().filter(|token| token.len() >= TOKEN_OCTETS) {
            let Ok(token) = str::from_utf8(token) else {
                continue;
            };
            let is_name = names.iter().any(|name| name.contains(token));
            assert!(is_name || !shown.contains(token), "{shown}");
        }
    }
}

fn add_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                names.insert(key.clone());
                if key == "token_env" || key == "token_file" {
                    names.extend(value.as_str().map(str::to_owned));
                }
                add_names(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_names(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn says_what_was_written(loaded: &LoadedRoutes, file: &Value, tokens: &BTreeMap<String, Vec<u8>>) {
    let keys: Vec<&str> = file
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| &key[..])
        .collect();
    assert_eq!(keys, ["routes"]);
    let written: Vec<_> = routes(file).collect();
    assert_eq!(Some(written.len()), file["routes"].as_array().map(Vec::len));
    assert_eq!(written.len(), loaded.table.routes().len());
    let mut paths = BTreeSet::new();
    for written in written {
        let path = text(written, "path").expect("a path");
        assert!(paths.insert(path), "{path} is there twice");
        assert!(path.starts_with('/') && path.ends_with('/'), "{path}");
        assert!(
            !path.contains("//") && !path.contains(['%', ';', '\\', '?', '#']),
            "{path}"
        );
        let mut routes = loaded.table.routes().iter();
        let route = routes.find(|route| route.path == path).expect("its route");
        is_as_written(route, written);
        leads_where_it_says(route, text(written, "upstream").expect("an upstream"));
        has_its_credential(route, written, tokens);
    }
}

fn is_as_written(route: &Route, written: &Map<String, Value>) {
    for (key, value) in written {
        assert!(KEYS.contains(&key.as_str()), "{key} is unknown");
        let is_list = ["methods", "deny", "strip_query", "upgrade"].contains(&key.as_str());
        let kind = match key.as_str() {
            "push_remotes" => value.is_object(),
            _ if is_list => texts(written, key).is_some(),
            _ => value.is_string(),
        };
        assert!(kind, "{key} has another type");
    }
    // An empty list allows nothing; an absent one is the default.
    let methods = texts(written, "methods").unwrap_or(METHODS_DEFAULT.to_vec());
    assert_eq!(route.methods, methods);
    assert!(!methods.contains(&"TRACE") && !methods.contains(&"CONNECT"));
    let deny: Vec<&str> = route.deny.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(deny, texts(written, "deny").unwrap_or_default());
    assert_eq!(
        route.strip_query,
        texts(written, "strip_query").unwrap_or_default()
    );
    let upgrade = texts(written, "upgrade").unwrap_or_default();
    let upgrade: Vec<String> = upgrade
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    assert_eq!(route.upgrade, upgrade);
    assert!(!upgrade.iter().any(|word| word == "h2c" || word == "http"));
    let coding = text(written, "accept_encoding").map(str::trim);
    assert_eq!(route.accept_encoding.as_deref(), coding);
    let remotes = written.get("push_remotes").and_then(Value::as_object);
    for (repository, remote) in remotes.into_iter().flatten() {
        let name = repository.to_ascii_lowercase();
        let name = name.strip_suffix(".git").unwrap_or(&name);
        assert_eq!(
            route.push_remotes.get(name).map(String::as_str),
            remote.as_str()
        );
    }
    assert_eq!(route.push_remotes.len(), remotes.map_or(0, Map::len));
}

fn leads_where_it_says(route: &Route, written: &str) {
    let (scheme, rest) = written.split_once("://").expect("a scheme");
    assert!(scheme.eq_ignore_ascii_case(route.upstream.scheme().as_str()));
    assert!(!rest.contains(['@', '?', '#', '\\', ' ']), "{written}");
    let (authority, base) = match rest.split_once('/') {
        Some((authority, base)) => (authority, format!("/{base}")),
        None => (rest, String::new()),
    };
    let base = base.strip_suffix('/').unwrap_or(&base);
    assert_eq!(route.upstream.base_path(), base);
    let segments = readings::of(base.as_bytes());
    assert!(
        !segments.iter().any(readings::Reading::has_dot_segment),
        "{written}"
    );
    let port = authority
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    let default = route.upstream.scheme().default_port();
    // What stands behind the last colon of an address is none.
    let port = port
        .filter(|_| !authority.ends_with(']'))
        .unwrap_or(default);
    assert_eq!(route.upstream.port(), port, "{written}");
    if !authority.starts_with('[') {
        let host = authority.split(':').next().unwrap_or_default();
        assert_eq!(route.upstream.host(), host.to_ascii_lowercase());
    }
}

fn has_its_credential(
    route: &Route,
    written: &Map<String, Value>,
    tokens: &BTreeMap<String, Vec<u8>>,
) {
    let field = text(written, "auth_header").unwrap_or("authorization");
    assert_eq!(route.credential.field_name(), field.to_ascii_lowercase());
    let (variable, file) = (text(written, "token_env"), text(written, "token_file"));
    assert!(variable.is_some() != file.is_some(), "one of them");
    let token = variable.and_then(|variable| tokens.get(variable));
    let usable = |token: &Vec<u8>| !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
    assert_eq!(route.credential.is_set(), token.is_some_and(usable));
    let has_scheme = text(written, "auth_scheme").is_some();
    assert!(has_scheme || route.credential.field_name() != "authorization");
}

/// What a reader of the last of two keys, or of those it knows, would drop.
fn no_key_is_dropped(file: &Value, source: &TokenSource) {
    let whole = file.to_string();
    assert!(
        parse_routes(whole.as_bytes(), source).is_ok(),
        "written anew: {whole}"
    );
    let open = whole.strip_suffix('}').expect("an object");
    let with_route = |route: &str| {
        let list = open.strip_suffix(']').expect("an array");
        let comma = if list.ends_with('[') { "" } else { "," };
        format!("{list}{comma}{route}]}}")
    };
    let mut refused = vec![
        format!("{open},\"routes\":[]}}"),
        format!("{open},\"route\":[]}}"),
        format!("{whole}{{}}"),
        with_route("null"),
    ];
    for route in routes(file) {
        let route = Value::Object(route.clone()).to_string();
        let open = route.strip_suffix('}').expect("an object");
        refused.push(with_route(&route));
        let other = open.replacen("\"path\":\"/", "\"path\":\"/another/", 1);
        for key in ["methods_", "Path", "path"] {
            refused.push(with_route(&format!("{other},\"{key}\":\"/x/\"}}")));
        }
    }
    for file in refused {
        assert!(
            parse_routes(file.as_bytes(), source).is_err(),
            "accepted: {file}"
        );
    }
}

/// Four keys, of plain words: the contract's own example.
fn is_plainly_valid(file: &Value, written: &[u8]) -> bool {
    let word = |text: &str| {
        let octet = |octet: u8| octet.is_ascii_lowercase() || b"-_".contains(&octet);
        (1..60).contains(&text.len()) && text.bytes().all(octet)
    };
    let route = |route: &Map<String, Value>| {
        let path = text(route, "path").and_then(|path| path.strip_prefix('/')?.strip_suffix('/'));
        let host = text(route, "upstream").and_then(|text| text.strip_prefix("https://"));
        let values = [
            path,
            host,
            text(route, "auth_scheme"),
            text(route, "token_env"),
        ];
        route.len() == 4 && values.iter().all(|value| value.is_some_and(word))
    };
    let list = file.get("routes").and_then(Value::as_array);
    // One for each key and each `https:`. Of a key that is there twice, `Value` shows one.
    let colons = written.iter().filter(|octet| **octet == b':').count();
    // With one route, no path can be there twice.
    file.as_object().is_some_and(|file| file.len() == 1)
        && list.is_some_and(|list| list.len() <= 1 && colons == 1 + 5 * list.len())
        && routes(file).count() == list.map_or(0, Vec::len)
        && routes(file).all(route)
}

#[cfg(test)]
mod tests {
    use crate::seeds;

    #[test]
    fn seeds_are_read_as_they_are_written() {
        seeds::run_all("routes_file", super::run);
    }
}
