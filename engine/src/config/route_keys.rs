//! The keys of one route: typed access that goes on after a problem, and the grammar of
//! each value.

use super::Problem;
use super::json::Json;
use core::fmt;
use std::collections::HashMap;

/// Every key that a route may have.
pub(super) const KEYS: [&str; 13] = [
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

/// One object of the file and the place it has there; what is wrong with it goes to
/// `problems`, and reading goes on.
pub(super) struct Keys<'j, 'p> {
    place: String,
    pairs: &'j [(String, Json)],
    problems: &'p mut Vec<Problem>,
}

impl<'j, 'p> Keys<'j, 'p> {
    /// Takes an object in which each key is there once, and is among `known` if given.
    pub(super) fn of(
        place: String,
        json: &'j Json,
        known: Option<&[&str]>,
        problems: &'p mut Vec<Problem>,
    ) -> Option<Keys<'j, 'p>> {
        let Json::Object(pairs) = json else {
            let text = format_args!("must be an object, not {}", json.kind());
            problems.push(Problem::new(place, text));
            return None;
        };
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for (key, _) in pairs {
            let count = counts.entry(key).or_default();
            *count += 1;
            match (*count, known) {
                (1, Some(known)) if !known.contains(&key.as_str()) => {
                    let known = known.join(", ");
                    let text = format_args!("key {key:?} is unknown; there are {known}");
                    problems.push(Problem::new(&place, text));
                }
                (2, _) => {
                    let text = format_args!("key {key:?} is there twice; keep one");
                    problems.push(Problem::new(&place, text));
                }
                _ => {}
            }
        }
        Some(Keys {
            place,
            pairs,
            problems,
        })
    }

    /// Reports a problem with one key.
    pub(super) fn problem(&mut self, key: &str, text: impl fmt::Display) {
        self.problems
            .push(Problem::new(format_args!("{}.{key}", self.place), text));
    }

    /// Whether the key is there, of whatever type.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// All pairs, for an object whose keys are data.
    pub(super) fn pairs(&self) -> &'j [(String, Json)] {
        self.pairs
    }

    /// An object whose keys are data, too.
    pub(super) fn object(&mut self, key: &str) -> Option<Keys<'j, '_>> {
        let place = format!("{}.{key}", self.place);
        Keys::of(place, self.get(key)?, None, self.problems)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'j Json> {
        self.pairs
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// A string that `check` finds nothing wrong with.
    pub(super) fn string<T, E: fmt::Display>(
        &mut self,
        key: &str,
        check: impl Fn(&'j str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.get(key)?;
        self.checked(key, value, check)
    }

    /// An array of different strings that `check` finds nothing wrong with.
    pub(super) fn strings<T: PartialEq, E: fmt::Display>(
        &mut self,
        key: &str,
        check: impl Fn(&'j str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let items = self.array(key)?;
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let place = format!("{key}[{index}]");
            match self.checked(&place, item, &check) {
                Some(value) if values.contains(&value) => {
                    self.problem(&place, "is there twice; keep one");
                }
                Some(value) => values.push(value),
                None => {}
            }
        }
        Some(values)
    }

    /// An array of anything.
    pub(super) fn array(&mut self, key: &str) -> Option<&'j [Json]> {
        let value = self.get(key)?;
        if value.as_array().is_none() {
            self.problem(key, format_args!("must be an array, not {}", value.kind()));
        }
        value.as_array()
    }

    fn checked<T, E: fmt::Display>(
        &mut self,
        place: &str,
        value: &'j Json,
        check: impl Fn(&'j str) -> Result<T, E>,
    ) -> Option<T> {
        let Some(text) = value.as_string() else {
            self.problem(
                place,
                format_args!("must be a string, not {}", value.kind()),
            );
            return None;
        };
        match check(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(place, error);
                None
            }
        }
    }
}

/// A route's path. It is its own decoded copy, and no two spellings of it exist.
pub(super) fn route_path(text: &str) -> Result<String, &'static str> {
    let allowed =
        |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/".contains(&octet);
    if !text.starts_with('/') || !text.ends_with('/') {
        return Err("must begin and end with `/`, like \"/gh-api/\"");
    }
    if !text.bytes().all(allowed) {
        return Err(
            "may have letters, digits and -._~!$&'()*+,=:@ between its slashes; take others out",
        );
    }
    // Some services drop the dots at the end of a name, and here the whole name with them.
    let is_nothing = |name: &str| name.trim_end_matches('.').is_empty();
    if text[1..].split_terminator('/').any(is_nothing) {
        return Err("has a segment that is empty or only dots; take it out");
    }
    Ok(text.to_owned())
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    let tchar = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
    !text.is_empty() && text.bytes().all(tchar)
}

