//! What leaves is read again: `parse(encode(forward(x)))` frames as `x` does, and the
//! only credential in it is ours.

use std::sync::LazyLock;

use engine::forward::{
    ForwardedRequest, ForwardedResponse, Pseudonym, References, RequestContext, ResponseContext,
};
use engine::limits::{FORWARDED_HEAD_OCTETS, Limits};
use engine::message::{
    HeadLimits, HeadScan, HeadStorage, Method, Persistence, RequestFraming, RequestHead,
    RequestTarget, ResponseFraming, ResponseHead, Version,
};
use engine::policy::{Credential, CredentialForm, DecodedPath, Secret, decide};
use engine::route::{Route, RouteTable, UpstreamUrl};

const UPSTREAM_AUTHORITY: &str = "api.example:8443";
const CREDENTIAL: &[u8] = b"Bearer ours";
const DATE: &[u8; 29] = b"Sun, 22 Nov 2026 12:00:00 GMT";

static PSEUDONYM: LazyLock<Pseudonym> = LazyLock::new(|| Pseudonym::new(0));

/// Of one route, which takes every path.
static ROUTES: LazyLock<RouteTable> = LazyLock::new(|| {
    let upstream = UpstreamUrl::parse(&format!("https://{UPSTREAM_AUTHORITY}/base"));
    let form = CredentialForm::Scheme("Bearer".to_owned());
    let credential = Credential::render("authorization", &form, &Secret::new(b"ours".to_vec()));
    let (Ok(upstream), Ok(credential)) = (upstream, credential) else {
        panic!("the fixture is a valid route");
    };
    let route = Route::new("/".to_owned(), upstream, credential);
    let table = RouteTable::new(vec![route]);
    table.unwrap_or_else(|duplicate| panic!("{duplicate}"))
});

/// Forwards a request that has a framing, a path and leave to go.
pub(crate) fn request(head: &RequestHead) {
    let (Ok(framing), Ok(target)) = (RequestFraming::of(head), RequestTarget::of(head)) else {
        return;
    };
    let (path, query) = match target {
        RequestTarget::Origin { path, query } | RequestTarget::Absolute { path, query, .. } => {
            (path, query)
        }
        RequestTarget::Authority | RequestTarget::Asterisk => return,
    };
    let Ok(decoded) = DecodedPath::of(path) else {
        return;
    };
    let Some(route) = ROUTES.find(path) else {
        panic!("a path begins with `/`");
    };
    let Ok(permit) = decide(route, head, &target, &decoded, PSEUDONYM.as_bytes()) else {
        return;
    };
    let context = RequestContext {
        head,
        target: &target,
        framing,
        pseudonym: &PSEUDONYM,
        upgrade: None,
    };
    // A Connection that names too many fields is refused.
    let Ok(sent) = ForwardedRequest::encode(&context, &permit, Vec::new()) else {
        return;
    };
    let octets = sent.into_octets();
    let limits = HeadLimits::request(&Limits::default());
    let sent = RequestHead::parse(only_head(octets, &limits));
    let sent = sent.unwrap_or_else(|fault| panic!("what is sent is no request: {fault}"));

    assert_eq!(RequestFraming::of(&sent), Ok(framing));
    assert_eq!(sent.version(), Version::Http11);
    assert_eq!(sent.method_octets(), head.method_octets());
    assert_eq!(sent.host(), Some(UPSTREAM_AUTHORITY.as_bytes()));
    let query = query
        .map(|query| [b"?", query].concat())
        .unwrap_or_default();
    let expected_target = [b"/base", path, &query].concat();
    assert_eq!(sent.target_octets(), expected_target);
    let credentials: Vec<_> = sent.fields().all("authorization").collect();
    assert_eq!(credentials, [CREDENTIAL]);
    for brought in ["cookie", "x-api-key", "proxy-authorization", "connection"] {
        assert_eq!(sent.fields().all(brought).count(), 0, "{brought}");
    }
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
            date: &|| *DATE,
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
fn only_head(octets: Vec<u8>, limits: &HeadLimits) -> HeadStorage {
    let end = HeadScan::default().scan(&octets, limits);
    assert_eq!(end, Ok(Some(octets.len())), "{}", octets.escape_ascii());
    HeadStorage {
        block: octets,
        ..HeadStorage::default()
    }
}
