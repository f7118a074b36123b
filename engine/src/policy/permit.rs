//! The decision, in the order in which its answers are given.

use super::decoded_path::{DecodedPath, PathRefused};
use super::denial::Denial;
use super::git_push::GitPush;
use super::overrides::Methods;
use super::path_pattern::PathPattern;
use super::query::Query;
use super::rule::DenyRule;
use super::secret::Secret;
use crate::message::{FieldName, Method, RequestHead, RequestTarget, list_members};
use crate::route::Route;
use std::sync::Arc;

/// Leave to send one request along its route with its credential. Only [`decide`] makes
/// one, and nothing reaches an upstream without one.
pub struct Permit<'r> {
    route: &'r Arc<Route>,
    /// The route's own, taken out here, where it is known to be set.
    credential: &'r Secret,
    repeatable: bool,
}

impl<'r> Permit<'r> {
    /// Where the request goes.
    pub fn route(&self) -> &'r Arc<Route> {
        self.route
    }

    /// Whether the request may be sent again if nobody can tell that it arrived.
    pub fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// The field, in lower case, that carries the credential, and its whole value.
    pub fn credential(&self) -> (&str, &Secret) {
        (self.route.credential.field_name(), self.credential)
    }
}

/// Decides on one request, whose `path` (the decoded copy of the target's) led to `route`.
///
/// The answers come in a fixed order, so that a request which is wrong in several ways
/// always gets the same one.
pub fn decide<'r>(
    route: &'r Arc<Route>,
    head: &RequestHead,
    target: &RequestTarget<'_>,
    path: &DecodedPath<'_>,
    own_via_pseudonym: &[u8],
) -> Result<Permit<'r>, Denial> {
    // The table found the route by this very path. Were it another, refuse, not guess.
    let suffix = path.after(&route.path).ok_or(Denial::NoRoute)?;
    check_path(route, &suffix)?;
    let raw_query = match target {
        RequestTarget::Origin { query, .. } | RequestTarget::Absolute { query, .. } => *query,
        RequestTarget::Authority | RequestTarget::Asterisk => None,
    };
    let query = Query::of(raw_query, &suffix);

    if head.method() == Method::Connect {
        return Err(Denial::Connect);
    }
    if head.method_octets().eq_ignore_ascii_case(b"TRACE") {
        return Err(Denial::Trace {
            allow: route.methods.join(", "),
        });
    }
    if let Some(push) = GitPush::of(&suffix, &query) {
        let remote = push.remote(&route.push_remotes, route.upstream.base_path());
        let remote = remote.map(str::to_owned);
        return Err(Denial::Push { remote });
    }
    let methods = Methods::of(head, &query)?;
    if !methods.are_all_in(&route.methods) {
        return Err(Denial::Method {
            allow: route.methods.join(", "),
        });
    }
    let denies = |rule: &&DenyRule| {
        methods.iter().any(|method| rule.is_about(method)) && rule.matches_path(&suffix)
    };
    if let Some(rule) = route.deny.iter().find(denies) {
        return Err(Denial::Rule {
            rule: rule.as_str().to_owned(),
        });
    }
    if let Some(name) = query.name_among(&route.strip_query) {
        return Err(Denial::Query {
            name: name.to_owned(),
        });
    }
    if has_passed_here(head, own_via_pseudonym) {
        return Err(Denial::Loop);
    }
    if has_other_expectation(head) {
        return Err(Denial::Expectation);
    }
    match route.credential.value() {
        Ok(credential) => Ok(Permit {
            route,
            credential,
            repeatable: methods.are_idempotent(),
        }),
        Err(variable) => Err(Denial::CredentialUnset {
            variable: variable.to_owned(),
        }),
    }
}

/// Refuses a suffix that leads elsewhere than along this route.
fn check_path(route: &Route, suffix: &DecodedPath<'_>) -> Result<(), PathRefused> {
    // Nothing but the suffix would stand behind the first `/`.
    if route.upstream.base_path().is_empty() && suffix.begins_empty() {
        return Err(PathRefused::Authority);
    }
    // The table looked at the raw path, and a longer route may be the stricter one.
    let takes = |longer: &PathPattern| longer.matches(suffix);
    if route.longer.iter().any(takes) {
        return Err(PathRefused::OtherRoute);
    }
    Ok(())
}

/// Our pseudonym as a word of any `Via` value (RFC 9110 §7.6.3), wherever it stands: a
/// quote or comment that somebody before us left open must not hide it. Its random tail
/// makes a chance hit impossible.
fn has_passed_here(head: &RequestHead, own_via_pseudonym: &[u8]) -> bool {
    if !head.fields().has(FieldName::Via) {
        return false;
    }
    let delimiter = |octet: &u8| b" \t,;:()\"".contains(octet);
    let mut words = head
        .fields()
        .all(FieldName::Via)
        .flat_map(|value| value.split(delimiter));
    words.any(|word| !word.is_empty() && word.eq_ignore_ascii_case(own_via_pseudonym))
}

/// RFC 9110 §10.1.1: the only expectation is `100-continue`, in any case.
fn has_other_expectation(head: &RequestHead) -> bool {
    let fields = head.fields();
    fields.has(FieldName::Expect)
        && list_members(fields.all(FieldName::Expect))
            .any(|member| !member.eq_ignore_ascii_case(b"100-continue"))
}

#[cfg(test)]
mod tests;
