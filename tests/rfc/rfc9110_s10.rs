//! RFC 9110 §10.1.1, Expect.

use crate::support::{OK, pair, prove_nothing_left, refused_with, request};
use harness::Peer;

/// > A server that receives an Expect field value containing a member other than
/// > 100-continue MAY respond with a 417 (Expectation Failed) status code to indicate
/// > that the unexpected expectation cannot be met.
#[test]
fn an_unknown_expectation_is_a_417() {
    let (upstream, proxy) = pair();
    for value in ["200-ok", "100-continue, 200-ok", "100-continue;x"] {
        let octets = request("POST", "/api/x", &format!("Expect: {value}\r\n"));
        refused_with(&proxy, &upstream, octets, &[417], false);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// A proxy that receives a whole head with the expectation either answers it finally by
/// the head alone or forwards it toward the origin, without waiting for the body
/// (paraphrased). The 100 is the service's.
#[test]
fn the_head_is_forwarded_before_the_body_comes() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let fields = "Expect: 100-CONTINUE\r\nContent-Length: 5\r\n";
    client.send(request("POST", "/api/x", fields));
    let mut service = upstream.accept();
    let head = service.read_head();
    assert_eq!(head.all("expect").len(), 1, "{head:?}");
    client.assert_silent();
    service.send("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(client.read_head().status(), 100);
    client.send("hello");
    assert_eq!(service.read_exact(5), b"hello");
    service.send(OK);
    assert_eq!(client.read_response("POST").text(), "ok");
    // What the proxy refuses by the head alone, it refuses without a 100.
    let mut client = proxy.client();
    client.send(request("POST", "/none", fields));
    let answer = client.read_response("POST");
    assert_eq!((answer.status(), answer.interim.len()), (404, 0));
}

/// > A server that receives a 100-continue expectation in an HTTP/1.0 request MUST ignore
/// > that expectation.
#[test]
fn the_expectation_of_a_1_0_request_is_ignored() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send("POST /api/x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
    let (head, body) = upstream.accept().answer(OK);
    assert!(!head.has("expect"), "{head:?}");
    assert_eq!(body, b"hi");
    assert_eq!(client.read_response("POST").interim.len(), 0);
}
