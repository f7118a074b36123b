//! What is meant for this hop alone (RFC 9110 §7.6.1).

use crate::limits::CONNECTION_OPTIONS;
use crate::message::{FieldSection, LimitReached, list_members};

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

/// Which fields of one message stay on this hop.
pub(super) struct ConnectionOptions<'a> {
    /// Named over all `Connection` lines, less those that stay here anyway.
    named: [&'a [u8]; CONNECTION_OPTIONS],
    count: usize,
}

impl<'a> ConnectionOptions<'a> {
    /// Read once a message: nearly always there are none.
    pub(super) fn of(fields: &'a FieldSection) -> Result<Self, LimitReached> {
        let mut options = ConnectionOptions {
            named: [b""; CONNECTION_OPTIONS],
            count: 0,
        };
        for option in list_members(fields.all("connection")) {
            if is_one_of(option, &HOP_BY_HOP) || option.eq_ignore_ascii_case(b"close") {
                continue;
            }
            let place = options.named.get_mut(options.count);
            *place.ok_or(LimitReached::ConnectionOptions)? = option;
            options.count += 1;
        }
        Ok(options)
    }

    /// Whether a field called `name` stays on this hop.
    pub(super) fn keep_here(&self, name: &[u8]) -> bool {
        is_one_of(name, &HOP_BY_HOP)
            || self.named[..self.count]
                .iter()
                .any(|option| option.eq_ignore_ascii_case(name))
    }
}

/// Whether `name` is in `set`, whatever its case.
pub(super) fn is_one_of(name: &[u8], set: &[&str]) -> bool {
    set.iter()
        .any(|one| name.eq_ignore_ascii_case(one.as_bytes()))
}
