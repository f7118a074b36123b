//! What is meant for this hop alone (RFC 9110 §7.6.1).

use crate::limits::CONNECTION_OPTIONS;
use crate::message::{FieldLine, FieldName, FieldSection, LimitReached, list_members};

/// Fields that every intermediary removes, named by `Connection` or not. The framing
/// fields are among them because framing is generated anew.
pub(super) fn is_hop_by_hop(name: FieldName) -> bool {
    use FieldName::*;
    matches!(
        name,
        Connection
            | KeepAlive
            | ProxyConnection
            | ProxyAuthenticate
            | ProxyAuthorization
            | Te
            | Trailer
            | TransferEncoding
            | Upgrade
    )
}

/// Which fields of one message stay on this hop.
pub(super) struct ConnectionOptions<'a> {
    /// Named over all `Connection` lines, less those that stay here anyway.
    named: Vec<&'a [u8]>,
}

impl<'a> ConnectionOptions<'a> {
    /// Read once a message: nearly always there are none, and nothing is allocated.
    pub(super) fn of(fields: &'a FieldSection) -> Result<Self, LimitReached> {
        let mut named = Vec::new();
        if !fields.has(FieldName::Connection) {
            return Ok(ConnectionOptions { named });
        }
        for option in list_members(fields.all(FieldName::Connection)) {
            if is_hop_by_hop(FieldName::of(option)) || option.eq_ignore_ascii_case(b"close") {
                continue;
            }
            if named.len() == CONNECTION_OPTIONS {
                return Err(LimitReached::ConnectionOptions);
            }
            named.push(option);
        }
        Ok(ConnectionOptions { named })
    }

    /// Whether this line stays on this hop.
    pub(super) fn keep_here(&self, line: &FieldLine<'_>) -> bool {
        is_hop_by_hop(line.known()) || self.name(line.name)
    }

    /// Whether `Connection` names this field.
    pub(super) fn name(&self, field: &[u8]) -> bool {
        let mut named = self.named.iter();
        named.any(|option| option.eq_ignore_ascii_case(field))
    }
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
        let head = head(
            "Connection: close, X-A\r\nconnection: , x-b\r\n\
             x-a: 1\r\nX-B: 1\r\nx-c: 1\r\nKeep-Alive: 1\r\nclose: 1\r\nKeep_Alive: 1\r\n",
        );
        let options = ConnectionOptions::of(head.fields()).ok().unwrap();
        let lines = head
            .fields()
            .lines()
            .filter(|line| !options.keep_here(line));
        let forwarded: Vec<_> = lines.map(|line| line.name).collect();
        // `close` is an option, but no field.
        let expected: [&[u8]; 4] = [b"Host", b"x-c", b"close", b"Keep_Alive"];
        assert_eq!(forwarded, expected);
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
