//! What reached the upstreams: requests of the client, each at most once, without its
//! credentials, with the route's own.

use memchr::memmem;

use crate::naive::{self, Announced, CREDENTIALS, Field, HOP_BY_HOP};

use super::messages::{self, Head, Request, Requests, Response, Rest, is_last, text};
use super::pipe::End;
use super::routes::{self, Known, ROUTES};
use super::{Dialled, Transcript};

/// What the engine says of itself in every head; a worker between pipes has tail 0.
const VIA: &str = "via: 1.0 1.1 cred-proxy-0000000000000000";

/// A request at an upstream, and what it answered.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) upstream: &'a Dialled,
    /// Whether the connection had served before.
    reused: bool,
    /// Which write of all began it.
    number: u64,
    pub(crate) request: Request<'a>,
    pub(crate) response: Result<Response<'a>, Rest<'a>>,
    /// After a 101: the octets in both directions.
    pub(crate) tunnel: Option<Tunnel<'a>>,
}

/// What followed a 101.
#[derive(Debug)]
pub(crate) struct Tunnel<'a> {
    up: &'a [u8],
    pub(crate) down: &'a [u8],
}

impl Exchange<'_> {
    /// Method and final status.
    pub(crate) fn summary(&self) -> String {
        let method = text(self.request.head.method);
        let cut = if self.request.body.end.is_none() {
            "!"
        } else {
            ""
        };
        match &self.response {
            Ok(response) => format!("{method}{cut} {}", response.head.status),
            Err(_) => format!("{method}{cut}"),
        }
    }

    /// Whether it may be sent once more, elsewhere (RFC 9110 §9.2.2).
    fn may_be_repeated(&self) -> bool {
        let idempotent: [&[u8]; 5] = [b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"];
        self.reused
            && self.response.as_ref().err() == Some(&Rest::Empty)
            && idempotent.contains(&self.request.head.method)
            && self.request.body.data.is_empty()
    }
}

/// Every request at every upstream, in the order in which they were sent.
pub(crate) fn exchanges(upstreams: &[Dialled]) -> Vec<Exchange<'_>> {
    let mut all: Vec<Exchange<'_>> = upstreams.iter().flat_map(on_connection).collect();
    all.sort_by_key(|exchange| exchange.number);
    all
}

/// The exchanges of one connection, which must follow each other without a gap.
fn on_connection(upstream: &Dialled) -> Vec<Exchange<'_>> {
    let peer = &upstream.peer;
    let mut found = Vec::new();
    let (mut begin, mut said) = (0, 0);
    let goes_on = loop {
        let request = match messages::request(&peer.heard, begin, Head::OfEngine) {
            Ok(request) => request,
            Err(Rest::Empty) => break !found.is_empty() && said == peer.said.len(),
            Err(Rest::Begun) => break false,
            Err(rest @ Rest::Malformed(_)) => {
                panic!(
                    "at an upstream: {rest:?}: {}",
                    peer.heard[begin..].escape_ascii()
                )
            }
        };
        let write = peer.writes.iter().find(|write| write.begin == begin);
        let write = write.unwrap_or_else(|| panic!("a request shares a write with another"));
        assert_eq!(
            write.read, said,
            "left-over octets were taken for an answer"
        );
        assert!(!request.body.is_broken, "no body: {request:?}");
        assert!(begin == 0 || !write.unseen, "used again without a look");
        let method = request.head.method;
        let response = messages::response(&peer.said, said, method, peer.end == End::Closed);
        let mut exchange = Exchange {
            upstream,
            reused: begin > 0,
            number: write.number,
            request,
            response,
            tunnel: None,
        };
        let request_end = exchange.request.body.end;
        let response_end = exchange
            .response
            .as_ref()
            .ok()
            .and_then(|found| found.body.end);
        let (Some(request_end), Some(response_end)) = (request_end, response_end) else {
            found.push(exchange);
            break false;
        };
        let Ok(response) = &exchange.response else {
            unreachable!("it has an end");
        };
        // Who was not told to send a body may not be going to read it.
        let expects = !naive::values(&exchange.request.head.fields, "expect").is_empty();
        let unawaited = expects && !response.interims.iter().any(|one| one.status == 100);
        let last = is_last(&response.head.fields, response.head.version)
            || is_until_close(method, response)
            || unawaited;
        (begin, said) = (request_end, response_end);
        if response.head.status == 101 {
            exchange.tunnel = Some(Tunnel {
                up: &peer.heard[begin..],
                down: &peer.said[said..],
            });
            found.push(exchange);
            break false;
        }
        found.push(exchange);
        if last {
            assert_eq!(begin, peer.heard.len(), "a request after the last response");
            break false;
        }
    };
    assert!(
        goes_on || peer.was_dropped,
        "kept for the next: {}",
        peer.heard.escape_ascii()
    );
    found
}

/// Whether only the end of its connection ends a response.
pub(crate) fn is_until_close(method: &[u8], response: &Response<'_>) -> bool {
    let bodiless = method == b"HEAD" || matches!(response.head.status, 100..=199 | 204 | 304);
    response.body.announced == Announced::Nothing && !bodiless
}

