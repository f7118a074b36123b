//! RFC 9112 §11, the published ways to make two recipients see different messages. A test
//! a family, named in the table of docs/THREAT_MODEL.md.

use crate::support::{
    OK, assert_own_answer, get, never_completed, one_exchange, pair, prove_nothing_left,
    refused_with, rejected, request, response, reused, sent_downstream,
};
use harness::{Ending, Peer, Proxy, Upstream};

const SMUGGLED: &str = "GET /api/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// Every head is refused, whatever follows it, and nothing of it leaves.
fn nothing_is_smuggled(fields: &[&str], body: &str, statuses: &[u16]) {
    let (upstream, proxy) = pair();
    for fields in fields {
        let octets = request("POST", "/api/x", fields) + body + SMUGGLED;
        refused_with(&proxy, &upstream, octets, statuses, true);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// CL.TE: the first recipient goes by Content-Length, the second by Transfer-Encoding.
#[test]
fn cl_te() {
    nothing_is_smuggled(
        &["Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"],
        "0\r\n\r\nG",
        &[400],
    );
}

/// TE.CL: the other way round.
#[test]
fn te_cl() {
    nothing_is_smuggled(
        &["Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"],
        "1\r\nZ\r\n0\r\n\r\n",
        &[400],
    );
}

/// TE.TE: a Transfer-Encoding in a disguise that one of the two does not see through.
#[test]
fn te_te() {
    nothing_is_smuggled(
        &[
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding : chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
            "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: \"chunked\"\r\n",
            "Transfer-Encoding: chunked,\u{b}\r\n",
            "Transfer-Encoding:\u{b}chunked\r\n",
            "Transfer-Encoding: chunked\u{c}\r\n",
            " Transfer-Encoding: chunked\r\n",
            "X: y\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding\r\n: chunked\r\n",
            "Transfer-Encoding:\r\n chunked\r\n",
            "Transfer-Encoding: chu\rnked\r\n",
            "Transfer-Encoding: identity\r\n",
        ],
        "0\r\n\r\n",
        &[400, 501],
    );
}

/// TE.TE again, for a service that reads `_` in a name as `-`: such a field is dropped,
/// and what frames the message is the proxy's own.
#[test]
fn te_in_another_spelling_of_its_name_is_not_forwarded() {
    let (upstream, proxy) = pair();
    let fields = "Transfer_Encoding: chunked\r\nContent_Length: 0\r\nContent-Length: 5\r\n";
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", fields) + "0\r\n\r\n");
    let (head, body) = upstream.accept().answer(OK);
    assert!(
        !head.has("transfer_encoding") && !head.has("content_length"),
        "{head:?}"
    );
    assert_eq!(
        (head.content_length(), &body[..]),
        (Some(5), &b"0\r\n\r\n"[..])
    );
    assert_eq!(client.read_response("POST").status(), 200);
}

/// CL.CL: two lengths, or one that two recipients read differently.
#[test]
fn cl_cl() {
    nothing_is_smuggled(
        &[
            "Content-Length: 0\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5, 0\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 05\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: 5\u{b}\r\n",
            "Content-Length : 5\r\n",
            "Content-Length: 1_0\r\n",
            "Content-Length: 18446744073709551621\r\n",
        ],
        "hello",
        &[400],
    );
}

/// CL.0: the service does not read the body that was announced. Its early answer ends the
/// connection, so the unread body can never be its next request.
#[test]
fn cl_0() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let fields = format!("Content-Length: {}\r\n", SMUGGLED.len());
    client.send(request("POST", "/api/x", &fields));
    let mut service = upstream.accept();
    let head = service.read_head();
    assert_eq!(head.content_length(), Some(SMUGGLED.len() as u64));
    service.send(OK);
    assert_eq!(client.read_response("POST").text(), "ok");
    // Neither connection carries anything else.
    let _ = client.push(SMUGGLED.as_bytes());
    client.read_to_end();
    let (octets, _) = service.read_to_end();
    assert!(octets.len() <= SMUGGLED.len());
    one_exchange(&proxy, &upstream);
}

/// 0.CL: the first recipient sees no body where the second one does, for a Content-Length
/// that only one of them recognizes.
#[test]
fn zero_cl() {
    nothing_is_smuggled(
        &[
            "Content-Length\t: 50\r\n",
            " Content-Length: 50\r\n",
            "X: y\nContent-Length: 50\r\n",
            "Content-Length:\r\n 50\r\n",
            "X: y\rContent-Length: 50\r\n",
            "\u{b}Content-Length: 50\r\n",
        ],
        "",
        &[400],
    );
}

/// 0.CL with a body where few expect one: it is framed by its fields alone, whatever the
/// method.
#[test]
fn zero_cl_by_a_method_without_body() {
    let (upstream, proxy) = pair();
    let fields = format!(
        "Connection: content-length\r\nContent-Length: {}\r\n",
        SMUGGLED.len()
    );
    let mut client = proxy.client();
    for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
        client.send(request(method, "/api/x", &fields) + SMUGGLED);
        let mut service = upstream.accept();
        let (head, body) = service.read_request();
        assert_eq!(
            head.content_length(),
            Some(SMUGGLED.len() as u64),
            "{method}"
        );
        assert_eq!(body, SMUGGLED.as_bytes(), "{method}");
        service.send(response("200 OK", "Connection: close\r\n", ""));
        client.read_response(method);
    }
}

