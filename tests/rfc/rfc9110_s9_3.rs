//! RFC 9110 §9.3, methods: HEAD (§9.3.2), CONNECT (§9.3.6), OPTIONS (§9.3.7), TRACE
//! (§9.3.8).

use crate::support::{
    OK, pair, prove_nothing_left, refused_with, request, response, sent_downstream,
};
use harness::Peer;
use harness::head::Framing;

/// §9.3.2:
///
/// > the server MUST NOT send content in the response
///
/// The length that a GET would have had is told all the same.
#[test]
fn a_response_to_head_has_no_content() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n";
    let answer = sent_downstream(&proxy, &upstream, "HEAD", octets);
    assert_eq!(answer.framing, Framing::NoBody);
    assert_eq!(answer.head.content_length(), Some(42));
    let mut client = proxy.client();
    assert_eq!(client.ask(request("HEAD", "/none", "")).status(), 404);
    client.assert_silent();
}

/// §9.3.6: CONNECT asks for a tunnel (paraphrased). There is none on this face: 501.
#[test]
fn connect_opens_no_tunnel() {
    let (upstream, proxy) = pair();
    for target in [upstream.authority(), "proxy.test:443".to_owned()] {
        let octets = request("CONNECT", &target, "");
        refused_with(&proxy, &upstream, octets, &[501], false);
    }
    let octets = request("CONNECT", "/api/x", "");
    refused_with(&proxy, &upstream, octets, &[400, 501], false);
    prove_nothing_left(&proxy, &upstream);
}

/// §9.3.7: OPTIONS for `*` is for the server as a whole, here the proxy; for a resource
/// it is the service's to answer (paraphrased).
#[test]
fn options_of_a_resource_is_the_services_to_answer() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    assert_eq!(client.ask(request("OPTIONS", "*", "")).status(), 204);
    prove_nothing_left(&proxy, &upstream);
    let octets = response("200 OK", "Allow: GET, ODD\r\n", "");
    let answer = sent_downstream(&proxy, &upstream, "OPTIONS", octets);
    // §10.2.1: a proxy does not modify Allow.
    assert_eq!(answer.head.all("allow"), ["GET, ODD"]);
}

/// §9.3.8: TRACE reflects the request, and a client must not put what is sensitive in one
/// (paraphrased). The proxy would: it is refused, with the methods that are allowed.
#[test]
fn trace_is_refused() {
    let (upstream, proxy) = pair();
    for fields in ["", "Max-Forwards: 0\r\n"] {
        let octets = request("TRACE", "/api/x", fields);
        let answer = refused_with(&proxy, &upstream, octets, &[405], false);
        let allow = answer.head.one("allow").expect("§15.5.6 wants Allow");
        assert!(!allow.contains("TRACE"), "{allow}");
    }
    let mut client = proxy.client();
    client.send(request("GET", "/api/x", ""));
    upstream.accept().answer(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}
