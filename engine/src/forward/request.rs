//! The request that leaves: our start line, our framing, our credential, and the
//! client's other field lines as they came.

use super::Pseudonym;
use super::connection_options::ConnectionOptions;
use crate::message::encode::decimal;
use crate::message::{
    FieldLine, FieldName, LimitReached, Method, RequestFraming, RequestHead, RequestTarget, Version,
};
use crate::message::{is_read_as, read_decimal};
use crate::policy::Permit;

/// Every field by which an agent could bring a credential of its own, so that its work
/// can't go to an account of its choosing. Compared with `_` read as `-`: servers that
/// pass fields as environment variables can't tell the two apart.
pub(super) fn is_credential(name: FieldName) -> bool {
    use FieldName::*;
    matches!(
        name,
        Authorization
            | XApiKey
            | ApiKey
            | XGoogApiKey
            | XAuthToken
            | PrivateToken
            | JobToken
            | DeployToken
            | ProxyAuthorization
            | Cookie
    )
}

/// What such servers would take for the framing, beside the one that is ours.
pub(super) fn is_framing(name: FieldName) -> bool {
    use FieldName::{ContentLength, Host, TransferEncoding};
    matches!(name, Host | ContentLength | TransferEncoding)
}

/// A request head as it goes upstream. Made here and nowhere else, from a [`Permit`].
pub struct ForwardedRequest(Vec<u8>);

/// What else decides the octets of a forwarded request.
pub struct RequestContext<'a> {
    /// The request as received.
    pub head: &'a RequestHead,
    /// Its target: origin- or absolute-form, or nothing can be forwarded.
    pub target: &'a RequestTarget<'a>,
    /// How its body is framed.
    pub framing: RequestFraming,
    /// Who we are.
    pub pseudonym: &'a Pseudonym,
    /// The protocol the client asks for and its route allows.
    pub upgrade: Option<&'a [u8]>,
}

