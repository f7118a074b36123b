//! The response that goes back: status line and framing generated, references kept
//! inside the proxy, the upstream's other field lines as they came.

use super::connection_options::ConnectionOptions;
use super::request::{encode_content_length, encode_field};
use super::rewrite::References;
use crate::limits::{FORWARDED_HEAD_OCTETS, LINK_TARGETS};
use crate::message::encode::decimal;
use crate::message::{
    BodyEncoding, CloseReason, FieldLine, FieldName, LimitReached, Method, Persistence,
    ResponseFraming, ResponseHead, Version,
};

/// An IMF-fixdate always has this length.
pub type HttpDate = [u8; 29];

/// Not forwarded although end-to-end: `alt-svc` would lead the client past the proxy;
/// `content-length` is generated.
pub(super) fn is_forwarded(name: FieldName) -> bool {
    !matches!(name, FieldName::AltSvc | FieldName::ContentLength)
}

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
    /// The present, as an HTTP date (RFC 9110 §5.6.7). Asked for when it is needed, for
    /// most services tell it themselves.
    pub date: &'a dyn Fn() -> HttpDate,
}

impl ForwardedResponse {
    /// Encodes a final response (or the 101 that opens a tunnel) into `out`, whose
    /// memory is kept and whose content is dropped.
    ///
    /// Its one error is a `Connection` that names too many fields.
    pub fn encode(context: &ResponseContext<'_>, mut out: Vec<u8>) -> Result<Self, LimitReached> {
        out.clear();
        let options = ConnectionOptions::of(context.head.fields())?;
        encode_status_line(context.head, &mut out);
        encode_fields(context.head, &options, context.references, &mut out)?;
        if !context.head.fields().has(FieldName::Date) || options.name(b"date") {
            // RFC 9110 §6.6.1: a recipient with a clock adds what the origin left out.
            encode_field(&mut out, "Date", &(context.date)());
        }
        let (encoding, persistence) = encode_framing(context, &mut out);
        encode_connection(context, persistence, &mut out);
        out.extend_from_slice(b"\r\n");
        Ok(ForwardedResponse {
            octets: out,
            encoding,
            persistence,
        })
    }

