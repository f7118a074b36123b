//! What leaves is read again: `parse(encode(forward(x)))` frames as `x` does, and the
//! only credential in it is ours.

use std::sync::{Arc, LazyLock};

use engine::forward::{
    ForwardedRequest, ForwardedResponse, Pseudonym, References, RequestContext, ResponseContext,
};
use engine::limits::{FORWARDED_HEAD_OCTETS, Limits};
use engine::message::{
    HeadLimits, HeadScan, HeadStorage, Method, Persistence, RequestFraming, RequestHead,
    RequestTarget, ResponseFraming, ResponseHead, Version,
};
use engine::policy::{Credential, CredentialForm, DecodedPath, Denial, Secret, decide};
use engine::route::{Route, RouteTable, UpstreamUrl};

const UPSTREAM_AUTHORITY: &str = "api.example:8443";
const CREDENTIAL: &[u8] = b"Bearer ours";
pub(crate) const DATE: [u8; 29] = *b"Sun, 22 Nov 2026 12:00:00 GMT";

pub(crate) static PSEUDONYM: LazyLock<Pseudonym> = LazyLock::new(|| Pseudonym::new(0));

/// Of one route, which takes every path.
pub(crate) static ROUTES: LazyLock<RouteTable> = LazyLock::new(|| {
    let upstream = format!("https://{UPSTREAM_AUTHORITY}/base");
    table(vec![route("/", &upstream, "ours").expect("an upstream")])
});

/// A route with a bearer token. None: the upstream is none.
pub(crate) fn route(path: &str, upstream: &str, token: &str) -> Option<Route> {
    let upstream = UpstreamUrl::parse(upstream).ok()?;
    let form = CredentialForm::Scheme("Bearer".to_owned());
    let token = Secret::new(token.as_bytes().to_vec());
    let credential = Credential::render("authorization", &form, &token).ok()?;
    Some(Route::new(path.to_owned(), upstream, credential))
}

/// A table of routes with different paths.
pub(crate) fn table(routes: Vec<Route>) -> RouteTable {
    RouteTable::new(routes).unwrap_or_else(|duplicate| panic!("{duplicate}"))
}

/// A request that has left, read again.
pub(crate) struct Sent {
    pub(crate) route: Arc<Route>,
    pub(crate) head: RequestHead,
}

/// Why a request did not leave.
#[derive(Debug)]
pub(crate) enum Refused {
    Fault,
    /// No path, so no route.
    Form,
    Denied(Denial),
    /// Its `Connection` names too many fields.
    Limit,
}

/// Does to a request what an exchange does before the first octet leaves, in its order.
pub(crate) fn send(
    routes: &RouteTable,
    head: &RequestHead,
    upgrade: Option<&[u8]>,
) -> Result<Sent, Refused> {
    let (Ok(framing), Ok(target)) = (RequestFraming::of(head), RequestTarget::of(head)) else {
        return Err(Refused::Fault);
    };
    let path = match target {
        RequestTarget::Origin { path, .. } | RequestTarget::Absolute { path, .. } => path,
        RequestTarget::Authority | RequestTarget::Asterisk => return Err(Refused::Form),
    };
    let decoded = DecodedPath::of(path).map_err(|refused| Refused::Denied(refused.into()))?;
    let route = routes.find(path).ok_or(Refused::Denied(Denial::NoRoute))?;
    let permit = decide(route, head, &target, &decoded, PSEUDONYM.as_bytes());
    let permit = permit.map_err(Refused::Denied)?;
    let context = RequestContext {
        head,
        target: &target,
        framing,
        pseudonym: &PSEUDONYM,
        upgrade,
    };
    let Ok(sent) = ForwardedRequest::encode(&context, &permit, Vec::new()) else {
        return Err(Refused::Limit);
    };
    let octets = sent.into_octets();
    let limits = HeadLimits::request(&Limits::default());
    let sent = RequestHead::parse(only_head(octets, &limits));
    let sent = sent.unwrap_or_else(|fault| panic!("what is sent is no request: {fault}"));
    assert_eq!(RequestFraming::of(&sent), Ok(framing));
    assert_eq!(sent.version(), Version::Http11);
    assert_eq!(sent.method_octets(), head.method_octets());
    Ok(Sent {
        route: Arc::clone(permit.route()),
        head: sent,
    })
}