impl ForwardedRequest {
    /// Encodes the head into `out`, whose memory is kept and whose content is dropped.
    ///
    /// Its one error is a `Connection` that names too many fields.
    pub fn encode(
        context: &RequestContext<'_>,
        permit: &Permit<'_>,
        mut out: Vec<u8>,
    ) -> Result<Self, LimitReached> {
        out.clear();
        let options = ConnectionOptions::of(context.head.fields())?;
        encode_start_line(context, permit, &mut out);
        encode_field(
            &mut out,
            "Host",
            permit.route().upstream.authority().as_bytes(),
        );
        encode_client_fields(context, permit, &options, &mut out);
        if let Some(coding) = &permit.route().accept_encoding {
            encode_field(&mut out, "Accept-Encoding", coding.as_bytes());
        }
        match context.framing {
            RequestFraming::NoBody => {}
            RequestFraming::ContentLength(length) => encode_content_length(length, &mut out),
            RequestFraming::Chunked => encode_field(&mut out, "Transfer-Encoding", b"chunked"),
        }
        if let Some(protocol) = context.upgrade {
            encode_field(&mut out, "Connection", b"upgrade");
            encode_field(&mut out, "Upgrade", protocol);
        }
        out.extend_from_slice(b"Via: ");
        out.extend_from_slice(context.head.version().as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(context.pseudonym.as_bytes());
        out.extend_from_slice(b"\r\n");
        let (name, secret) = permit.credential();
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        secret.write_into(&mut out);
        out.extend_from_slice(b"\r\n\r\n");
        Ok(ForwardedRequest(out))
    }

    /// The octets, to be written upstream.
    pub fn into_octets(self) -> Vec<u8> {
        self.0
    }
}

/// Base path, `/` and the suffix as it came: percent-encoding is not ours to change.
fn encode_start_line(context: &RequestContext<'_>, permit: &Permit<'_>, out: &mut Vec<u8>) {
    let route = permit.route();
    let (path, query) = match *context.target {
        RequestTarget::Origin { path, query } | RequestTarget::Absolute { path, query, .. } => {
            (path, query)
        }
        // No route has a path that these could match, so there is no permit for them.
        RequestTarget::Authority | RequestTarget::Asterisk => (&b"/"[..], None),
    };
    out.extend_from_slice(context.head.method_octets());
    out.push(b' ');
    out.extend_from_slice(route.upstream.base_path().as_bytes());
    out.push(b'/');
    out.extend_from_slice(path.get(route.path.len()..).unwrap_or_default());
    if let Some(query) = query {
        out.push(b'?');
        out.extend_from_slice(query);
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// The client's own lines, in their order, less what stays on this hop, what is
/// generated, and every credential.
fn encode_client_fields(
    context: &RequestContext<'_>,
    permit: &Permit<'_>,
    options: &ConnectionOptions<'_>,
    out: &mut Vec<u8>,
) {
    let hops = context.head.method() == Method::Options;
    for line in context.head.fields().lines() {
        if is_ours(&line, context, permit) || options.keep_here(&line) {
            continue;
        }
        if hops && line.known() == FieldName::MaxForwards {
            encode_max_forwards(&line, out);
        } else {
            out.extend_from_slice(line.raw);
        }
    }
}

/// Whether the field is one that only we may say.
fn is_ours(line: &FieldLine<'_>, context: &RequestContext<'_>, permit: &Permit<'_>) -> bool {
    is_framing(line.read_as)
        || is_credential(line.read_as)
        || is_read_as(line.name, permit.credential().0)
        || (permit.route().accept_encoding.is_some()
            && line.known() == FieldName::AcceptEncoding)
        // RFC 9110 §10.1.1: a 1.0 client does not wait, and a 100 could not be sent to it.
        || (context.head.version() == Version::Http10
            && line.known() == FieldName::Expect)
}

/// RFC 9110 §7.6.2: one hop less. A count of 0 never comes here; what is no number stays.
fn encode_max_forwards(line: &FieldLine<'_>, out: &mut Vec<u8>) {
    match read_decimal(line.value).and_then(|count| count.checked_sub(1)) {
        Some(count) => {
            out.extend_from_slice(b"Max-Forwards: ");
            decimal(count, out);
            out.extend_from_slice(b"\r\n");
        }
        None => out.extend_from_slice(line.raw),
    }
}

/// The length of a body, in our digits.
pub(super) fn encode_content_length(length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Content-Length: ");
    decimal(length, out);
    out.extend_from_slice(b"\r\n");
}

/// One field line of ours.
pub(super) fn encode_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::message::HeadStorage;
    use crate::policy::{Credential, CredentialForm, DecodedPath, Secret, decide};
    use crate::route::{Route, UpstreamUrl};

    /// What goes upstream for `head`, with the pseudonym's random tail cut to `…`.
    fn forwarded(head: &str, change: impl FnOnce(&mut Route)) -> String {
        let block = head.replace('\n', "\r\n").into_bytes();
        let storage = HeadStorage {
            block,
            ..HeadStorage::default()
        };
        let head = RequestHead::parse(storage).unwrap();
        let target = RequestTarget::of(&head).unwrap();
        let credential = Credential::render(
            "authorization",
            &CredentialForm::Scheme("Bearer".into()),
            &Secret::new(b"ours".to_vec()),
        );
        let mut route = Route::new(
            "/a/".into(),
            UpstreamUrl::parse("https://up.example:8443/base").unwrap(),
            credential.ok().unwrap(),
        );
        change(&mut route);
        let route = Arc::new(route);
        let path = DecodedPath::of(b"/a/x").unwrap();
        let pseudonym = Pseudonym::new(7);
        let permit = decide(&route, &head, &target, &path, pseudonym.as_bytes());
        let context = RequestContext {
            head: &head,
            target: &target,
            framing: RequestFraming::of(&head).unwrap(),
            pseudonym: &pseudonym,
            upgrade: None,
        };
        let request = ForwardedRequest::encode(&context, &permit.ok().unwrap(), Vec::new());
        let request = request.ok().unwrap();
        let text = String::from_utf8(request.into_octets()).unwrap();
        let name = String::from_utf8(pseudonym.as_bytes().to_vec()).unwrap();
        text.replace(&name, "…").replace("\r\n", "\n")
    }

    #[test]
    fn the_clients_lines_keep_their_order_case_repetition_and_octets() {
        let head = "GET /a/x?q=%20 HTTP/1.1\nHost: p\nX-B:  two  spaces \nx-a: 1\nX-B: again\n\n";
        assert_eq!(
            forwarded(head, |_| {}),
            "GET /base/x?q=%20 HTTP/1.1\nHost: up.example:8443\nX-B:  two  spaces \nx-a: 1\nX-B: again\nVia: 1.1 …\nauthorization: Bearer ours\n\n"
        );
    }

    #[test]
    fn every_credential_of_the_agent_is_dropped_however_it_is_spelt() {
        let brought = "Authorization: a\nauthorization: b\nX-API-Key: c\nx_api_key: d\nApi-Key: e\n\
            X-Goog-Api-Key: f\nX-Auth-Token: g\nPRIVATE_TOKEN: h\nJob-Token: i\nCookie: j\nX-Mine: k\n";
        let kept = "x-kept: 1\n";
        let head = format!("GET /a/x HTTP/1.1\nHost: p\n{brought}{kept}\n");
        let credential = Credential::render(
            "x-mine",
            &CredentialForm::Bare,
            &Secret::new(b"ours".to_vec()),
        );
        assert_eq!(
            forwarded(&head, |route| route.credential = credential.ok().unwrap()),
            "GET /base/x HTTP/1.1\nHost: up.example:8443\nx-kept: 1\nVia: 1.1 …\nx-mine: ours\n\n"
        );
    }

    #[test]
    fn connection_removes_what_it_names_but_never_what_frames_or_routes() {
        let head = "POST /a/x HTTP/1.1\nHost: p\nConnection: x-hop, Host, content-length\n\
            connection: authorization, via\nX-Hop: 1\nTE: trailers\nTrailer: x\nKeep-Alive: 5\n\
            Proxy-Connection: x\nProxy-Authorization: x\nUpgrade: h2c\nContent-Length: 3\n\n";
        assert_eq!(
            forwarded(head, |_| {}),
            "POST /base/x HTTP/1.1\nHost: up.example:8443\nContent-Length: 3\nVia: 1.1 …\nauthorization: Bearer ours\n\n"
        );
    }

    #[test]
    fn a_chunked_body_is_announced_by_us() {
        let head = "POST /a/x HTTP/1.1\nHost: p\ntransfer-encoding: CHUNKED\nVia: 1.0 b\n\n";
        assert_eq!(
            forwarded(head, |_| {}),
            "POST /base/x HTTP/1.1\nHost: up.example:8443\nVia: 1.0 b\nTransfer-Encoding: chunked\nVia: 1.1 …\nauthorization: Bearer ours\n\n"
        );
    }

    #[test]
    fn a_1_0_request_goes_on_as_1_1_and_says_so_in_via() {
        let head = "GET http://p/a/x HTTP/1.0\nExpect: 100-continue\n\n";
        assert_eq!(
            forwarded(head, |_| {}),
            "GET /base/x HTTP/1.1\nHost: up.example:8443\nVia: 1.0 …\nauthorization: Bearer ours\n\n"
        );
    }

    #[test]
    fn a_route_may_choose_the_codings_of_the_answer() {
        let head = "GET /a/x HTTP/1.1\nHost: p\nAccept-Encoding: br\naccept-encoding: gzip\n\n";
        assert_eq!(
            forwarded(head, |route| route.accept_encoding =
                Some("identity".into())),
            "GET /base/x HTTP/1.1\nHost: up.example:8443\nAccept-Encoding: identity\nVia: 1.1 …\nauthorization: Bearer ours\n\n"
        );
    }

    #[test]
    fn an_options_request_has_one_hop_less() {
        for (count, expected) in [("7", "Max-Forwards: 6"), ("x", "Max-Forwards: x")] {
            let head = format!("OPTIONS /a/x HTTP/1.1\nHost: p\nMax-Forwards: {count}\n\n");
            let text = forwarded(&head, |_| {});
            assert!(text.contains(&format!("\n{expected}\n")), "{text}");
        }
    }
}
