//! The proxy's own answers: one short sentence that says what was wrong and what to do.

use crate::error::Failure;
use crate::forward::HttpDate;
use crate::message::{FieldName, RequestHead, list_members};
use crate::policy::Denial;

/// The name that this proxy bears in `Proxy-Status` (RFC 9209), so that a user can tell
/// its answers from the upstream's.
const PROXY_NAME: &str = "cred-proxy";

/// How the client wants to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyFormat {
    /// `text/plain`, which git prints as `remote:`.
    Text,
    /// An object whose `error` and `message` are the sentence: npm prints the one, others
    /// the other.
    Json,
    /// An object whose `error` is an object with the `message`, as the services of the SDKs
    /// answer: those print nothing else.
    SdkJson,
}

impl ReplyFormat {
    /// JSON where `Accept` names it, or where the client itself sends JSON and takes
    /// anything (npm's publish does); else text.
    pub(crate) fn asked_by(head: &RequestHead) -> Self {
        let fields = head.fields();
        let sends_json = || {
            fields.all(FieldName::ContentType).any(is_json)
                && list_members(fields.all(FieldName::Accept))
                    .all(|member| media_type(member) == b"*/*")
        };
        if !list_members(fields.all(FieldName::Accept)).any(is_json) && !sends_json() {
            ReplyFormat::Text
        } else if fields.has(FieldName::XStainlessLang) {
            ReplyFormat::SdkJson
        } else {
            ReplyFormat::Json
        }
    }
}

/// A media type without its parameters (RFC 9110 §8.3.1).
fn media_type(value: &[u8]) -> &[u8] {
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    value.get(..end).unwrap_or(value).trim_ascii()
}

fn is_json(value: &[u8]) -> bool {
    let media_type = media_type(value);
    media_type.eq_ignore_ascii_case(b"application/json")
        || media_type.to_ascii_lowercase().ends_with(b"+json")
}

/// An answer of ours, complete and encoded.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) octets: Vec<u8>,
}

/// What of the request and the connection decides the form of a reply.
pub(crate) struct ReplyContext {
    pub(crate) format: ReplyFormat,
    /// To HEAD: the fields of the answer without its body.
    pub(crate) head_only: bool,
    pub(crate) connection: ReplyConnection,
    /// The present, as HTTP writes it.
    pub(crate) date: HttpDate,
}

/// What a reply says of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyConnection {
    /// It ends with this answer.
    Close,
    /// It goes on, which a 1.0 client must be told.
    KeepAlive,
    /// It goes on.
    Persistent,
}

impl Reply {
    /// 204 to `OPTIONS *`, and to an `OPTIONS` that has no hop left.
    pub(crate) fn options(context: &ReplyContext) -> Self {
        let mut text = String::from("HTTP/1.1 204 No Content\r\n");
        text.push_str("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
        Reply {
            status: 204,
            octets: finish(text, context, &[]),
        }
    }

    /// The answer to a failure, or `None` where none can be given.
    pub(crate) fn failure(failure: &Failure, context: &ReplyContext) -> Option<Self> {
        let status = failure.status()?;
        // The name says who speaks: git shows the body without the fields.
        let sentence = format!("{PROXY_NAME}: {failure}");
        let mut text = format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status));
        let (media_type, body) = match context.format {
            ReplyFormat::Text => ("text/plain; charset=utf-8", format!("{sentence}\n")),
            ReplyFormat::Json => {
                let sentence = json_string(&sentence);
                let body = format!("{{\"error\":{sentence},\"message\":{sentence}}}\n");
                ("application/json", body)
            }
            ReplyFormat::SdkJson => {
                let sentence = json_string(&sentence);
                let body = format!(
                    "{{\"type\":\"error\",\"error\":{{\"type\":{},\"message\":{sentence}}},\"message\":{sentence}}}\n",
                    json_string(failure.error_type()),
                );
                ("application/json", body)
            }
        };
        text.push_str(&format!(
            "Content-Type: {media_type}\r\nContent-Length: {}\r\n",
            body.len()
        ));
        if let Failure::Refused(denial) = failure
            && let Some(allow) = Denial::allow(denial)
        {
            text.push_str(&format!("Allow: {allow}\r\n"));
        }
        if failure.is_final() {
            text.push_str("x-should-retry: false\r\n");
        }
        text.push_str(&format!(
            "Proxy-Status: {PROXY_NAME}; error={}\r\n",
            failure.error_type()
        ));
        let body = if context.head_only { "" } else { &body };
        Some(Reply {
            status,
            octets: finish(text, context, body.as_bytes()),
        })
    }
}

