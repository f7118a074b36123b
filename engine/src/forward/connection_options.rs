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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{HeadStorage, RequestHead};

    fn head(connection: &str) -> RequestHead {
        let storage = HeadStorage {
            block: format!("GET / HTTP/1.1\r\nHost: a\r\n{connection}\r\n").into_bytes(),
            ..HeadStorage::default()
        };
        RequestHead::parse(storage).unwrap()
    }

    #[test]
    fn options_are_read_over_all_lines_whatever_their_case() {
        let head = head("Connection: close, X-A\r\nconnection: , x-b\r\n");
        let options = ConnectionOptions::of(head.fields()).ok().unwrap();
        for (name, stays) in [
            ("x-a", true),
            ("X-B", true),
            ("x-c", false),
            ("Keep-Alive", true),
            ("close", false), // an option, but no field
        ] {
            assert_eq!(options.keep_here(name.as_bytes()), stays, "{name}");
        }
    }

    #[test]
    fn as_many_fields_can_be_named_as_the_limit_says_and_no_more() {
        let named = |count: usize| {
            let names: Vec<String> = (0..count).map(|index| format!("x-{index}")).collect();
            let common = "keep-alive, te, close, upgrade";
            let head = head(&format!("Connection: {common}, {}\r\n", names.join(",")));
            ConnectionOptions::of(head.fields()).map(drop)
        };
        assert_eq!(named(CONNECTION_OPTIONS), Ok(()));
        assert_eq!(
            named(CONNECTION_OPTIONS + 1),
            Err(LimitReached::ConnectionOptions)
        );
    }
}
