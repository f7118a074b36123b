//! RFC 9112 §6.2, Content-Length.

use crate::support::{OK, pair, request, response, sent_downstream};
use harness::Peer;

/// > A sender MUST NOT send a Content-Length header field in any message that contains a
/// > Transfer-Encoding header field.
///
/// [`Head::is_chunked`](harness::Head::is_chunked) fails where both stand.
#[test]
fn no_message_leaves_with_two_framings() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    for (fields, body, chunked) in [
        ("Content-Length: 1\r\n", "a", false),
        (
            "Transfer-Encoding: chunked\r\n",
            "1\r\na\r\n0\r\n\r\n",
            true,
        ),
    ] {
        client.send(request("POST", "/api/x", fields) + body);
        let (head, body) =
            upstream
                .accept()
                .answer(response("200 OK", "Connection: close\r\n", ""));
        assert_eq!(
            (head.is_chunked(), head.has("content-length")),
            (chunked, !chunked)
        );
        assert_eq!(body, b"a");
        client.read_response("POST");
    }
    for octets in [
        OK,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let answer = sent_downstream(&proxy, &upstream, "GET", octets);
        assert_ne!(answer.head.is_chunked(), answer.head.has("content-length"));
        assert_eq!(answer.text(), "ok");
    }
}