fn finish(mut head: String, context: &ReplyContext, body: &[u8]) -> Vec<u8> {
    head.push_str(match context.connection {
        ReplyConnection::Close => "Connection: close\r\n",
        ReplyConnection::KeepAlive => "Connection: keep-alive\r\n",
        ReplyConnection::Persistent => "",
    });
    let mut octets = head.into_bytes();
    octets.extend_from_slice(b"Date: ");
    octets.extend_from_slice(&context.date);
    octets.extend_from_slice(b"\r\n\r\n");
    octets.extend_from_slice(body);
    octets
}

/// Our sentences are text of our own, so only quotes and backslashes can need escaping;
/// controls are escaped all the same.
fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            control if control.is_control() => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HeadStorage;

    const DATE: HttpDate = *b"Sun, 06 Nov 1994 08:49:37 GMT";

    fn context(format: ReplyFormat) -> ReplyContext {
        ReplyContext {
            format,
            head_only: false,
            connection: ReplyConnection::Persistent,
            date: DATE,
        }
    }

    fn reply(format: ReplyFormat) -> String {
        let failure = Failure::Refused(Denial::NoRoute);
        let reply = Reply::failure(&failure, &context(format)).expect("a 404 can be answered");
        String::from_utf8(reply.octets).expect("an answer is text")
    }

    fn format_for(fields: &str) -> ReplyFormat {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let storage = HeadStorage {
            block: head.into_bytes(),
            ..HeadStorage::default()
        };
        let Ok(head) = RequestHead::parse(storage) else {
            panic!("the head is well-formed")
        };
        ReplyFormat::asked_by(&head)
    }

    #[test]
    fn json_is_given_to_those_who_speak_it() {
        use ReplyFormat::{Json, SdkJson, Text};
        for (fields, format) in [
            ("", Text),
            ("Accept: */*\r\n", Text),
            ("Accept: text/html, Application/JSON;q=0.5\r\n", Json),
            (
                "Accept: application/vnd.npm.install-v1+json; q=1.0\r\n",
                Json,
            ),
            ("Content-Type: application/json\r\nAccept: */*\r\n", Json),
            ("Content-Type: application/json; charset=utf-8\r\n", Json),
            (
                "Content-Type: application/json\r\nAccept: text/plain\r\n",
                Text,
            ),
            (
                "Content-Type: application/x-git-receive-pack-request\r\n",
                Text,
            ),
            (
                "Accept: application/json\r\nX-Stainless-Lang: python\r\n",
                SdkJson,
            ),
            ("X-Stainless-Lang: python\r\n", Text),
        ] {
            assert_eq!(format_for(fields), format, "{fields}");
        }
    }

    #[test]
    fn a_text_answer_is_one_sentence_with_its_length_and_origin() {
        let text = reply(ReplyFormat::Text);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"));
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())));
        assert!(head.contains("\r\nx-should-retry: false"));
        assert!(head.contains("\r\nProxy-Status: cred-proxy; error=destination_not_found"));
        assert!(body.starts_with("cred-proxy: ") && body.ends_with('\n'));
    }

    #[test]
    fn a_json_answer_has_its_sentence_where_each_client_looks() {
        for (format, place) in [
            (ReplyFormat::Json, "/error"),
            (ReplyFormat::Json, "/message"),
            (ReplyFormat::SdkJson, "/error/message"),
            (ReplyFormat::SdkJson, "/message"),
        ] {
            let text = reply(format);
            let (_, body) = text.split_once("\r\n\r\n").expect("a head and a body");
            let value: serde_json::Value = serde_json::from_str(body).expect("JSON");
            let sentence = value.pointer(place).and_then(|value| value.as_str());
            assert!(sentence.is_some_and(|text| text.starts_with("cred-proxy: ")));
        }
    }

    #[test]
    fn every_status_that_a_failure_can_have_has_its_phrase() {
        for status in [
            400, 403, 404, 405, 408, 414, 417, 421, 431, 500, 501, 502, 504, 505, 508,
        ] {
            assert!(!reason_phrase(status).is_empty(), "{status}");
        }
    }
}