/// TERM.EXT, EXT.TERM and their kin: a chunk-size line whose end two recipients see in
/// different places.
#[test]
fn chunk_extension_and_bare_lf_variants() {
    let (upstream, proxy) = pair();
    for body in [
        "2;\nxx\r\n0\r\n\r\n",
        "2;a\nxx\r\n0\r\n\r\n",
        "2;a\rxx\r\n0\r\n\r\n",
        "2\nxx\r\n0\r\n\r\n",
        "2\r\nxx\n0\r\n\r\n",
        "2\r\nxx0\r\n\r\n",
        "2\r\nxxx\r\n0\r\n\r\n",
        "2;a=\"\n\"\r\nxx\r\n0\r\n\r\n",
        "2\u{b}\r\nxx\r\n0\r\n\r\n",
        "2\0\r\nxx\r\n0\r\n\r\n",
        "0\n\r\n",
        "0\r\n\n",
    ] {
        never_completed(&proxy, &upstream, &format!("{body}{SMUGGLED}"));
    }
    one_exchange(&proxy, &upstream);
}

/// Trailers that would be framing, routing or a credential if a recipient merged them.
#[test]
fn trailers() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let trailers = "Content-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: evil\r\n\
        Authorization: evil\r\nConnection: close\r\n";
    let body = format!("1\r\na\r\n0\r\n{trailers}\r\n");
    let fields = "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n";
    client.send(request("POST", "/api/x", fields) + &body + &get("/api/next"));
    let mut service = upstream.accept();
    let (head, body) = service.read_request();
    assert_eq!(body, b"a");
    assert!(
        !head.text().contains("evil") && !head.has("trailer"),
        "{head:?}"
    );
    assert!(service.is_idle());
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
    assert_eq!(service.answer(OK).0.start_line(), "GET /next HTTP/1.1");
    assert_eq!(client.read_response("GET").status(), 200);
}

/// Expect: an expectation in a disguise is refused, and where a service gives its final
/// answer without the 100, neither connection is used again: the body that was announced
/// may come or not.
#[test]
fn expect() {
    let (upstream, proxy) = pair();
    for value in [
        "100-continue, x",
        "x 100-continue",
        "y",
        "\u{b}100-continue",
    ] {
        let fields = format!("Expect: {value}\r\nContent-Length: 5\r\n");
        let octets = request("POST", "/api/x", &fields);
        refused_with(&proxy, &upstream, octets, &[400, 417], true);
    }
    prove_nothing_left(&proxy, &upstream);
    let fields = format!(
        "Expect: 100-continue\r\nContent-Length: {}\r\n",
        SMUGGLED.len()
    );
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", &fields));
    let mut service = upstream.accept();
    service.read_head();
    service.send(OK);
    client.read_response("POST");
    let _ = client.push(SMUGGLED.as_bytes());
    client.read_to_end();
    service.read_to_end();
    one_exchange(&proxy, &upstream);
}

