//! What is meant for this hop alone (RFC 9110 §7.6.1).

use crate::message::{FieldSection, list_members};

/// Fields that every intermediary removes, named by `Connection` or not. The framing
/// fields are among them because framing is generated anew.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The connection options of one message, over all its `Connection` lines.
#[derive(Clone, Copy)]
pub struct ConnectionOptions<'a> {
    fields: &'a FieldSection,
    any: bool,
}

impl<'a> ConnectionOptions<'a> {
    /// The options that `fields` carry.
    pub fn of(fields: &'a FieldSection) -> Self {
        ConnectionOptions {
            fields,
            any: fields.all("connection").next().is_some(),
        }
    }

    /// Whether `name` (any case) is an option, which makes a field of that name hop-by-hop.
    pub fn name(&self, name: &[u8]) -> bool {
        self.any
            && list_members(self.fields.all("connection"))
                .any(|option| option.eq_ignore_ascii_case(name))
    }

    /// Whether a field called `name` stays on this hop.
    pub fn keep_here(&self, name: &[u8]) -> bool {
        is_one_of(name, &HOP_BY_HOP) || self.name(name)
    }
}

/// Whether `name` is in `set`, whatever its case.
pub(super) fn is_one_of(name: &[u8], set: &[&str]) -> bool {
    set.iter()
        .any(|one| name.eq_ignore_ascii_case(one.as_bytes()))
}