    /// Encodes an interim response (RFC 9110 §15.2) at the end of `out`.
    pub fn encode_interim(
        head: &ResponseHead,
        references: &References<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), LimitReached> {
        let options = ConnectionOptions::of(head.fields())?;
        encode_status_line(head, out);
        encode_fields(head, &options, references, out)?;
        out.extend_from_slice(b"\r\n");
        Ok(())
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

fn encode_fields(
    head: &ResponseHead,
    options: &ConnectionOptions<'_>,
    references: &References<'_>,
    out: &mut Vec<u8>,
) -> Result<(), LimitReached> {
    let mut links_left = LINK_TARGETS;
    for line in head.fields().lines() {
        if options.keep_here(&line) || !is_forwarded(line.known()) {
            continue;
        }
        let rewritten = rewritten_value(&line, references, &mut links_left)?;
        match rewritten {
            Some(value) => {
                out.extend_from_slice(line.name);
                out.extend_from_slice(b": ");
                out.extend_from_slice(&value);
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line.raw),
        }
        // References grow by the authority that the client chose.
        if out.len() > FORWARDED_HEAD_OCTETS {
            return Err(LimitReached::HeadOctets);
        }
    }
    Ok(())
}

fn rewritten_value(
    line: &FieldLine<'_>,
    references: &References<'_>,
    links_left: &mut usize,
) -> Result<Option<Vec<u8>>, LimitReached> {
    let name = line.known();
    if matches!(name, FieldName::Location | FieldName::ContentLocation) {
        Ok(references.rewrite(line.value))
    } else if name == FieldName::Link {
        references.rewrite_link(line.value, links_left)
    } else {
        Ok(None)
    }
}

/// The framing of what goes downstream, which is not that of what came.
fn encode_framing(context: &ResponseContext<'_>, out: &mut Vec<u8>) -> (BodyEncoding, Persistence) {
    match context.framing {
        ResponseFraming::NoBody => {
            // RFC 9110 §8.6: to HEAD, and in a 304, it tells of the body that a GET would get.
            let tells = context.method == Method::Head || context.head.status().as_u16() == 304;
            // A fault in it was found when the response was framed.
            if let Ok(Some(length)) = ResponseFraming::announced_length(context.head)
                && tells
            {
                encode_content_length(length, out);
            }
            (BodyEncoding::Identity, context.persistence)
        }
        ResponseFraming::ContentLength(length) => {
            encode_content_length(length, out);
            (BodyEncoding::Identity, context.persistence)
        }
        ResponseFraming::Chunked | ResponseFraming::CloseDelimited => match context.version {
            Version::Http11 => {
                encode_field(out, "Transfer-Encoding", b"chunked");
                (BodyEncoding::Chunked, context.persistence)
            }
            Version::Http10 => (
                BodyEncoding::Identity,
                Persistence::Close(CloseReason::CloseDelimited),
            ),
        },
        ResponseFraming::Tunnel => (
            BodyEncoding::Identity,
            Persistence::Close(CloseReason::Upgraded),
        ),
    }
}

/// RFC 9112 §9.6: who is going to close says so; a 1.0 client is told that we do not.
fn encode_connection(context: &ResponseContext<'_>, persistence: Persistence, out: &mut Vec<u8>) {
    if context.framing == ResponseFraming::Tunnel {
        encode_field(out, "Connection", b"upgrade");
        for protocol in context.head.fields().all(FieldName::Upgrade) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HeadStorage;
    use crate::policy::Credential;
    use crate::route::{Route, RouteTable, UpstreamUrl};

    fn parsed(head: &str) -> ResponseHead {
        let block = head.replace('\n', "\r\n").into_bytes();
        let storage = HeadStorage {
            block,
            ..HeadStorage::default()
        };
        ResponseHead::parse(storage).unwrap()
    }

    fn table() -> RouteTable {
        let route = Route::new(
            "/a/".into(),
            UpstreamUrl::parse("https://up.example").unwrap(),
            Credential::unset("authorization", "T"),
        );
        RouteTable::new(vec![route]).unwrap()
    }

    fn references(table: &RouteTable) -> References<'_> {
        References {
            table,
            route: &table.routes()[0],
            authority: Some(b"p"),
            suffix: b"",
        }
    }

    fn forwarded(method: Method, version: Version, head: &str) -> (String, ForwardedResponse) {
        let head = parsed(head);
        let table = table();
        let references = references(&table);
        let context = ResponseContext {
            head: &head,
            framing: ResponseFraming::of(method, &head).unwrap(),
            method,
            version,
            persistence: Persistence::Reuse,
            references: &references,
            date: &|| *b"Sun, 22 Nov 2026 12:00:00 GMT",
        };
        let response = ForwardedResponse::encode(&context, Vec::new()).unwrap();
        let text = String::from_utf8(response.octets.clone()).unwrap();
        (text.replace("\r\n", "\n"), response)
    }

    #[test]
    fn fields_keep_their_octets_and_the_framing_is_ours() {
        let head = "HTTP/1.0 200 Fine\nset-cookie: a\nDate: then\nServer: x\nSet-Cookie: b\n\
            Connection: keep-alive, x-hop\nX-Hop: 1\nAlt-Svc: h3\nContent-Length: 5\nContent-Length: 5\n\
            Location: https://up.example/y\n\n";
        let (text, response) = forwarded(Method::Get, Version::Http11, head);
        assert_eq!(
            text,
            "HTTP/1.1 200 Fine\nset-cookie: a\nDate: then\nServer: x\nSet-Cookie: b\nLocation: http://p/a/y\nContent-Length: 5\n\n"
        );
        assert_eq!(response.persistence(), Persistence::Reuse);
    }

    #[test]
    fn each_framing_is_told_in_the_words_of_the_clients_version() {
        let chunked = "HTTP/1.1 200 OK\nDate: d\nTransfer-Encoding: chunked\n\n";
        let until_close = "HTTP/1.1 200 OK\nDate: d\n\n";
        let length = "HTTP/1.1 200 OK\nDate: d\nContent-Length: 1\n\n";
        for (version, head, framing, encoding) in [
            (
                Version::Http11,
                chunked,
                "Transfer-Encoding: chunked\n",
                BodyEncoding::Chunked,
            ),
            (
                Version::Http11,
                until_close,
                "Transfer-Encoding: chunked\n",
                BodyEncoding::Chunked,
            ),
            (
                Version::Http11,
                length,
                "Content-Length: 1\n",
                BodyEncoding::Identity,
            ),
            (
                Version::Http10,
                chunked,
                "Connection: close\n",
                BodyEncoding::Identity,
            ),
            (
                Version::Http10,
                until_close,
                "Connection: close\n",
                BodyEncoding::Identity,
            ),
            (
                Version::Http10,
                length,
                "Content-Length: 1\nConnection: keep-alive\n",
                BodyEncoding::Identity,
            ),
        ] {
            let (text, response) = forwarded(Method::Get, version, head);
            assert_eq!(text, format!("HTTP/1.1 200 OK\nDate: d\n{framing}\n"));
            assert_eq!(response.encoding(), encoding);
        }
    }

    #[test]
    fn a_length_without_a_body_is_kept_only_where_it_tells_of_one() {
        for (method, status, kept) in [
            (Method::Head, "200 OK", true),
            (Method::Get, "304 Not Modified", true),
            (Method::Get, "204 No Content", false),
        ] {
            let head = format!("HTTP/1.1 {status}\nDate: d\nContent-Length: 7\n\n");
            let (text, _) = forwarded(method, Version::Http11, &head);
            assert_eq!(text.contains("Content-Length: 7\n"), kept, "{text}");
        }
    }

    #[test]
    fn a_missing_date_is_added() {
        let (text, _) = forwarded(
            Method::Get,
            Version::Http11,
            "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        );
        assert!(
            text.contains("\nDate: Sun, 22 Nov 2026 12:00:00 GMT\n"),
            "{text}"
        );
    }

    #[test]
    fn a_switch_names_its_protocol() {
        let head = "HTTP/1.1 101 Switching Protocols\nDate: d\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Accept: x\n\n";
        let (text, _) = forwarded(Method::Get, Version::Http11, head);
        assert_eq!(
            text,
            "HTTP/1.1 101 Switching Protocols\nDate: d\nSec-WebSocket-Accept: x\nConnection: upgrade\nUpgrade: websocket\n\n"
        );
    }

    #[test]
    fn an_interim_response_has_neither_length_nor_date() {
        let head = parsed("HTTP/1.1 103 Early Hints\nLink: </y>\nContent-Length: 3\n\n");
        let table = table();
        let mut octets = Vec::new();
        ForwardedResponse::encode_interim(&head, &references(&table), &mut octets).unwrap();
        assert_eq!(
            octets,
            b"HTTP/1.1 103 Early Hints\r\nLink: <http://p/a/y>\r\n\r\n"
        );
    }

    #[test]
    fn a_head_that_references_make_too_large_is_refused() {
        // Each `</>` becomes an authority of the client's choice.
        let head = parsed(&format!(
            "HTTP/1.1 200 OK\nLink: {}\n\n",
            "</>,".repeat(30_000)
        ));
        let table = table();
        let authority = [b'p'; 250];
        let references = References {
            authority: Some(&authority),
            ..references(&table)
        };
        let encoded = ForwardedResponse::encode_interim(&head, &references, &mut Vec::new());
        assert_eq!(encoded, Err(LimitReached::HeadOctets));
    }
}
