//! RFC 9110 §15.2, interim responses.

use crate::support::{OK, pair, sent_downstream};
use harness::Peer;

/// > A proxy MUST forward 1xx responses unless the proxy itself requested the generation
/// > of the 1xx response.
#[test]
fn interim_responses_are_forwarded_in_their_order() {
    let (upstream, proxy) = pair();
    let octets = "HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n\
        HTTP/1.1 102 Processing\r\n\r\n"
        .to_owned();
    let answer = sent_downstream(&proxy, &upstream, "GET", octets + OK);
    let statuses: Vec<u16> = answer.interim.iter().map(harness::Head::status).collect();
    assert_eq!(statuses, [103, 199, 102]);
    assert_eq!(answer.interim[0].all("x"), ["1"]);
    assert_eq!(answer.text(), "ok");
}

/// > Since HTTP/1.0 did not define any 1xx status codes, a server MUST NOT send a 1xx
/// > response to an HTTP/1.0 client.
#[test]
fn no_interim_response_goes_to_a_1_0_client() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send("GET /api/x HTTP/1.0\r\n\r\n");
    let mut service = upstream.accept();
    service.read_head();
    service.send(format!("HTTP/1.1 103 Early Hints\r\n\r\n{OK}"));
    let answer = client.read_response("GET");
    assert_eq!((answer.interim.len(), answer.text().as_str()), (0, "ok"));
}
