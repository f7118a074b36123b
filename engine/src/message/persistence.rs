//! May another message follow on this connection (RFC 9112 §9.3).

use super::field::{FieldSection, list_members};
use super::field_name::FieldName;
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
    /// The service answered without asking for the body that was held back for it.
    BodyUnawaited,
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
    fields.has(FieldName::Connection)
        && list_members(fields.all(FieldName::Connection))
            .any(|named| named.eq_ignore_ascii_case(option))
}

#[cfg(test)]
mod tests {
    use super::super::fault::Fault;
    use super::super::start_line::Method;
    use super::super::testing::{check, request, request_octets, response, response_octets};
    use super::*;
    use CloseReason::{Asked, CloseDelimited, Upgraded, Version10};
    use Persistence::{Close, Reuse};

    #[rustfmt::skip]
    const REQUESTS: &[(&str, &str, &str, Persistence)] = &[
        ("1.1 persists", "HTTP/1.1", "", Reuse),
        ("1.1 need not say so", "HTTP/1.1", "Connection: keep-alive\r\n", Reuse),
        ("close ends it", "HTTP/1.1", "Connection: close\r\n", Close(Asked)),
        ("in any case", "HTTP/1.1", "connection: CLOSE\r\n", Close(Asked)),
        ("within a list", "HTTP/1.1", "Connection: te, Close\r\n", Close(Asked)),
        ("on a second line", "HTTP/1.1", "Connection: te\r\nConnection: close\r\n", Close(Asked)),
        ("close wins", "HTTP/1.1", "Connection: keep-alive, close\r\n", Close(Asked)),
        ("a longer word is not it", "HTTP/1.1", "Connection: closed\r\n", Reuse),
        ("another field is not it", "HTTP/1.1", "Proxy-Connection: close\r\n", Reuse),
        ("1.0 ends", "HTTP/1.0", "", Close(Version10)),
        ("1.0 may ask", "HTTP/1.0", "Connection: Keep-Alive\r\n", Reuse),
        ("close wins in 1.0", "HTTP/1.0", "Connection: keep-alive, close\r\n", Close(Asked)),
        ("the field Keep-Alive asks nothing", "HTTP/1.0", "Keep-Alive: timeout=5\r\n", Close(Version10)),
    ];

    #[rustfmt::skip]
    const RESPONSES: &[(&str, &str, &str, Persistence)] = &[
        ("a framed one persists", "HTTP/1.1 200 OK", "Content-Length: 0\r\n", Reuse),
        ("one without a body too", "HTTP/1.1 204", "", Reuse),
        ("a chunked one too", "HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", Reuse),
        ("a close-delimited one ends", "HTTP/1.1 200 OK", "Connection: keep-alive\r\n", Close(CloseDelimited)),
        ("a 101 ends HTTP", "HTTP/1.1 101", "Connection: upgrade\r\n", Close(Upgraded)),
        ("close ends it", "HTTP/1.1 204", "Connection: close\r\n", Close(Asked)),
        ("1.0 ends", "HTTP/1.0 200 OK", "Content-Length: 0\r\n", Close(Version10)),
        ("1.0 may ask", "HTTP/1.0 204", "Connection: keep-alive\r\n", Reuse),
    ];

    #[test]
    fn requests_say_whether_another_may_follow() {
        for (sentence, version, lines, expected) in REQUESTS {
            let octets = request_octets(&format!("GET / {version}"), lines);
            check(&[(sentence, &octets, Ok(*expected))], |pieces| {
                request(pieces).map(|head| Persistence::of_request(&head))
            });
        }
    }

    #[test]
    fn responses_say_whether_another_may_follow() {
        for (sentence, status_line, lines, expected) in RESPONSES {
            let octets = response_octets(status_line, lines);
            check(&[(sentence, &octets, Ok(*expected))], |pieces| {
                let head = response(pieces)?;
                let framing = ResponseFraming::of(Method::Get, &head)?;
                Ok::<_, Fault>(Persistence::of_response(&head, framing))
            });
        }
    }
}
