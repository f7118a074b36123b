//! What the client got: answers to its requests, in their order, each the upstream's or one
//! of the engine's own, and none that seems whole but is not.

use crate::naive::{self, Announced, Field};

use super::Transcript;
use super::leaving::{Exchange, equal, is_until_close, same};
use super::messages::{self, Request, Requests, Response, Rest, is_last, text};
use super::pipe::{End, Peer};
use super::routes::ROUTES;
use crate::naive::HOP_BY_HOP;

/// Asserts it of everything that the client got, and gives the statuses.
pub(crate) fn check(
    transcript: &Transcript,
    asked: &Requests<'_>,
    exchanges: &[Exchange<'_>],
) -> Vec<String> {
    let client = &transcript.client;
    tokens_are_not_told(transcript);
    let mut received = Vec::new();
    let mut left = exchanges;
    let mut begin = 0;
    while begin < client.heard.len() {
        let request = asked.requests.get(received.len());
        let method = match (request, &asked.rest) {
            (Some(request), _) => request.head.method,
            (None, Rest::Malformed(Some(method))) => method,
            (None, Rest::Malformed(None) | Rest::Begun) => b"GET",
            (None, Rest::Empty) => panic!("an answer to nothing: {}", rest(client, begin)),
        };
        let response = messages::response(&client.heard, begin, method, !client.was_reset);
        let response = match response {
            Ok(response) => response,
            Err(Rest::Empty | Rest::Begun) => {
                assert!(!is_well(client), "half a head: {}", rest(client, begin));
                break;
            }
            Err(Rest::Malformed(_)) => panic!("no response: {}", rest(client, begin)),
        };
        let mut tunnel = None;
        match request {
            None => {
                let refuses = response.head.status >= 400 && ends(&response);
                assert!(
                    is_own(&response) && refuses,
                    "answers what is none: {response:?}"
                );
            }
            Some(request) => {
                well_framed(request, &response);
                if !is_own(&response) && !is_of_proxy(request, &response) {
                    let found = answered_by(request, &response, left, is_well(client));
                    tunnel = left[found].tunnel.as_ref();
                    left = &left[found + 1..];
                }
            }
        }
        let cut = if response.body.end.is_none() { "!" } else { "" };
        received.push(format!("{}{cut}", response.head.status));
        begin = response.body.end.unwrap_or(client.heard.len());
        if response.head.status == 101 {
            let down = tunnel.map(|tunnel| tunnel.down).unwrap_or_default();
            assert!(
                down.starts_with(&client.heard[begin..]),
                "the tunnel says what nobody said"
            );
            break;
        }
        let over = begin == client.heard.len();
        assert!(
            over || !ends(&response),
            "after the last: {}",
            rest(client, begin)
        );
    }
    received
}

/// A client that took everything at once and is still there.
fn is_well(client: &Peer) -> bool {
    client.end == End::Open && !client.was_slow
}

fn rest(client: &Peer, begin: usize) -> String {
    client.heard[begin..].escape_ascii().to_string()
}

fn ends(response: &Response<'_>) -> bool {
    is_last(&response.head.fields, response.head.version)
}

/// The engine's own answers name it (RFC 9209).
fn is_own(response: &Response<'_>) -> bool {
    let statuses = naive::values(&response.head.fields, "proxy-status");
    statuses
        .iter()
        .any(|status| status.starts_with(b"cred-proxy;"))
}

/// The answer to an `OPTIONS` that is meant for the proxy.
fn is_of_proxy(request: &Request<'_>, response: &Response<'_>) -> bool {
    let counts = naive::values(&request.head.fields, "max-forwards");
    let no_hop_left = |count: &&[u8]| count.iter().all(|digit| *digit == b'0');
    request.head.method == b"OPTIONS"
        && response.head.status == 204
        && (request.head.target == b"*" || counts.iter().any(no_hop_left))
}

/// Framed so that this client knows its end, and told if the connection ends with it.
fn well_framed(request: &Request<'_>, response: &Response<'_>) {
    let old = request.head.version == b"1.0";
    assert!(
        !old || response.interims.is_empty(),
        "an interim response to 1.0"
    );
    assert!(
        !old || response.body.announced != Announced::Chunked,
        "chunks to 1.0"
    );
    if is_until_close(request.head.method, response) {
        assert!(old && ends(response), "only the close ends {response:?}");
    }
    let last = is_last(&request.head.fields, request.head.version);
    assert!(
        !last || ends(response) || response.head.status == 101,
        "goes on: {response:?}"
    );
    assert!(
        response.body.is_plain && !response.body.is_broken,
        "extensions or trailers: {response:?}"
    );
}

/// Which of the exchanges that are left this response comes from.
fn answered_by(
    request: &Request<'_>,
    response: &Response<'_>,
    left: &[Exchange<'_>],
    well: bool,
) -> usize {
    let comes_from = |exchange: &Exchange<'_>| {
        same(request, exchange)?;
        same_response(request, response, exchange, well)
    };
    let found = left
        .iter()
        .position(|exchange| comes_from(exchange).is_ok());
    found.unwrap_or_else(|| {
        let reasons: Vec<_> = left.iter().map(comes_from).collect();
        let (status, fields) = (response.head.status, kept(&response.head.fields, true));
        panic!("no upstream said {status} {fields:?}: {reasons:?}")
    })
}

fn same_response(
    request: &Request<'_>,
    got: &Response<'_>,
    exchange: &Exchange<'_>,
    well: bool,
) -> Result<(), String> {
    let Ok(said) = &exchange.response else {
        return Err("it said nothing".to_owned());
    };
    if got.head.status != said.head.status {
        return Err(format!("status {}", said.head.status));
    }
    equal("reason", said.head.reason, got.head.reason)?;
    if got.head.status == 101 {
        let asked = naive::values(&exchange.request.head.fields, "upgrade");
        let chosen = naive::values(&said.head.fields, "upgrade");
        let same = |(asked, chosen): (&&[u8], &&[u8])| asked.eq_ignore_ascii_case(chosen);
        if asked.len() != 1 || chosen.len() != 1 || !asked.iter().zip(&chosen).all(same) {
            return Err(format!("a switch that nobody asked for: {asked:?}"));
        }
    }
    same_fields(request, got, said)?;
    let statuses = |response: &Response<'_>| {
        let interims = response.interims.iter();
        interims.map(|interim| interim.status).collect::<Vec<_>>()
    };
    if request.head.version == b"1.1" && statuses(got) != statuses(said) {
        return Err(format!("interim responses {:?}", statuses(said)));
    }
    if !said.body.data.starts_with(&got.body.data) {
        return Err("another body".to_owned());
    }
    let (whole, whole_said) = (got.body.end.is_some(), said.body.end.is_some());
    if whole && !(whole_said && got.body.data == said.body.data) {
        return Err("it is cut short, and nobody could tell".to_owned());
    }
    let must_be_whole = well && whole_said && said.body.is_plain && request.body.end.is_some();
    if must_be_whole && !whole {
        return Err("it is whole".to_owned());
    }
    Ok(())
}

