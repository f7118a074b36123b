//! Fields and parameters by which one request stands for another at some services: with
//! another method, or with another path.

use super::denial::Denial;
use super::query::Query;
use crate::limits;
use crate::message::{FieldName, Method, RequestHead};

/// Rack, Symfony and others let a POST stand for another method so.
fn is_method_field(name: FieldName) -> bool {
    use FieldName::{XHttpMethod, XHttpMethodOverride, XMethodOverride};
    matches!(name, XHttpMethodOverride | XHttpMethod | XMethodOverride)
}

/// The same as a query parameter: Symfony, WordPress and Express; Salesforce.
const METHOD_PARAMETERS: [&str; 2] = ["_method", "_httpmethod"];

/// Symfony, Zend and IIS modules take the path from the first two; the third is what
/// nginx tells a service behind it. No client has a use for any: all are refused.
fn is_path_field(name: FieldName) -> bool {
    use FieldName::{XOriginalUri, XOriginalUrl, XRewriteUrl};
    matches!(name, XOriginalUrl | XRewriteUrl | XOriginalUri)
}

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
        for line in head.fields().lines() {
            if is_path_field(line.read_as) {
                return Err(Denial::PathField);
            }
            // Services ignore one that is empty.
            if is_method_field(line.read_as) && !line.value.is_empty() {
                overrides.push(line.value);
            }
        }
        let named = METHOD_PARAMETERS.iter().flat_map(|name| query.values(name));
        overrides.extend(named.filter(|value| !value.is_empty()));
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
