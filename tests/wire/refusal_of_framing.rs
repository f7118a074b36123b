//! Section 4, strict framing: what a head must look like, or nothing of it leaves.

use crate::support::{OK, get, pair, prove_nothing_left, refused_with, rejected};
use harness::Peer;

/// Every row is refused with one of the statuses, the connection ends, and the upstream
/// sees nothing.
fn all_are_rejected(rows: &[(&[u8], &[u16])]) {
    let (upstream, proxy) = pair();
    for (octets, statuses) in rows {
        refused_with(&proxy, &upstream, octets, statuses, true);
    }
    prove_nothing_left(&proxy, &upstream);
}

fn post(fields: &str) -> String {
    format!("POST /api/x HTTP/1.1\r\nHost: proxy.test\r\n{fields}\r\nhello")
}

#[test]
fn two_framings_are_refused() {
    let (upstream, proxy) = pair();
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\ntransfer-encoding: gzip, chunked\r\n",
        "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
    ] {
        refused_with(&proxy, &upstream, post(fields), &[400, 501], true);
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn content_length_is_one_canonical_number() {
    let (upstream, proxy) = pair();
    for value in [
        "+5",
        "-5",
        "05",
        "005",
        "5 5",
        "5, 5",
        "5,5",
        "5,",
        ",5",
        "0x5",
        "5.0",
        "5e0",
        "five",
        "",
        "\"5\"",
        "5;x",
        "5\t5",
        "18446744073709551616",
        "99999999999999999999999",
        "00",
        "-0",
    ] {
        let fields = format!("Content-Length: {value}\r\n");
        rejected(&proxy, &upstream, post(&fields), 400);
    }
    for fields in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\ncontent-length: 5\r\nCONTENT-LENGTH: 5\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nX: y\r\nContent-Length:\r\n",
    ] {
        rejected(&proxy, &upstream, post(fields), 400);
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn the_only_transfer_coding_is_one_chunked() {
    let (upstream, proxy) = pair();
    for (value, statuses) in [
        ("gzip", &[501][..]),
        ("gzip, chunked", &[501]),
        ("identity", &[501]),
        ("xchunked", &[501]),
        ("chunked-x", &[501]),
        ("chunked, gzip", &[501, 400]),
        ("chunked, chunked", &[400]),
        ("chunked,chunked", &[400]),
        ("chunked;q=1", &[400, 501]),
        ("\"chunked\"", &[400, 501]),
        ("chunked chunked", &[400, 501]),
        ("chun\tked", &[400, 501]),
        ("", &[400, 501]),
        ("chunked\u{b}", &[400, 501]),
    ] {
        let fields = format!("Transfer-Encoding: {value}\r\n");
        refused_with(&proxy, &upstream, post(&fields), statuses, true);
    }
    for (fields, statuses) in [
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            &[400][..],
        ),
        (
            "Transfer-Encoding: chunked\r\ntransfer-encoding: gzip\r\n",
            &[400, 501],
        ),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            &[501],
        ),
        ("Transfer-Encoding : chunked\r\n", &[400]),
        (" Transfer-Encoding: chunked\r\n", &[400]),
    ] {
        refused_with(&proxy, &upstream, post(fields), statuses, true);
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn transfer_encoding_in_http_1_0_is_refused() {
    all_are_rejected(&[(
        b"POST /api/x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    )]);
}

#[test]
fn lines_end_in_crlf_and_nothing_else() {
    all_are_rejected(&[
        (b"GET /api/x HTTP/1.1\nHost: a\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\n\n", &[400]),
        (b"GET /api/x HTTP/1.1\nHost: a\n\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", &[400]),
        (
            b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n",
            &[400],
        ),
        (b"GET /api/x\rHTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ]);
}

#[test]
fn a_nul_is_refused_wherever_it_stands() {
    all_are_rejected(&[
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\0b\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", &[400]),
        (b"GET /api/\0 HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"G\0T /api/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
    ]);
}

#[test]
fn a_field_line_is_a_name_a_colon_and_a_value_on_one_line() {
    all_are_rejected(&[
        (
            b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
            &[400],
        ),
        (
            b"GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n",
            &[400],
        ),
        (b"GET /api/x HTTP/1.1\r\n Host: a\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\nX\t: a\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost : a\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", &[400]),
        (
            b"GET /api/x HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            &[400],
        ),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\nNocolon\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\na@b: c\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\n\xe9: c\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1\r\nHost: a\r\nX\"Y: c\r\n\r\n", &[400]),
    ]);
}

#[test]
fn a_request_line_is_three_words_and_two_spaces() {
    all_are_rejected(&[
        (b"GET  /api/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"GET /api/x  HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"GET /api/x HTTP/1.1 \r\nHost: a\r\n\r\n", &[400, 505]),
        (b"GET\t/api/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b" GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"GET /api/x y HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"GET /api/x\r\nHost: a\r\n\r\n", &[400, 505]),
        (b"GET\r\nHost: a\r\n\r\n", &[400]),
        (b"G@T /api/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"G\xc9T /api/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"GET api/x HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"GET  HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            &[400],
        ),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400, 505]),
    ]);
}

#[test]
fn other_versions_are_answered_with_505() {
    all_are_rejected(&[
        (b"GET /api/x HTTP/2.0\r\nHost: a\r\n\r\n", &[505]),
        (b"GET /api/x HTTP/3.0\r\nHost: a\r\n\r\n", &[505]),
        (b"GET /api/x HTTP/0.9\r\nHost: a\r\n\r\n", &[505]),
        (b"GET /api/x HTTP/1.2\r\nHost: a\r\n\r\n", &[505]),
        (b"GET /api/x HTTP/1.10\r\nHost: a\r\n\r\n", &[505, 400]),
        (b"GET /api/x HTTP/11\r\nHost: a\r\n\r\n", &[505, 400]),
        (b"GET /api/x http/1.1\r\nHost: a\r\n\r\n", &[505, 400]),
        (b"GET /api/x HTTPS/1.1\r\nHost: a\r\n\r\n", &[505, 400]),
        (b"GET /api/x HTTP/1,1\r\nHost: a\r\n\r\n", &[505, 400]),
        (b"GET /api/x ICY/1.1\r\nHost: a\r\n\r\n", &[505, 400]),
    ]);
}

#[test]
fn one_empty_line_before_the_request_line_is_tolerated_and_no_more() {
    let (upstream, proxy) = pair();
    for octets in [
        "\r\n\r\nGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "\nGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "\rGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\nGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        rejected(&proxy, &upstream, octets, 400);
    }
    let mut client = proxy.client();
    client.send(format!("\r\n{}", get("/api/one")));
    let mut service = upstream.accept();
    assert_eq!(service.read_head().start_line(), "GET /one HTTP/1.1");
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
    client.send(format!("\r\n{}", get("/api/two")));
    assert_eq!(service.read_head().start_line(), "GET /two HTTP/1.1");
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}

#[test]
fn what_follows_a_refused_head_is_never_read_as_a_request() {
    let (upstream, proxy) = pair();
    let smuggled = get("/api/smuggled");
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 0\r\nContent-Length: 50\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "X: a\rb\r\n",
    ] {
        let mut client = proxy.client();
        client.send(format!(
            "POST /api/x HTTP/1.1\r\nHost: a\r\n{fields}\r\n0\r\n\r\n{smuggled}"
        ));
        let answer = client.read_response("POST");
        assert!(matches!(answer.status(), 400 | 501), "{:?}", answer.head);
        client.wait_for_close();
    }
    prove_nothing_left(&proxy, &upstream);
}