/// Connection abuse: an option that names what frames, routes or authenticates.
#[test]
fn connection_abuse() {
    let (upstream, proxy) = pair();
    let named = "host, content-length, transfer-encoding, authorization, via, te, cookie";
    let fields =
        format!("Connection: {named}\r\nConnection: Content-Length\r\nContent-Length: 1\r\n");
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", &fields) + "a");
    let (head, body) = upstream.accept().answer(OK);
    assert_eq!(body, b"a");
    assert_eq!(head.one("host"), Some(upstream.authority()));
    assert_eq!(head.all("authorization").len(), 1);
    assert_eq!(head.all("via").len(), 1);
    assert_eq!(client.read_response("POST").status(), 200);
}

/// Pipelining: what stands behind a message that was refused is never a request, and
/// what stands behind a complete one is judged by itself.
#[test]
fn pipelining() {
    let (upstream, proxy) = pair();
    let refused = request("POST", "/api/x", "Content-Length: 5, 5\r\n");
    let mut client = proxy.client();
    client.send(refused + "hello" + SMUGGLED);
    assert_own_answer(&client.read_response("POST"), 400);
    assert_eq!(client.wait_for_close().0, Ending::Closed);
    let mut client = proxy.client();
    client.send(get("/none") + &request("TRACE", "/api/x", "") + &get("/api/../x"));
    for (method, status) in [("GET", 404), ("TRACE", 405), ("GET", 400)] {
        assert_own_answer(&client.read_response(method), status);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// Absolute-form against Host: neither chooses the service, nor the Host that it sees.
#[test]
fn absolute_form_against_host() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send("GET http://one.test/api/x HTTP/1.1\r\nHost: two.test\r\n\r\n");
    let (head, _) = upstream.accept().answer(OK);
    assert_eq!(head.start_line(), "GET /x HTTP/1.1");
    assert_eq!(head.all("host"), [upstream.authority()]);
    assert_eq!(client.read_response("GET").status(), 200);
    for target in [
        "http://user@one.test/api/x",
        "http:///api/x",
        "ftp://one.test/api/x",
        "http:/api/x",
    ] {
        rejected(&proxy, &upstream, get(target), 400);
    }
    upstream.assert_untouched();
}

/// Response splitting (§11.1): line ends in what the agent sends never reach a head, and
/// line ends in a response's value are no line ends.
#[test]
fn response_splitting() {
    let (upstream, proxy) = pair();
    for target in ["/api/%0d%0aX:%20y", "/api/%250d%250aX", "/api/a%00b"] {
        refused_with(&proxy, &upstream, get(target), &[400], false);
    }
    prove_nothing_left(&proxy, &upstream);
    for value in [
        "a\rSet-Cookie: evil",
        "a\nSet-Cookie: evil",
        "a\0b",
        "a\r\n Set-Cookie: evil",
    ] {
        let octets =
            format!("HTTP/1.1 302 Found\r\nLocation: {value}\r\nContent-Length: 0\r\n\r\n");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
        assert!(!answer.head.text().contains("evil"));
    }
}

/// Queue poisoning: a second response behind the first one is given to nobody, neither to
/// this client nor to the next one, whether it comes with the first or later.
#[test]
fn queue_poisoning() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).arg("--threads").arg("1").start();
    let (_first, mut service) = reused(&proxy, &upstream);
    let mut client = proxy.client();
    client.send(get("/api/x"));
    service.read_head();
    service.send(format!("{OK}{}", response("200 OK", "", "poison")));
    assert_eq!(client.read_response("GET").text(), "ok");
    client.assert_silent();
    let mut next = proxy.client();
    next.send(get("/api/y"));
    upstream.accept().answer(response("200 OK", "", "own"));
    assert_eq!(next.read_response("GET").text(), "own");
    assert_eq!(service.read_to_end().0, b"");
}

/// Upgrade smuggling: a switch that was not allowed, not asked for or not made opens no
/// tunnel.
#[test]
fn upgrade_smuggling() {
    let (upstream, proxy) = pair();
    let asks = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n";
    let mut client = proxy.client();
    client.send(request("GET", "/api/x", asks) + SMUGGLED);
    let mut service = upstream.accept();
    let head = service.read_head();
    assert!(!head.has("upgrade") && !head.has("connection"), "{head:?}");
    assert!(!head.has("http2-settings"), "{head:?}");
    assert!(service.is_idle(), "what follows waits for the answer");
    service.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    assert_own_answer(&client.read_response("GET"), 502);
    let (octets, _) = service.read_to_end();
    assert_eq!(octets, b"", "no tunnel");
}
