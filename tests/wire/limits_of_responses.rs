//! Section 8, the limits on responses: at the bound, and one past it.

use crate::support::{assert_own_answer, get, pair};
use harness::tcp_state::wait_until_read;
use harness::{Peer, Proxy, Response, Upstream, flag};

const KIB: usize = 1024;

/// What the client sees when the upstream answers with `octets`.
fn answered(proxy: &Proxy, upstream: &Upstream, octets: &str) -> Response {
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    // The proxy may have given up before the last octet.
    let _ = service.push(octets.as_bytes());
    client.read_response("GET")
}

/// A response that must be relayed, whole or with the last octet of its head on its own.
fn passes(proxy: &Proxy, upstream: &Upstream, octets: &str) {
    assert_eq!(answered(proxy, upstream, octets).text(), "ok");
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    let (one, other) = octets.split_at(octets.len() - "\nok".len());
    service.send(one);
    wait_until_read(service.socket());
    service.send(other);
    assert_eq!(client.read_response("GET").text(), "ok");
}

fn is_refused(proxy: &Proxy, upstream: &Upstream, octets: &str) {
    assert_own_answer(&answered(proxy, upstream, octets), 502);
}

/// A response head of exactly `length` octets, and its body.
fn head_of(length: usize) -> String {
    let head = |value: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: {value}\r\n\r\n");
    let head = head(&"y".repeat(length - head("").len()));
    assert_eq!(head.len(), length);
    head + "ok"
}

fn lines_of(count: usize) -> String {
    let lines = "X: y\r\n".repeat(count - 1);
    format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{lines}\r\nok")
}

#[test]
fn a_response_head_has_128_kib() {
    let (upstream, proxy) = pair();
    passes(&proxy, &upstream, &head_of(128 * KIB));
    is_refused(&proxy, &upstream, &head_of(128 * KIB + 1));
    is_refused(&proxy, &upstream, &head_of(300 * KIB));
    is_refused(
        &proxy,
        &upstream,
        &format!("HTTP/1.1 200 {}", "x".repeat(200 * KIB)),
    );
}

#[test]
fn a_response_has_256_field_lines() {
    let (upstream, proxy) = pair();
    passes(&proxy, &upstream, &lines_of(256));
    is_refused(&proxy, &upstream, &lines_of(257));
    is_refused(&proxy, &upstream, &lines_of(1000));
}

#[test]
fn the_limits_on_a_response_head_can_be_set() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .limit(flag::RESPONSE_HEAD_OCTETS, 300)
        .limit(flag::RESPONSE_FIELD_LINES, 4)
        .start();
    passes(&proxy, &upstream, &head_of(300));
    is_refused(&proxy, &upstream, &head_of(301));
    passes(&proxy, &upstream, &lines_of(4));
    is_refused(&proxy, &upstream, &lines_of(5));
}

fn interim(count: usize) -> String {
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(count);
    format!("{hints}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
}

#[test]
fn interim_responses_have_an_end() {
    let (upstream, proxy) = pair();
    let answer = answered(&proxy, &upstream, &interim(32));
    assert_eq!((answer.interim.len(), answer.text().as_str()), (32, "ok"));
    is_refused(&proxy, &upstream, &interim(33));
    let proxy = Proxy::to(&upstream)
        .limit(flag::INTERIM_RESPONSES, 2)
        .start();
    passes(&proxy, &upstream, &interim(2));
    is_refused(&proxy, &upstream, &interim(3));
}

/// Is a chunked response with this body relayed to its last chunk? Otherwise it is cut,
/// or answered with 502 if nothing of it had gone out.
fn chunked_passes(proxy: &Proxy, upstream: &Upstream, body: &str) -> bool {
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let head = client.read_head();
    assert!(head.is_chunked(), "{head:?}");
    let _ = service.push(body.as_bytes());
    let mut complete = false;
    while !complete && matches!(client.pull(), Ok(1..)) {
        complete = client.pending().ends_with(b"\r\n0\r\n\r\n");
    }
    complete
}

fn chunk_with_line_of(length: usize) -> String {
    format!("1;{}\r\na\r\n", "x".repeat(length - 2))
}

#[test]
fn chunk_size_lines_and_their_extensions_are_bounded() {
    let (upstream, proxy) = pair();
    let check = |body: String| chunked_passes(&proxy, &upstream, &(body + "0\r\n\r\n"));
    assert!(check(chunk_with_line_of(256)));
    assert!(!check(chunk_with_line_of(257)));
    assert!(check(chunk_with_line_of(126).repeat(128)));
    assert!(!check(
        chunk_with_line_of(130).repeat(128) + &chunk_with_line_of(3)
    ));
}

#[test]
fn a_trailer_section_is_bounded() {
    let (upstream, proxy) = pair();
    let trailer = |count: usize, length: usize| {
        let line = format!("X: {}\r\n", "y".repeat(length - 5));
        format!("1\r\na\r\n0\r\n{}\r\n", line.repeat(count))
    };
    assert!(chunked_passes(&proxy, &upstream, &trailer(64, 10)));
    assert!(!chunked_passes(&proxy, &upstream, &trailer(65, 10)));
    assert!(chunked_passes(&proxy, &upstream, &trailer(31, 512)));
    assert!(!chunked_passes(&proxy, &upstream, &trailer(33, 512)));
}
