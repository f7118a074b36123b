//! The response that goes back: status line and framing generated, references kept
//! inside the proxy, the upstream's other field lines as they came.

use super::connection_options::{ConnectionOptions, is_one_of};
use super::request::encode_field;
use super::rewrite::References;
use crate::message::encode::decimal;
use crate::message::{
    BodyEncoding, FieldLine, Method, Persistence, ResponseFraming, ResponseHead, Version,
};

/// Not forwarded although end-to-end: `alt-svc` would lead the client past the proxy;
/// `content-length` is generated.
const NOT_FORWARDED: [&str; 2] = ["alt-svc", "content-length"];

/// A response head as it goes downstream. Made here and nowhere else.
pub struct ForwardedResponse {
    octets: Vec<u8>,
    encoding: BodyEncoding,
    persistence: Persistence,
}

/// What else decides the octets of a forwarded response.
pub struct ResponseContext<'a> {
    /// The response as received.
    pub head: &'a ResponseHead,
    /// How its body is framed upstream.
    pub framing: ResponseFraming,
    /// The request's method.
    pub method: Method,
    /// The request's version.
    pub version: Version,
    /// Whether the client's connection may go on after this response, as far as the
    /// request decides.
    pub persistence: Persistence,
    /// Where references into an upstream lead.
    pub references: &'a References<'a>,
    /// The present, as an HTTP date (RFC 9110 §5.6.7).
    pub date: &'a [u8],
}

impl ForwardedResponse {
    /// Encodes a final response (or the 101 that opens a tunnel) into `out`, whose
    /// memory is kept and whose content is dropped.
    pub fn encode(context: &ResponseContext<'_>, mut out: Vec<u8>) -> Self {
        out.clear();
        encode_status_line(context.head, &mut out);
        encode_fields(context, &mut out);
        if context.head.fields().all("date").next().is_none() {
            // RFC 9110 §6.6.1: a recipient with a clock adds what the origin left out.
            encode_field(&mut out, "Date", context.date);
        }
        let (encoding, persistence) = encode_framing(context, &mut out);
        encode_connection(context, persistence, &mut out);
        out.extend_from_slice(b"\r\n");
        ForwardedResponse {
            octets: out,
            encoding,
            persistence,
        }
    }

    /// Encodes an interim response (RFC 9110 §15.2) at the end of `out`.
    pub fn encode_interim(head: &ResponseHead, out: &mut Vec<u8>) {
        encode_status_line(head, out);
        let options = ConnectionOptions::of(head.fields());
        for line in head.fields().lines() {
            if !options.keep_here(line.name) && !is_one_of(line.name, &NOT_FORWARDED) {
                out.extend_from_slice(line.raw);
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// How the body that follows is written.
    pub fn encoding(&self) -> BodyEncoding {
        self.encoding
    }

    /// Whether the client's connection goes on, as the head announces it.
    pub fn persistence(&self) -> Persistence {
        self.persistence
    }

    /// The octets, to be written downstream.
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }
}

fn encode_status_line(head: &ResponseHead, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    decimal(u64::from(head.status().as_u16()), out);
    out.push(b' ');
    out.extend_from_slice(head.reason());
    out.extend_from_slice(b"\r\n");
}

fn encode_fields(context: &ResponseContext<'_>, out: &mut Vec<u8>) {
    let options = ConnectionOptions::of(context.head.fields());
    for line in context.head.fields().lines() {
        if options.keep_here(line.name) || is_one_of(line.name, &NOT_FORWARDED) {
            continue;
        }
        let rewritten = rewritten_value(&line, context.references);
        match rewritten {
            Some(value) => {
                out.extend_from_slice(line.name);
                out.extend_from_slice(b": ");
                out.extend_from_slice(&value);
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line.raw),
        }
    }
}

fn rewritten_value(line: &FieldLine<'_>, references: &References<'_>) -> Option<Vec<u8>> {
    if is_one_of(line.name, &["location", "content-location"]) {
        references.rewrite(line.value)
    } else if line.name.eq_ignore_ascii_case(b"link") {
        references.rewrite_link(line.value)
    } else {
        None
    }
}

/// The framing of what goes downstream, which is not that of what came.
fn encode_framing(
    context: &ResponseContext<'_>,
    out: &mut Vec<u8>,
) -> (BodyEncoding, Persistence) {
    match context.framing {
        ResponseFraming::NoBody => {
            // RFC 9110 §8.6: to HEAD, and in a 304, it tells of the body that a GET would get.
            let tells = context.method == Method::Head || context.head.status().as_u16() == 304;
            if let Some(length) = context.head.fields().all("content-length").next()
                && tells
            {
                encode_field(out, "Content-Length", length);
            }
            (BodyEncoding::Identity, context.persistence)
        }
        ResponseFraming::ContentLength(length) => {
            out.extend_from_slice(b"Content-Length: ");
            decimal(length, out);
            out.extend_from_slice(b"\r\n");
            (BodyEncoding::Identity, context.persistence)
        }
        ResponseFraming::Chunked | ResponseFraming::CloseDelimited => match context.version {
            Version::Http11 => {
                encode_field(out, "Transfer-Encoding", b"chunked");
                (BodyEncoding::Chunked, context.persistence)
            }
            Version::Http10 => (
                BodyEncoding::Identity,
                Persistence::Close(crate::message::CloseReason::CloseDelimited),
            ),
        },
        ResponseFraming::Tunnel => (
            BodyEncoding::Identity,
            Persistence::Close(crate::message::CloseReason::Upgraded),
        ),
    }
}

/// RFC 9112 §9.6: who is going to close says so; a 1.0 client is told that we do not.
fn encode_connection(context: &ResponseContext<'_>, persistence: Persistence, out: &mut Vec<u8>) {
    if context.framing == ResponseFraming::Tunnel {
        encode_field(out, "Connection", b"upgrade");
        for protocol in context.head.fields().all("upgrade") {
            encode_field(out, "Upgrade", protocol);
        }
        return;
    }
    match (persistence, context.version) {
        (Persistence::Close(_), _) => encode_field(out, "Connection", b"close"),
        (Persistence::Reuse, Version::Http10) => encode_field(out, "Connection", b"keep-alive"),
        (Persistence::Reuse, Version::Http11) => {}
    }
}
