//! Section 4 and 6, clients of HTTP/1.0.

use crate::support::{OK, pair};
use harness::head::Framing;
use harness::{Ending, Peer};

const GET: &str = "GET /api/x HTTP/1.0\r\nHost: a\r\n\r\n";
const GET_AND_STAY: &str = "GET /api/x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n";

#[test]
fn chunked_becomes_close_delimited() {
    let (upstream, proxy) = pair();
    for request in [GET, GET_AND_STAY] {
        let mut client = proxy.client();
        client.send(request);
        let mut service = upstream.accept();
        assert_eq!(service.read_head().start_line(), "GET /x HTTP/1.1");
        service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let head = client.read_head();
        assert!(
            !head.has("transfer-encoding") && !head.has("content-length"),
            "{head:?}"
        );
        for piece in ["one", "two"] {
            service.send_chunk(piece);
            assert_eq!(client.read_exact(3), piece.as_bytes());
        }
        service.send("0\r\n\r\n");
        assert_eq!(client.wait_for_close().0, Ending::Closed);
    }
}

#[test]
fn a_close_delimited_body_stays_one() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(GET);
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\n\r\nto the end");
    service.close();
    let answer = client.read_response("GET");
    assert_eq!(answer.framing, Framing::CloseDelimited, "{:?}", answer.head);
    assert_eq!(answer.text(), "to the end");
}

#[test]
fn a_truncated_answer_is_not_mistaken_for_a_whole_one() {
    let (upstream, proxy) = pair();
    for head in [
        "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
        "Content-Length: 9\r\n\r\npart",
    ] {
        let mut client = proxy.client();
        client.send(GET);
        let mut service = upstream.accept();
        service.read_head();
        service.send(format!("HTTP/1.1 200 OK\r\n{head}"));
        let framed = client.read_head().has("content-length");
        assert_eq!(client.read_exact(4), b"part");
        service.close();
        let (octets, ending) = client.read_to_end();
        assert_eq!(octets, b"");
        // Without a length the end of the connection is the end of the body, so only a
        // reset tells that there was more.
        assert!(framed || ending == Ending::Reset, "{head:?}: {ending:?}");
    }
}

#[test]
fn interim_responses_are_dropped() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(GET);
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    service.send(OK);
    let answer = client.read_response("GET");
    assert!(answer.interim.is_empty(), "{:?}", answer.interim);
    assert_eq!(answer.text(), "ok");
}

#[test]
fn the_connection_ends_unless_it_was_asked_to_stay() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(GET);
    let mut service = upstream.accept();
    service.read_head();
    service.send(OK);
    assert_eq!(client.read_response("GET").framing, Framing::ContentLength);
    assert_eq!(client.wait_for_close().0, Ending::Closed);

    service.close();
    let mut client = proxy.client();
    client.send(GET_AND_STAY);
    let mut service = upstream.accept();
    service.read_head();
    service.send(OK);
    let answer = client.read_response("GET");
    // RFC 9112 §9.3: it may stay, and then it says so.
    let stays = answer
        .head
        .all("connection")
        .concat()
        .eq_ignore_ascii_case("keep-alive");
    if !stays {
        assert_eq!(client.wait_for_close().0, Ending::Closed);
    }
}

#[test]
fn a_body_of_a_1_0_request_needs_its_length() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send("POST /api/x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc");
    let mut service = upstream.accept();
    assert_eq!(service.read_request().1, b"abc");
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
}
