//! What stays on its hop: `Connection` and what it names, and what only the proxy says.
//!
//! The input is field lines, of a request and of a response. What is forwarded of them is
//! written down by the contract's §4 and §6, and compared line for line.

use crate::delivery::HEAD_LIMITS;
use crate::forwarded::{self, DATE, PSEUDONYM, ROUTES, Refused};
use crate::input;
use crate::naive::{self, Announced, Field, HOP_BY_HOP};
use engine::forward::{ForwardedResponse, References, ResponseContext};
use engine::limits::{self, Limits};
use engine::message::{HeadLimits, Method, Persistence, ResponseFraming, ResponseHead, Version};
use engine::policy::Denial;

type Lines = Vec<(String, Vec<u8>)>;

/// Asserts that a request and a response with these field lines are forwarded with
/// exactly the lines that a naive intermediary lets through, and ours.
pub fn run(input: &[u8]) {
    for start_lines in [
        "GET /a HTTP/1.1\nHost: a",
        "OPTIONS /a HTTP/1.1\nHost: a",
        "POST /a HTTP/1.0",
    ] {
        request(start_lines, None, input);
        request(start_lines, Some(b"websocket"), input);
    }
    for start_line in ["HTTP/1.1 200 x", "HTTP/1.0 304 x", "HTTP/1.1 103 x"] {
        response(start_line, input);
    }
}

fn request(start_lines: &str, upgrade: Option<&[u8]>, input: &[u8]) {
    let octets = input::head(start_lines, input);
    let (Some(head), Some(naive)) = (
        input::request(&octets),
        naive::request(&octets, &HEAD_LIMITS),
    ) else {
        return;
    };
    let announced = naive::announced(&naive.fields, naive.version, false);
    let named = names_too_many(&naive.fields);
    let sent = match forwarded::send(&ROUTES, &head, upgrade) {
        Ok(sent) => sent,
        Err(Refused::Fault) => return assert!(announced.is_none()),
        Err(Refused::Limit) => return assert!(named),
        Err(Refused::Form) => panic!("it has a path"),
        Err(Refused::Denied(denial)) => return denied_by_a_field(&denial, &naive.fields),
    };
    assert!(!named, "more than may be named");

    let mut expected: Lines = vec![line("host", b"api.example:8443")];
    for (name, value) in &naive.fields {
        let is_1_0_expectation = naive.version == b"1.0" && name.eq_ignore_ascii_case(b"expect");
        if is_ours(name) || stays(name, &naive.fields) || is_1_0_expectation {
            continue;
        }
        let hops = naive.method == b"OPTIONS" && name.eq_ignore_ascii_case(b"max-forwards");
        let value = match one_less(value) {
            Some(count) if hops => count,
            Some(_) | None => value.to_vec(),
        };
        expected.push((lower(name), value));
    }
    match announced.expect("it has left") {
        Announced::Nothing => {}
        Announced::Length(length) => {
            expected.push(line("content-length", length.to_string().as_bytes()));
        }
        Announced::Chunked => expected.push(line("transfer-encoding", b"chunked")),
    }
    if let Some(protocol) = upgrade {
        expected.extend([line("connection", b"upgrade"), line("upgrade", protocol)]);
    }
    let via = [naive.version, b" ", PSEUDONYM.as_bytes()].concat();
    expected.extend([line("via", &via), line("authorization", b"Bearer ours")]);
    let found: Lines = sent
        .head
        .fields()
        .lines()
        .map(|l| (lower(l.name), l.value.to_vec()))
        .collect();
    assert_eq!(found, expected);
}

