//! Fields and parameters by which one request stands for another at some services: with
//! another method, or with another path.

use super::denial::Denial;
use super::query::Query;
use crate::limits;
use crate::message::{FieldName, Method, RequestHead};

/// Rack, Symfony and others let a POST stand for another method so.
const METHOD_FIELDS: [FieldName; 3] = [
    FieldName::XHttpMethodOverride,
    FieldName::XHttpMethod,
    FieldName::XMethodOverride,
];

/// The same as a query parameter: Symfony, WordPress and Express; Salesforce.
const METHOD_PARAMETERS: [&str; 2] = ["_method", "_httpmethod"];

/// Symfony, Zend and IIS modules take the path from the first two; the third is what
/// nginx tells a service behind it. No client has a use for any: all are refused.
const PATH_FIELDS: [FieldName; 3] = [
    FieldName::XOriginalUrl,
    FieldName::XRewriteUrl,
    FieldName::XOriginalUri,
];

/// Every method that a service may take a request to have.
pub(super) struct Methods<'r> {
    own: &'r [u8],
    /// Rarely any.
    overrides: Vec<&'r [u8]>,
}

impl<'r> Methods<'r> {
    /// Reads all of them, or refuses.
    pub(super) fn of(head: &'r RequestHead, query: &'r Query<'_>) -> Result<Methods<'r>, Denial> {
        let mut overrides = Vec::new();
        let fields = head.fields();
        if fields.may_have(&PATH_FIELDS) {
            return Err(Denial::PathField);
        }
        if fields.may_have(&METHOD_FIELDS) {
            let named = fields
                .lines()
                .filter(|line| METHOD_FIELDS.contains(&line.read_as));
            overrides.extend(named.map(|line| line.value));
        }
        for name in METHOD_PARAMETERS.iter().filter(|_| !query.is_empty()) {
            overrides.extend(query.values(name));
        }
        // Services ignore one that is empty.
        overrides.retain(|value| !value.is_empty());
        if overrides.len() > limits::METHOD_OVERRIDES_CEILING {
            return Err(Denial::Overrides);
        }
        let own = head.method_octets();
        Ok(Methods { own, overrides })
    }

    /// Whether each is one of `listed`.
    pub(super) fn are_all_in(&self, listed: &[String]) -> bool {
        // Methods are case-sensitive (RFC 9110 §9.1), but overrides are read in any case.
        let has = |method: &[u8]| listed.iter().any(|ours| ours.as_bytes() == method);
        let has_in_any_case = |method: &&[u8]| {
            let same = |ours: &String| ours.as_bytes().eq_ignore_ascii_case(method);
            listed.iter().any(same)
        };
        has(self.own) && self.overrides.iter().all(has_in_any_case)
    }

    /// Whether doing it twice is doing it once, whichever method counts (RFC 9110 §9.2.2).
    pub(super) fn are_idempotent(&self) -> bool {
        self.overrides.is_empty() && Method::of(self.own).is_idempotent()
    }

    /// The request's own, then the others.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        core::iter::once(self.own).chain(self.overrides.iter().copied())
    }
}
