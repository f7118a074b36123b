//! RFC 9112 §8, incomplete messages. Over TLS (§9.8) see `tests/tls/truncation.rs`.

use crate::support::{get, pair, request};
use harness::Peer;

/// > A message body that uses the chunked transfer coding is incomplete if the zero-sized
/// > chunk that terminates the encoding has not been received.
#[test]
fn an_incomplete_message_stays_incomplete_on_the_other_side() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Transfer-Encoding: chunked\r\n"));
    client.send_chunk("hello");
    let mut service = upstream.accept();
    service.read_head();
    assert_eq!(service.read_chunk().as_deref(), Some(&b"hello"[..]));
    client.half_close();
    assert_eq!(service.read_to_end().0, b"");
    drop(client);
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    service.send_chunk("hello");
    assert!(client.read_head().is_chunked());
    assert_eq!(client.read_chunk().as_deref(), Some(&b"hello"[..]));
    service.close();
    assert_eq!(client.read_to_end().0, b"");
}