/// The policy's, and not this target's, but there must be a field for it.
fn denied_by_a_field(denial: &Denial, fields: &[Field<'_>]) {
    let has = |part: &str| fields.iter().any(|(name, _)| spelt(name).contains(part));
    let expected = match denial {
        Denial::PathField => has("original") || has("rewrite"),
        Denial::Method { .. } | Denial::Overrides => has("method"),
        Denial::Loop => has("via"),
        Denial::Expectation => has("expect"),
        Denial::Path(_)
        | Denial::NoRoute
        | Denial::Host
        | Denial::Connect
        | Denial::Trace { .. }
        | Denial::Push { .. }
        | Denial::Rule { .. }
        | Denial::Query { .. }
        | Denial::CredentialUnset { .. } => false,
    };
    assert!(expected, "{denial}: {fields:?}");
}

fn response(start_line: &str, input: &[u8]) {
    let octets = input::head(start_line, input);
    let limits = HeadLimits {
        leading_empty_line: false,
        ..HEAD_LIMITS
    };
    let (Some(head), Some(naive)) = (input::response(&octets), naive::response(&octets, &limits))
    else {
        return;
    };
    let Some(announced) = naive::announced(&naive.fields, naive.version, true) else {
        return;
    };
    for (version, persistence) in [
        (Version::Http10, Persistence::Reuse),
        (Version::Http11, Persistence::Reuse),
    ] {
        let Some(found) = sent_response(&head, version, persistence) else {
            assert!(names_too_many(&naive.fields));
            continue;
        };
        assert!(!names_too_many(&naive.fields), "more than may be named");
        let mut expected: Lines = Vec::new();
        for (name, value) in &naive.fields {
            let is_dropped = ["alt-svc", "content-length"].contains(&lower(name).as_str());
            if !is_dropped && !stays(name, &naive.fields) {
                expected.push((lower(name), value.to_vec()));
            }
        }
        // An interim response is about no body, and the final one has the date.
        if naive.status != 103 {
            if expected.iter().all(|(name, _)| name != "date") {
                expected.push(line("date", &DATE));
            }
            expected.extend(framing_of_response(naive.status, announced, version));
        }
        assert_eq!(without_references(found), without_references(expected));
    }
}

fn framing_of_response(status: u16, announced: Announced, version: Version) -> Lines {
    let close = || line("connection", b"close");
    let length = |length: u64| line("content-length", length.to_string().as_bytes());
    let mut lines = match (status, announced, version) {
        // RFC 9110 §8.6: the length of what a GET would get.
        (304, Announced::Length(octets), _) | (_, Announced::Length(octets), _) => {
            vec![length(octets)]
        }
        (304, Announced::Nothing | Announced::Chunked, _) => vec![],
        (_, Announced::Nothing | Announced::Chunked, Version::Http11) => {
            vec![line("transfer-encoding", b"chunked")]
        }
        (_, Announced::Nothing | Announced::Chunked, Version::Http10) => return vec![close()],
    };
    if version == Version::Http10 {
        lines.push(line("connection", b"keep-alive"));
    }
    lines
}

/// None: its `Connection` names too many.
fn sent_response(head: &ResponseHead, version: Version, persistence: Persistence) -> Option<Lines> {
    let references = References {
        table: &ROUTES,
        route: &ROUTES.routes()[0],
        authority: Some(b"127.0.0.1:9099"),
        suffix: b"a",
    };
    let octets = if head.status().is_interim() {
        let mut octets = Vec::new();
        ForwardedResponse::encode_interim(head, &references, &mut octets).ok()?;
        octets
    } else {
        let context = ResponseContext {
            head,
            framing: ResponseFraming::of(Method::Get, head).expect("a naive reader frames it"),
            method: Method::Get,
            version,
            persistence,
            references: &references,
            date: &|| DATE,
        };
        ForwardedResponse::encode(&context, Vec::new())
            .ok()?
            .into_octets()
    };
    let limits = HeadLimits::response(&Limits::default());
    let sent = ResponseHead::parse(forwarded::only_head(octets, &limits));
    let sent = sent.unwrap_or_else(|fault| panic!("what is sent is no response: {fault}"));
    let lines = sent.fields().lines();
    Some(lines.map(|l| (lower(l.name), l.value.to_vec())).collect())
}

/// Their values are rewritten, which is the target `rewrite`'s.
fn without_references(mut lines: Lines) -> Lines {
    for (name, value) in &mut lines {
        if ["location", "content-location", "link"].contains(&name.as_str()) {
            value.clear();
        }
    }
    lines
}

/// More fields than [`limits::CONNECTION_OPTIONS`], those that stay anyway not counted.
fn names_too_many(fields: &[Field<'_>]) -> bool {
    let options = naive::list(&naive::values(fields, "connection"));
    let counted = options.iter().filter(|option| {
        let option = lower(option);
        option != "close" && !HOP_BY_HOP.contains(&option.as_str())
    });
    counted.count() > limits::CONNECTION_OPTIONS
}

/// RFC 9110 §7.6.1; `close` is an option and no field.
fn stays(name: &[u8], fields: &[Field<'_>]) -> bool {
    let options = naive::list(&naive::values(fields, "connection"));
    let is_named = options
        .iter()
        .any(|option| option.eq_ignore_ascii_case(name) && !option.eq_ignore_ascii_case(b"close"));
    is_named || HOP_BY_HOP.contains(&lower(name).as_str())
}

fn is_ours(name: &[u8]) -> bool {
    naive::is_ours(&spelt(name))
}

/// As a CGI spells it: lower case, every mark the same.
fn spelt(name: &[u8]) -> String {
    let spell = |character: char| match character.is_ascii_alphanumeric() {
        true => character,
        false => '-',
    };
    lower(name).chars().map(spell).collect()
}

/// RFC 9110 §7.6.2
fn one_less(value: &[u8]) -> Option<Vec<u8>> {
    let is_number = value.iter().all(u8::is_ascii_digit);
    let count: u64 = str::from_utf8(value)
        .ok()
        .filter(|_| is_number)?
        .parse()
        .ok()?;
    Some(count.checked_sub(1)?.to_string().into_bytes())
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

fn line(name: &str, value: &[u8]) -> (String, Vec<u8>) {
    (name.to_owned(), value.to_vec())
}

#[cfg(test)]
mod tests {
    use crate::seeds;

    #[test]
    fn seeds_are_forwarded_as_a_naive_intermediary_does() {
        seeds::run_all("connection_options", super::run);
    }
}