/// Asserts that each is a request of the client's, in its order and at most once.
pub(crate) fn check(transcript: &Transcript, asked: &Requests<'_>, exchanges: &[Exchange<'_>]) {
    let close = |request: &Request<'_>| is_last(&request.head.fields, request.head.version);
    let last = asked.requests.iter().position(close);
    let asked = &asked.requests[..last.map_or(asked.requests.len(), |last| last + 1)];
    let mut next = 0;
    let mut previous: Option<&Exchange<'_>> = None;
    for exchange in exchanges {
        let again = previous.is_some_and(|previous| {
            previous.may_be_repeated() && same(&asked[next - 1], exchange).is_ok()
        });
        if !again {
            let rest = asked.get(next..).unwrap_or_default();
            let found = rest.iter().position(|asked| same(asked, exchange).is_ok());
            let Some(found) = found else {
                let reasons: Vec<_> = rest.iter().map(|asked| same(asked, exchange)).collect();
                let heard = exchange.upstream.peer.heard.escape_ascii();
                panic!("nobody asked for one of {heard}: {reasons:?}");
            };
            next += found + 1;
        }
        let answered = &asked[next - 1];
        if let (Some(tunnel), Some(end)) = (&exchange.tunnel, answered.body.end) {
            let said = &transcript.client.said[end..];
            assert!(
                said.starts_with(tunnel.up),
                "the tunnel says what nobody said"
            );
        }
        previous = Some(exchange);
    }
    // What the client says in a tunnel is nobody's request.
    let is_tunnel = exchanges.iter().any(|exchange| exchange.tunnel.is_some());
    let asked = &asked[..if is_tunnel { next } else { asked.len() }];
    for upstream in &transcript.upstreams {
        brought_credentials_are_not_in(&upstream.peer.heard, &transcript.client.said, asked);
    }
    connections_keep_to_their_credential(exchanges);
}

/// A connection that has carried one credential never carries another.
fn connections_keep_to_their_credential(exchanges: &[Exchange<'_>]) {
    for one in exchanges {
        for other in exchanges {
            if std::ptr::eq(one.upstream, other.upstream) {
                assert_eq!(credentials(&one.request), credentials(&other.request));
            }
        }
    }
}

fn credentials<'a>(request: &Request<'a>) -> Vec<Field<'a>> {
    let is_credential = |(name, _): &&Field<'_>| {
        let is_field = |route: &Known| name.eq_ignore_ascii_case(route.field.as_bytes());
        ROUTES.iter().any(is_field)
    };
    let fields = request.head.fields.iter();
    fields.filter(is_credential).copied().collect()
}

