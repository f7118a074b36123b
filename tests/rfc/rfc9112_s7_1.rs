//! RFC 9112 §7.1, the chunked transfer coding, with its extensions (§7.1.1) and its
//! trailer section (§7.1.2).

use crate::support::{
    OK, assert_own_answer, never_completed, pair, prove_nothing_left, refused_with, request,
    sent_downstream,
};
use harness::{Peer, Proxy, Upstream};

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// The body that the upstream sees of a request with this chunked one.
fn decoded(proxy: &Proxy, upstream: &Upstream, body: &str) -> (harness::Head, Vec<u8>) {
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", CHUNKED) + body);
    let mut service = upstream.accept();
    let seen = service.read_request();
    assert!(service.is_idle(), "nothing follows the last chunk");
    service.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    service.close();
    assert_eq!(client.read_response("POST").status(), 204);
    seen
}

/// > recipients MUST anticipate potentially large hexadecimal numerals and prevent
/// > parsing errors due to integer conversion overflows
#[test]
fn a_chunk_size_never_overflows() {
    let (upstream, proxy) = pair();
    for size in [
        "10000000000000000",
        "10000000000000005",
        "ffffffffffffffffff",
        "100000000000000000000000000000005",
    ] {
        let body = format!("{size}\r\nhello\r\n0\r\n\r\n");
        never_completed(&proxy, &upstream, &body);
        let mut client = proxy.client();
        client.send(request("GET", "/api/x", ""));
        let mut service = upstream.accept();
        service.read_head();
        service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert!(client.read_head().is_chunked());
        service.send(body);
        assert_eq!(client.read_to_end().0, b"", "no chunk, and no last one");
    }
}

/// > chunk-size = 1*HEXDIG
///
/// And a chunk ends where its size says, with CRLF. White space before an extension, which
/// is bad but to be accepted (RFC 9110 §5.6.3), is not: docs/CONFORMANCE.md says why.
#[test]
fn a_chunk_is_as_the_grammar_has_it() {
    let (upstream, proxy) = pair();
    for body in [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5_\r\nhello\r\n0\r\n\r\n",
        "5 ;a\r\nhello\r\n0\r\n\r\n",
    ] {
        never_completed(&proxy, &upstream, body);
    }
    for body in [
        "A\r\n0123456789\r\n0\r\n\r\n",
        "00a\r\n0123456789\r\n000\r\n\r\n",
    ] {
        assert_eq!(decoded(&proxy, &upstream, body).1, b"0123456789");
    }
}

/// > The chunked coding does not define any parameters. Their presence SHOULD be treated
/// > as an error.
#[test]
fn chunked_has_no_parameters() {
    let (upstream, proxy) = pair();
    for value in ["chunked;q=1", "chunked; x", "chunked;"] {
        let fields = format!("Transfer-Encoding: {value}\r\n");
        let octets = request("POST", "/api/x", &fields) + "0\r\n\r\n";
        refused_with(&proxy, &upstream, octets, &[400, 501], true);
        let octets = format!("HTTP/1.1 200 OK\r\n{fields}\r\n0\r\n\r\n");
        assert_own_answer(&sent_downstream(&proxy, &upstream, "GET", octets), 502);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// §7.1.1:
///
/// > A recipient MUST ignore unrecognized chunk extensions.
#[test]
fn chunk_extensions_are_ignored_and_never_forwarded() {
    let (upstream, proxy) = pair();
    for body in [
        "5;a\r\nhello\r\n0\r\n\r\n",
        "5;a=b;c=\"d;e\"\r\nhello\r\n0;last=1\r\n\r\n",
    ] {
        assert_eq!(decoded(&proxy, &upstream, body).1, b"hello");
    }
    let octets = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0;c\r\n\r\n";
    assert_eq!(
        sent_downstream(&proxy, &upstream, "GET", octets).text(),
        "ok"
    );
}

/// §7.1.1:
///
/// > A server ought to limit the total length of chunk extensions received in a request
/// > to an amount reasonable for the services provided […] and generate an appropriate
/// > 4xx (Client Error) response if that amount is exceeded.
#[test]
fn chunk_extensions_have_a_limit() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", CHUNKED));
    let chunk = format!("1;{}\r\nx\r\n", "e".repeat(200));
    let service = upstream.accept();
    for _ in 0..100 {
        // The answer may come before all is sent.
        if client.push(chunk.as_bytes()).is_err() {
            break;
        }
    }
    assert_own_answer(&client.read_response("POST"), 400);
    let mut service = service;
    service.read_head();
    let (seen, _) = service.read_to_end();
    assert!(!seen.ends_with(b"0\r\n\r\n"), "never completed");
}

/// §7.1.2:
///
/// > A recipient MUST NOT merge a received trailer field into the header section unless
/// > its corresponding header field definition explicitly permits and instructs how the
/// > trailer field value can be safely merged.
///
/// They are discarded, which it may.
#[test]
fn trailer_fields_are_discarded() {
    let (upstream, proxy) = pair();
    let body = "5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nHost: evil\r\n\
        Authorization: evil\r\n\r\n";
    let (head, octets) = decoded(&proxy, &upstream, body);
    assert_eq!(octets, b"hello");
    for name in ["x-sum", "content-length", "trailer"] {
        assert!(!head.has(name), "{head:?}");
    }
    assert_eq!(head.one("host"), Some(upstream.authority()));
    assert_eq!(head.all("authorization").len(), 1);
    let octets = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
        2\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: evil\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.text(), "ok");
    for name in ["x-sum", "set-cookie", "trailer"] {
        assert!(!answer.head.has(name), "{:?}", answer.head);
    }
}

/// §7.1.2: a trailer section is field lines. What is none ends the message, and never
/// as a complete one (paraphrased from the grammar).
#[test]
fn a_malformed_trailer_section_never_completes_the_message() {
    let (upstream, proxy) = pair();
    for trailer in [
        "no colon",
        "X : y",
        " X: y",
        "X: a\rb",
        "GET /api/evil HTTP/1.1",
    ] {
        let body = format!("5\r\nhello\r\n0\r\n{trailer}\r\n\r\n");
        never_completed(&proxy, &upstream, &body);
    }
    let mut client = proxy.client();
    client.send(request("GET", "/api/x", ""));
    upstream.accept().answer(OK);
    client.read_response("GET");
}
