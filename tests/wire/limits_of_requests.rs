//! Section 8, the limits on requests: at the bound, and one past it.

use crate::support::{OK, assert_own_answer, get, pair, prove_nothing_left, refused_with, request};
use harness::tcp_state::wait_until_read;
use harness::{Builder, Peer, Proxy, Upstream, flag};

const KIB: usize = 1024;

/// A request that must be forwarded, whole or with its last octet on its own.
fn is_forwarded(proxy: &Proxy, upstream: &Upstream, octets: &str) {
    for cut in [0, octets.len() - 1] {
        let (one, other) = octets.split_at(cut);
        let mut client = proxy.client();
        client.send(one);
        wait_until_read(client.socket());
        client.send(other);
        let mut service = upstream.accept();
        service.answer(OK);
        assert_eq!(client.read_response("GET").status(), 200);
    }
}

/// A request head of exactly `length` octets.
fn head_of(length: usize) -> String {
    let rest = get("/api/x").len() + "X: \r\n".len();
    let head = request(
        "GET",
        "/api/x",
        &format!("X: {}\r\n", "y".repeat(length - rest)),
    );
    assert_eq!(head.len(), length);
    head
}

/// A request with a request line of exactly `length` octets, its CRLF not counted.
fn line_of(length: usize) -> String {
    let rest = "GET /api/ HTTP/1.1".len();
    get(&format!("/api/{}", "x".repeat(length - rest)))
}

/// A request of `count` field lines, Host included.
fn lines_of(count: usize) -> String {
    request("GET", "/api/x", &"X: y\r\n".repeat(count - 1))
}

fn refused(proxy: &Proxy, upstream: &Upstream, octets: &str, status: u16) {
    if octets.len() < 2000 {
        refused_with(proxy, upstream, octets, &[status], true);
        return;
    }
    let mut client = proxy.client();
    // The end may come before the last octet.
    let _ = client.push(octets.as_bytes());
    let answer = client.read_response("GET");
    crate::support::assert_refusal(&answer, status);
    assert!(answer.closes(), "{:?}", answer.head);
    client.wait_for_close();
    upstream.assert_untouched();
}

#[test]
fn a_request_head_has_64_kib() {
    let (upstream, proxy) = pair();
    is_forwarded(&proxy, &upstream, &head_of(64 * KIB));
    refused(&proxy, &upstream, &head_of(64 * KIB + 1), 431);
    refused(&proxy, &upstream, &head_of(200 * KIB), 431);
}

#[test]
fn a_request_line_has_16_kib() {
    let (upstream, proxy) = pair();
    is_forwarded(&proxy, &upstream, &line_of(16 * KIB));
    refused(&proxy, &upstream, &line_of(16 * KIB + 1), 414);
    refused(&proxy, &upstream, &line_of(60 * KIB), 414);
}

#[test]
fn a_request_line_without_an_end_is_refused_before_it_ends() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let _ = client.push(format!("GET /api/{}", "x".repeat(70 * KIB)).as_bytes());
    let answer = client.read_response("GET");
    assert!(matches!(answer.status(), 414 | 431), "{:?}", answer.head);
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn a_request_has_128_field_lines() {
    let (upstream, proxy) = pair();
    is_forwarded(&proxy, &upstream, &lines_of(128));
    refused(&proxy, &upstream, &lines_of(129), 431);
    refused(&proxy, &upstream, &lines_of(1000), 431);
}

#[test]
fn the_limits_on_a_request_head_can_be_set() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .limit(flag::REQUEST_HEAD_OCTETS, 500)
        .limit(flag::REQUEST_LINE_OCTETS, 100)
        .limit(flag::REQUEST_FIELD_LINES, 5)
        .start();
    is_forwarded(&proxy, &upstream, &head_of(500));
    refused(&proxy, &upstream, &head_of(501), 431);
    is_forwarded(&proxy, &upstream, &line_of(100));
    refused(&proxy, &upstream, &line_of(101), 414);
    is_forwarded(&proxy, &upstream, &lines_of(5));
    refused(&proxy, &upstream, &lines_of(6), 431);
}

#[test]
fn connection_names_at_most_16_fields() {
    let (upstream, proxy) = pair();
    let naming = |count: usize| {
        let names: Vec<String> = (0..count).map(|index| format!("x-{index}")).collect();
        let lines: String = names.iter().map(|name| format!("{name}: y\r\n")).collect();
        let (one, other) = names.split_at(count / 2);
        let (one, other) = (one.join(","), other.join(" , "));
        let connection = format!("Connection: {one}\r\nConnection: close, {other}\r\n");
        request("GET", "/api/x", &(lines + &connection))
    };
    let mut client = proxy.client();
    client.send(naming(16));
    let (head, _) = upstream.accept().answer(OK);
    let left = head.field_lines();
    assert!(!left.iter().any(|line| line.starts_with("x-")), "{left:?}");
    assert_eq!(client.read_response("GET").status(), 200);
    refused_with(&proxy, &upstream, naming(17), &[431], true);
    prove_nothing_left(&proxy, &upstream);
}