/// An authentication scheme (RFC 9110 §11.1).
pub(super) fn scheme(text: &str) -> Result<String, &'static str> {
    match is_token(text) {
        true => Ok(text.to_owned()),
        false => Err("must be the one word before the token, like \"Bearer\""),
    }
}

/// The field that carries the credential, in lower case.
pub(super) fn credential_field(text: &str) -> Result<String, &'static str> {
    /// They frame or route the message, or are about this hop alone: the engine makes
    /// them itself. Servers that read `_` as `-` see them there too.
    const OURS: [&str; 15] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    if !is_token(text) {
        return Err("must be a field name, like \"x-api-key\"");
    }
    let name = text.to_ascii_lowercase();
    match OURS.contains(&name.replace('_', "-").as_str()) {
        true => Err("is a field that the proxy makes itself; name the one the service reads"),
        false => Ok(name),
    }
}

/// The user of a Basic credential (RFC 7617 §2). It may be empty: Azure DevOps wants that.
pub(super) fn basic_user(text: &str) -> Result<String, &'static str> {
    match text
        .bytes()
        .all(|octet| octet.is_ascii_graphic() && octet != b':')
    {
        true => Ok(text.to_owned()),
        false => Err("must be visible ASCII without `:`, like \"x-access-token\""),
    }
}

/// A method that may pass.
pub(super) fn method(text: &str) -> Result<String, &'static str> {
    if !is_token(text) || text.bytes().any(|octet| octet.is_ascii_lowercase()) {
        return Err("must be a method in capital letters, like \"GET\"");
    }
    match text {
        "TRACE" => Err("would show the credential; TRACE cannot be allowed"),
        "CONNECT" => Err("is for forward proxies; CONNECT cannot be allowed"),
        _ => Ok(text.to_owned()),
    }
}

/// A query name, as it is once decoded.
pub(super) fn query_name(text: &str) -> Result<String, &'static str> {
    let allowed = |octet: u8| octet.is_ascii_graphic() && !b"%&;=+#[]".contains(&octet);
    match !text.is_empty() && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("must be a name without %&;=+#[], like \"access_token\""),
    }
}

/// A protocol name of an `Upgrade` field, in lower case (RFC 9110 §7.8).
pub(super) fn protocol(text: &str) -> Result<String, &'static str> {
    let protocol = text.to_ascii_lowercase();
    if !is_token(text) {
        Err("must be a protocol name, like \"websocket\"")
    } else if protocol == "h2c" || protocol == "http" {
        // After the switch its requests would pass in a tunnel, past all policy.
        Err("must not be HTTP in another version: its requests would pass unseen")
    } else {
        Ok(protocol)
    }
}

/// The value of an `Accept-Encoding` field (RFC 9110 §12.5.3).
pub(super) fn accept_encoding(text: &str) -> Result<String, &'static str> {
    let codings_only = text
        .bytes()
        .all(|octet| octet.is_ascii_graphic() || octet == b' ');
    match codings_only && !text.trim().is_empty() {
        true => Ok(text.trim().to_owned()),
        false => Err("must be a list of codings, like \"identity\" or \"gzip, br\""),
    }
}

/// A repository of a forge, as a key of `push_remotes`: lower case, without `.git`.
pub(super) fn repository(text: &str) -> Result<String, &'static str> {
    let allowed = |octet: u8| octet.is_ascii_graphic() && !b"%\\;?#".contains(&octet);
    let is_segment =
        |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(allowed);
    match text.contains('/') && text.split('/').all(is_segment) {
        true => {
            let name = text.to_ascii_lowercase();
            Ok(name.strip_suffix(".git").map(str::to_owned).unwrap_or(name))
        }
        false => Err("must be a repository without slashes around it, like \"owner/repo\""),
    }
}

/// A git remote. It is shown to the agent, so it may hold no password.
pub(super) fn remote(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err("must be a git remote, like \"git://git-gate/app.git\"");
    }
    let authority = text
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next());
    let userinfo = authority.and_then(|authority| authority.rsplit_once('@'));
    match userinfo.is_some_and(|(userinfo, _)| userinfo.contains(':')) {
        true => Err("is shown to the agent; take the password out"),
        false => Ok(text.to_owned()),
    }
}