/// Forwards a request that has a framing, a path and leave to go.
pub(crate) fn request(head: &RequestHead) {
    let Ok(Sent { head: sent, .. }) = send(&ROUTES, head, None) else {
        return;
    };
    assert_eq!(sent.host(), Some(UPSTREAM_AUTHORITY.as_bytes()));
    let whole = head.target_octets();
    let after_scheme = whole.windows(2).position(|two| two == b"//");
    let authority = match after_scheme {
        Some(at) if !whole.starts_with(b"/") => at + 2,
        Some(_) | None => 0,
    };
    let path_and_query = &whole[authority..];
    let start = path_and_query
        .iter()
        .position(|octet| matches!(octet, b'/' | b'?'));
    let path_and_query = &path_and_query[start.unwrap_or(path_and_query.len())..];
    // An empty path is read as `/` (RFC 9110 §4.2.3).
    let slash: &[u8] = if path_and_query.starts_with(b"/") {
        b""
    } else {
        b"/"
    };
    assert_eq!(
        sent.target_octets(),
        [b"/base", slash, path_and_query].concat()
    );
    assert_eq!(values(&sent, "authorization"), [CREDENTIAL]);
    for brought in ["cookie", "x-api-key", "proxy-authorization", "connection"] {
        assert!(values(&sent, brought).is_empty(), "{brought}");
    }
}

/// The values of every line that has this name, in any case.
pub(crate) fn values<'a>(head: &'a RequestHead, name: &str) -> Vec<&'a [u8]> {
    let lines = head.fields().lines();
    let named = lines.filter(|line| line.name.eq_ignore_ascii_case(name.as_bytes()));
    named.map(|line| line.value).collect()
}

/// Forwards a response that has a framing, to clients of both versions.
pub(crate) fn response(method: Method, head: &ResponseHead) {
    let Ok(framing) = ResponseFraming::of(method, head) else {
        return;
    };
    // No client may CONNECT, so no answer to it is ever forwarded.
    if method == Method::Connect {
        return;
    }
    let references = References {
        table: &ROUTES,
        route: &ROUTES.routes()[0],
        authority: Some(b"127.0.0.1:9099"),
        suffix: b"a/b",
    };
    let limits = HeadLimits {
        // References may have made it longer.
        head_octets: FORWARDED_HEAD_OCTETS * 2,
        ..HeadLimits::response(&Limits::default())
    };
    let read = |octets: Vec<u8>| {
        let sent = ResponseHead::parse(only_head(octets, &limits));
        let sent = sent.unwrap_or_else(|fault| panic!("what is sent is no response: {fault}"));
        assert_eq!(sent.status(), head.status());
        assert_eq!(sent.reason(), head.reason());
        ResponseFraming::of(method, &sent)
    };
    if head.status().is_interim() && framing == ResponseFraming::NoBody {
        let mut octets = Vec::new();
        if ForwardedResponse::encode_interim(head, &references, &mut octets).is_ok() {
            assert_eq!(read(octets), Ok(ResponseFraming::NoBody));
        }
        return;
    }
    for version in [Version::Http10, Version::Http11] {
        let context = ResponseContext {
            head,
            framing,
            method,
            version,
            persistence: Persistence::Reuse,
            references: &references,
            date: &|| DATE,
        };
        let Ok(sent) = ForwardedResponse::encode(&context, Vec::new()) else {
            continue;
        };
        // Whoever speaks 1.0 reads to the end of the connection what others get in chunks.
        let expected = match (framing, version) {
            (ResponseFraming::Chunked | ResponseFraming::CloseDelimited, Version::Http11) => {
                ResponseFraming::Chunked
            }
            (ResponseFraming::Chunked, Version::Http10) => ResponseFraming::CloseDelimited,
            (same, Version::Http10 | Version::Http11) => same,
        };
        assert_eq!(read(sent.into_octets()), Ok(expected), "to {version:?}");
    }
}

/// What we sent is one head and nothing more.
pub(crate) fn only_head(octets: Vec<u8>, limits: &HeadLimits) -> HeadStorage {
    let end = HeadScan::default().scan(&octets, limits);
    assert_eq!(end, Ok(Some(octets.len())), "{}", octets.escape_ascii());
    HeadStorage {
        block: octets,
        ..HeadStorage::default()
    }
}
