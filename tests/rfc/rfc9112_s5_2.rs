//! RFC 9112 §5.2, obsolete line folding.

use crate::support::{
    assert_own_answer, pair, prove_nothing_left, rejected, request, sent_downstream,
};

/// > A server that receives an obs-fold in a request message that is not within a
/// > "message/http" container MUST either reject the message by sending a 400 (Bad
/// > Request), preferably with a representation explaining that obsolete line folding is
/// > unacceptable, or replace each received obs-fold with one or more SP octets
#[test]
fn a_folded_request_is_a_400() {
    let (upstream, proxy) = pair();
    for fields in [
        "X: a\r\n b\r\n",
        "X: a\r\n\tb\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "X: a\r\n Transfer-Encoding: chunked\r\n",
        "X: a\r\n \r\n",
    ] {
        rejected(&proxy, &upstream, request("POST", "/api/x", fields), 400);
    }
    prove_nothing_left(&proxy, &upstream);
}

/// > A proxy or gateway that receives an obs-fold in a response message that is not
/// > within a "message/http" container MUST either discard the message and replace it
/// > with a 502 (Bad Gateway) response
#[test]
fn a_folded_response_is_a_502() {
    let (upstream, proxy) = pair();
    for fields in [
        "X: a\r\n b\r\n",
        "Content-Length:\r\n 2\r\n",
        "X: a\r\n\t\r\n",
    ] {
        let octets = format!("HTTP/1.1 200 OK\r\n{fields}\r\nok");
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_own_answer(&answer, 502);
    }
}
