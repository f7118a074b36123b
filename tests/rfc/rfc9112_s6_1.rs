//! RFC 9112 §6.1, Transfer-Encoding.

use crate::support::{
    OK, assert_own_answer, get, misframed, pair, prove_nothing_left, refused_with, rejected,
    request, sent_downstream,
};
use harness::head::Framing;
use harness::{Ending, Peer};

/// > A server that receives a request message with a transfer coding it does not
/// > understand SHOULD respond with 501 (Not Implemented).
#[test]
fn an_unknown_transfer_coding_is_a_501() {
    let (upstream, proxy) = pair();
    for value in ["gzip, chunked", "x-odd, chunked", "identity, chunked"] {
        let fields = format!("Transfer-Encoding: {value}\r\n");
        let octets = request("POST", "/api/x", &fields) + "0\r\n\r\n";
        refused_with(&proxy, &upstream, octets, &[501], true);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > A sender MUST NOT apply the chunked transfer coding more than once to a message body
#[test]
fn chunked_twice_is_refused() {
    let (upstream, proxy) = pair();
    for fields in [
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    ] {
        misframed(&proxy, &upstream, fields);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > A server MAY reject a request that contains both Content-Length and
/// > Transfer-Encoding or process such a request in accordance with the
/// > Transfer-Encoding alone. Regardless, the server MUST close the connection after
/// > responding to such a request to avoid the potential attacks.
#[test]
fn a_request_with_both_framings_is_the_last_of_its_connection() {
    let (upstream, proxy) = pair();
    let fields = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", fields) + "0\r\n\r\n" + &get("/api/smuggled"));
    let answer = client.read_response("POST");
    assert_own_answer(&answer, 400);
    assert!(answer.closes(), "{:?}", answer.head);
    assert_eq!(client.wait_for_close().0, Ending::Closed);
    prove_nothing_left(&proxy, &upstream);
}

/// > A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding
/// > header field MUST treat the message as if the framing is faulty, even if a
/// > Content-Length is present, and close the connection after processing the message.
#[test]
fn transfer_encoding_in_1_0_is_faulty_framing() {
    let (upstream, proxy) = pair();
    for fields in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n",
    ] {
        let octets = format!("POST /api/x HTTP/1.0\r\nHost: a\r\n{fields}\r\n0\r\n\r\n");
        rejected(&proxy, &upstream, octets, 400);
        let octets = format!("HTTP/1.0 200 OK\r\n{fields}\r\n0\r\n\r\n");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > A server MUST NOT send a Transfer-Encoding header field in any response with a
/// > status code of 1xx (Informational) or 204 (No Content).
#[test]
fn no_transfer_coding_goes_with_1xx_or_204() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n\
        HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "GET", octets);
    assert_eq!(answer.interim.len(), 1);
    for head in answer.interim.iter().chain([&answer.head]) {
        assert!(!head.has("transfer-encoding"), "{head:?}");
    }
}

/// > A server MUST NOT send a response containing Transfer-Encoding unless the
/// > corresponding request indicates HTTP/1.1 (or later minor revisions).
#[test]
fn no_transfer_coding_goes_to_a_1_0_client() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send("GET /api/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    let answer = client.read_response("GET");
    assert_eq!(answer.framing, Framing::CloseDelimited);
    assert_eq!(answer.text(), "ok");
}

/// The names of transfer codings are case-insensitive (§7), and Transfer-Encoding is of
/// one connection: it is generated anew, in its one spelling.
#[test]
fn chunked_is_known_in_any_case() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client
        .send(request("POST", "/api/x", "Transfer-Encoding: CHUNKED\r\n") + "1\r\na\r\n0\r\n\r\n");
    let (head, body) = upstream.accept().answer(OK);
    assert_eq!(head.all("transfer-encoding"), ["chunked"]);
    assert_eq!(body, b"a");
    assert_eq!(client.read_response("POST").status(), 200);
}
