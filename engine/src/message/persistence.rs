//! May another message follow on this connection (RFC 9112 §9.3).

use super::field::{FieldSection, list_members};
use super::framing::ResponseFraming;
use super::request_head::RequestHead;
use super::response_head::ResponseHead;
use super::start_line::Version;

/// What one message says about its connection. Both messages of an exchange must agree,
/// and be complete, before it is used again.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Persistence {
    /// Another message may follow.
    Reuse,
    /// This message is the last.
    Close(CloseReason),
}

/// Why a message is the last on its connection.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// Its `Connection` names `close`.
    Asked,
    /// HTTP/1.0, and its `Connection` does not name `keep-alive`.
    Version10,
    /// The connection's end is the body's end.
    CloseDelimited,
    /// Another protocol is spoken from here on.
    Upgraded,
    /// The response ended while the request was still coming.
    RequestUnfinished,
    /// The process is ending.
    Draining,
}

impl Persistence {
    /// What a request says.
    pub fn of_request(head: &RequestHead) -> Persistence {
        Persistence::of(head.version(), head.fields())
    }

    /// What a response says that is framed so.
    pub fn of_response(head: &ResponseHead, framing: ResponseFraming) -> Persistence {
        match framing {
            ResponseFraming::Tunnel => Persistence::Close(CloseReason::Upgraded),
            ResponseFraming::CloseDelimited => Persistence::Close(CloseReason::CloseDelimited),
            ResponseFraming::NoBody
            | ResponseFraming::ContentLength(_)
            | ResponseFraming::Chunked => Persistence::of(head.version(), head.fields()),
        }
    }

    fn of(version: Version, fields: &FieldSection) -> Persistence {
        if names_option(fields, b"close") {
            return Persistence::Close(CloseReason::Asked);
        }
        match version {
            Version::Http11 => Persistence::Reuse,
            Version::Http10 if names_option(fields, b"keep-alive") => Persistence::Reuse,
            Version::Http10 => Persistence::Close(CloseReason::Version10),
        }
    }
}

/// Whether any `Connection` line names this option; options are case-insensitive
/// (RFC 9110 §7.6.1).
fn names_option(fields: &FieldSection, option: &[u8]) -> bool {
    list_members(fields.all("connection")).any(|named| named.eq_ignore_ascii_case(option))
}
