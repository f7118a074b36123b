//! RFC 9110 §9.2.2, idempotent methods.

use crate::support::{assert_own_answer, pair, request, response, reused};
use harness::Peer;

/// > A proxy MUST NOT automatically retry non-idempotent requests.
#[test]
fn a_post_is_never_sent_twice() {
    let (upstream, proxy) = pair();
    for method in ["POST", "PATCH"] {
        let (mut client, mut service) = reused(&proxy, &upstream);
        client.send(request(method, "/api/once", ""));
        service.read_head();
        service.close();
        assert_own_answer(&client.read_response(method), 502);
        upstream.assert_untouched();
    }
}

/// An idempotent request may be sent again when the connection failed before anything of
/// an answer came (paraphrased). It is, once, if the connection was a reused one.
#[test]
fn a_get_on_a_stale_connection_is_sent_once_more() {
    let (upstream, proxy) = pair();
    let (mut client, mut service) = reused(&proxy, &upstream);
    client.send(request("GET", "/api/again", ""));
    let head = service.read_head();
    service.close();
    let mut fresh = upstream.accept();
    let (again, _) = fresh.answer(response("200 OK", "", "ok"));
    assert_eq!(again, head);
    assert_eq!(client.read_response("GET").text(), "ok");
    upstream.assert_untouched();
}