/// The upstream's in their order and as they were, but references, which may be rewritten.
fn same_fields(
    request: &Request<'_>,
    got: &Response<'_>,
    said: &Response<'_>,
) -> Result<(), String> {
    let expected = kept(&said.head.fields, true);
    let dated = expected
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("date"));
    let found = kept(&got.head.fields, dated);
    if found != expected {
        return Err(format!("fields {expected:?}"));
    }
    // RFC 9110 §8.6: to these it tells of a body that does not follow.
    if request.head.method == b"HEAD" || got.head.status == 304 {
        let length = |response: &Response<'_>| {
            let lengths = naive::values(&response.head.fields, "content-length");
            lengths.first().map(|length| text(length))
        };
        if length(got) != length(said) {
            return Err(format!("length {:?}", length(said)));
        }
    }
    Ok(())
}

fn kept(fields: &[Field<'_>], with_date: bool) -> Vec<(String, String)> {
    let options = messages::options(fields);
    let mut kept = Vec::new();
    for (name, value) in fields {
        let lower = text(name).to_ascii_lowercase();
        let stays = HOP_BY_HOP.contains(&lower.as_str())
            || ["alt-svc", "content-length"].contains(&lower.as_str())
            || options.contains(&lower) && lower != "close"
            || lower == "date" && !with_date;
        let reference = ["location", "content-location", "link"].contains(&lower.as_str());
        if !stays {
            let value = if reference {
                String::new()
            } else {
                text(value)
            };
            kept.push((text(name), value));
        }
    }
    kept
}

/// No token on the client's side or in the log, unless a peer has said it.
fn tokens_are_not_told(transcript: &Transcript) {
    let upstreams = transcript.upstreams.iter().map(|upstream| &upstream.peer);
    let peers = upstreams.chain([&transcript.client]);
    for route in &ROUTES {
        let encoded = route.value.rsplit(' ').next().unwrap_or_default();
        for token in [route.token, encoded] {
            let told = contains(&transcript.client.heard, token.as_bytes());
            let logged = transcript.log.iter().any(|line| line.contains(token));
            if told || logged {
                let said = peers
                    .clone()
                    .any(|peer| contains(&peer.said, token.as_bytes()));
                assert!(said, "{token} is told");
            }
        }
    }
}

fn contains(octets: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(octets, part).is_some()
}