/// Sends a chunked body, and says whether it was forwarded whole or refused with 400.
fn chunked_passes(proxy: &Proxy, upstream: &Upstream, body: &str) -> bool {
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Transfer-Encoding: chunked\r\n"));
    let mut service = upstream.accept();
    service.read_head();
    let _ = client.push(body.as_bytes());
    // The upstream sees the last chunk, or the end of the connection.
    let mut complete = false;
    while !complete && matches!(service.pull(), Ok(1..)) {
        complete = service.pending().ends_with(b"\r\n0\r\n\r\n");
    }
    if complete {
        service.pending().clear();
        service.send(OK);
        assert_eq!(client.read_response("POST").status(), 200);
    } else {
        assert_own_answer(&client.read_response("POST"), 400);
        client.wait_for_close();
    }
    complete
}

/// A chunk of one octet whose chunk-size line has `length` octets.
fn chunk_with_line_of(length: usize) -> String {
    format!("1;{}\r\na\r\n", "x".repeat(length - 2))
}

fn chunk_line_is_bounded(proxy: &Proxy, upstream: &Upstream, bound: usize) {
    let at = chunk_with_line_of(bound) + "0\r\n\r\n";
    assert!(chunked_passes(proxy, upstream, &at));
    let past = chunk_with_line_of(bound + 1) + "0\r\n\r\n";
    assert!(!chunked_passes(proxy, upstream, &past));
    // Leading zeros are octets of that line too.
    let zeros = format!("{}1\r\na\r\n0\r\n\r\n", "0".repeat(bound));
    assert!(!chunked_passes(proxy, upstream, &zeros));
}

#[test]
fn a_chunk_size_line_has_256_octets() {
    let (upstream, proxy) = pair();
    chunk_line_is_bounded(&proxy, &upstream, 256);
    // Without an end, and without an octet more than needed to see that.
    assert!(!chunked_passes(
        &proxy,
        &upstream,
        &format!("1;{}", "x".repeat(300))
    ));
}

fn with(builder: Builder, name: &str, value: usize) -> Proxy {
    builder.limit(name, value).start()
}

#[test]
fn the_limit_on_a_chunk_size_line_can_be_set() {
    let upstream = Upstream::plain();
    let proxy = with(Proxy::to(&upstream), flag::CHUNK_LINE_OCTETS, 20);
    chunk_line_is_bounded(&proxy, &upstream, 20);
}

/// Whole lines count at the bound and only what follows their `;` past it, so that it
/// does not matter which octets are the extension's.
fn extensions_are_bounded(proxy: &Proxy, upstream: &Upstream, bound: usize) {
    let line = 128;
    let at = chunk_with_line_of(line - 2).repeat(bound / line) + "0\r\n\r\n";
    assert!(chunked_passes(proxy, upstream, &at));
    let past = chunk_with_line_of(line + 2).repeat(bound / line);
    let past = past + &chunk_with_line_of(3) + "0\r\n\r\n";
    assert!(!chunked_passes(proxy, upstream, &past));
}

#[test]
fn the_extensions_of_a_message_have_16_kib() {
    let (upstream, proxy) = pair();
    extensions_are_bounded(&proxy, &upstream, 16 * KIB);
}

#[test]
fn the_limit_on_extensions_can_be_set() {
    let upstream = Upstream::plain();
    let proxy = with(Proxy::to(&upstream), flag::CHUNK_EXTENSION_OCTETS, 256);
    extensions_are_bounded(&proxy, &upstream, 256);
}

/// A body with a trailer section of `count` lines of `length` octets, CRLF included.
fn trailer(count: usize, length: usize) -> String {
    let line = format!("X: {}\r\n", "y".repeat(length - 5));
    format!("1\r\na\r\n0\r\n{}\r\n", line.repeat(count))
}

#[test]
fn a_trailer_section_has_64_lines_and_16_kib() {
    let (upstream, proxy) = pair();
    assert!(chunked_passes(&proxy, &upstream, &trailer(64, 10)));
    assert!(!chunked_passes(&proxy, &upstream, &trailer(65, 10)));
    // At the bound with all its CRLFs, past it without any.
    let at = trailer(31, 512) + "";
    assert!(chunked_passes(&proxy, &upstream, &at));
    assert!(!chunked_passes(&proxy, &upstream, &trailer(33, 512)));
    assert!(!chunked_passes(&proxy, &upstream, &trailer(1, 20 * KIB)));
    let endless = format!("1\r\na\r\n0\r\nX: {}", "y".repeat(20 * KIB));
    assert!(!chunked_passes(&proxy, &upstream, &endless));
}

#[test]
fn the_limits_on_a_trailer_section_can_be_set() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .limit(flag::TRAILER_OCTETS, 100)
        .limit(flag::TRAILER_LINES, 3)
        .start();
    assert!(chunked_passes(&proxy, &upstream, &trailer(3, 10)));
    assert!(!chunked_passes(&proxy, &upstream, &trailer(4, 10)));
    assert!(chunked_passes(&proxy, &upstream, &trailer(1, 98)));
    assert!(!chunked_passes(&proxy, &upstream, &trailer(1, 103)));
}