/// What stood in a credential field and nowhere else is nowhere at the upstream.
fn brought_credentials_are_not_in(heard: &[u8], said: &[u8], asked: &[Request<'_>]) {
    let (heard, said) = (heard.to_ascii_lowercase(), said.to_ascii_lowercase());
    for (name, value) in asked.iter().flat_map(|request| &request.head.fields) {
        if value.len() < 8 || !CREDENTIALS.contains(&marks_as_minus(name).as_str()) {
            continue;
        }
        let value = value.to_ascii_lowercase();
        if memmem::find(&heard, &value).is_some() {
            let elsewhere = memmem::find_iter(&said, &value).count() > 1;
            // It may be what the engine says in every head.
            let ours = format!("{ROUTES:?} content-length transfer-encoding: chunked {VIA}")
                .to_ascii_lowercase()
                .contains(&text(&value));
            assert!(elsewhere || ours, "{} has left", text(&value));
        }
    }
}

/// Whether `exchange` is what may become of `asked`, and along which route.
pub(crate) fn same(asked: &Request<'_>, exchange: &Exchange<'_>) -> Result<(), String> {
    let sent = &exchange.request;
    let (path, query) = path_and_query(asked.head.target);
    let route = routes::of(path).ok_or("no route")?;
    let suffix = &path[route.path.len()..];
    let target = [route.base_path.as_bytes(), b"/", suffix, query].concat();
    equal("method", asked.head.method, sent.head.method)?;
    equal("target", &target, sent.head.target)?;
    equal("version", b"1.1", sent.head.version)?;
    equal(
        "authority",
        route.authority.as_bytes(),
        exchange.upstream.authority.as_bytes(),
    )?;
    may_leave(route, sent)?;
    if sent.body.announced != asked.body.announced {
        return Err(format!("framed as {:?}", sent.body.announced));
    }
    if !asked.body.data.starts_with(&sent.body.data) {
        return Err("another body".to_owned());
    }
    let whole = asked.body.end.is_some() && asked.body.data == sent.body.data;
    if sent.body.end.is_some() && !whole {
        return Err("the end of a body that has none".to_owned());
    }
    same_fields(route, asked, sent)
}

/// Policy, in its simplest reading.
fn may_leave(route: &Known, sent: &Request<'_>) -> Result<(), String> {
    let (path, query) = path_and_query(sent.head.target);
    let refused = [b"TRACE".as_slice(), b"CONNECT"].contains(&sent.head.method)
        || path.ends_with(b"/git-receive-pack")
        || path
            .split(|octet| *octet == b'/')
            .any(|name| [b".".as_slice(), b".."].contains(&name));
    let guarded = route.upgrade.is_some()
        && (sent.head.method == b"DELETE" && path.starts_with(b"/x/")
            || query.starts_with(b"?secret=")
            || text(query).contains("&secret="));
    match refused || guarded {
        true => Err("refused".to_owned()),
        false => Ok(()),
    }
}

/// Ours as they must be; the client's others in their order and as they were.
fn same_fields(route: &Known, asked: &Request<'_>, sent: &Request<'_>) -> Result<(), String> {
    let only = |name: &str, value: &str| {
        let values = naive::values(&sent.head.fields, name);
        match values[..] == [value.as_bytes()] {
            true => Ok(()),
            false => Err(format!("{name}: {:?}", values.into_iter().map(text))),
        }
    };
    only("host", route.authority)?;
    only(route.field, route.value)?;
    if let Some(coding) = route.accept_encoding {
        only("accept-encoding", coding)?;
    }
    if !naive::values(&sent.head.fields, "upgrade").is_empty() {
        let asked_for = naive::values(&asked.head.fields, "upgrade");
        let asked_for = asked_for.iter().any(|value| {
            let value = text(value).to_ascii_lowercase();
            value.contains(route.upgrade.unwrap_or("\0"))
        });
        let bare = asked.head.version == b"1.1" && asked.body.data.is_empty();
        if !asked_for || !bare {
            return Err("an upgrade that nobody asked for".to_owned());
        }
        only("connection", "upgrade")?;
        only("upgrade", route.upgrade.unwrap_or_default())?;
    } else if !naive::values(&sent.head.fields, "connection").is_empty() {
        return Err("a Connection without an upgrade".to_owned());
    }
    let via = naive::values(&sent.head.fields, "via");
    let via = text(via.last().copied().unwrap_or_default());
    if !via.starts_with(&format!("{} cred-proxy-", text(asked.head.version))) {
        return Err(format!("via: {via}"));
    }
    let (expected, found) = (kept(route, asked), others(route, sent));
    match expected == found {
        true => Ok(()),
        false => Err(format!("fields {found:?} for {expected:?}")),
    }
}

/// The client's fields that go on.
fn kept(route: &Known, asked: &Request<'_>) -> Vec<(String, String)> {
    let options = messages::options(&asked.head.fields);
    let goes_on = |(name, _): &&Field<'_>| {
        let lower = text(name).to_ascii_lowercase();
        let read = marks_as_minus(name);
        !(naive::is_ours(&read)
            || read == route.field
            || HOP_BY_HOP.contains(&lower.as_str())
            || options.contains(&lower) && lower != "close"
            || lower == "accept-encoding" && route.accept_encoding.is_some()
            || lower == "expect" && asked.head.version == b"1.0")
    };
    let fields = asked.head.fields.iter().filter(goes_on);
    fields.map(|field| told(asked.head.method, field)).collect()
}

/// The fields of a sent request that are not the engine's own.
fn others(route: &Known, sent: &Request<'_>) -> Vec<(String, String)> {
    let is_via = |(name, _): &Field<'_>| name.eq_ignore_ascii_case(b"via");
    let our_via = sent.head.fields.iter().rposition(is_via);
    let fields = sent.head.fields.iter().enumerate();
    let fields = fields.filter(|(index, (name, _))| {
        let lower = text(name).to_ascii_lowercase();
        let ours = [
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "upgrade",
        ];
        !(ours.contains(&lower.as_str())
            || lower == route.field
            || lower == "accept-encoding" && route.accept_encoding.is_some()
            || Some(*index) == our_via)
    });
    fields
        .map(|(_, field)| told(sent.head.method, field))
        .collect()
}

/// Name and value; the count of hops that an `OPTIONS` has left is one less.
fn told(method: &[u8], (name, value): &Field<'_>) -> (String, String) {
    match method == b"OPTIONS" && name.eq_ignore_ascii_case(b"max-forwards") {
        true => ("max-forwards".to_owned(), String::new()),
        false => (text(name), text(value)),
    }
}

/// Of an origin-form or an absolute-form target; the query with its question mark.
pub(crate) fn path_and_query(target: &[u8]) -> (&[u8], &[u8]) {
    let path = match target.windows(3).position(|three| three == b"://") {
        Some(colon) if !target.starts_with(b"/") => {
            let rest = &target[colon + 3..];
            let end = rest.iter().position(|octet| b"/?".contains(octet));
            &rest[end.unwrap_or(rest.len())..]
        }
        Some(_) | None => target,
    };
    let end = path.iter().position(|octet| *octet == b'?');
    path.split_at(end.unwrap_or(path.len()))
}

/// In lower case, with every mark read as `-`.
fn marks_as_minus(name: &[u8]) -> String {
    let read = |octet: &u8| match octet.is_ascii_alphanumeric() {
        true => char::from(octet.to_ascii_lowercase()),
        false => '-',
    };
    name.iter().map(read).collect()
}

pub(crate) fn equal(what: &str, expected: &[u8], found: &[u8]) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{what} {} for {}", text(found), text(expected))),
    }
}
