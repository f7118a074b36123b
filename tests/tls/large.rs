//! Bodies of many records, and of one octet.

use harness::{Authority, Peer};

use crate::{GET, OK, asked, service};

/// Many times what any buffer on the way holds.
const LARGE_OCTETS: u64 = 24 << 20;

#[test]
fn a_large_download_arrives_octet_for_octet_in_both_framings() {
    let authority = Authority::new();
    let (upstream, proxy) = service(&authority);
    let mut client = proxy.client();
    client.send(GET);
    let mut connection = upstream.accept();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            connection.read_request();
            connection.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {LARGE_OCTETS}\r\n\r\n"
            ));
            connection.send_pattern(LARGE_OCTETS);
            connection.read_request();
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            connection.send_chunked_pattern(LARGE_OCTETS);
        });
        assert_eq!(client.read_head().content_length(), Some(LARGE_OCTETS));
        client.read_pattern(0, LARGE_OCTETS);
        client.send(GET);
        assert!(client.read_head().is_chunked());
        client.read_chunked_pattern(LARGE_OCTETS);
    });
}

#[test]
fn a_large_upload_arrives_octet_for_octet_in_both_framings() {
    let authority = Authority::new();
    let (upstream, proxy) = service(&authority);
    let mut client = proxy.client();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut connection = upstream.accept();
            assert_eq!(connection.read_head().content_length(), Some(LARGE_OCTETS));
            connection.read_pattern(0, LARGE_OCTETS);
            connection.send(OK);
            assert!(connection.read_head().is_chunked());
            connection.read_chunked_pattern(LARGE_OCTETS);
            connection.send(OK);
        });
        let line = "POST /api/x HTTP/1.1\r\nHost: proxy\r\n";
        client.send(format!("{line}Content-Length: {LARGE_OCTETS}\r\n\r\n"));
        client.send_pattern(LARGE_OCTETS);
        assert_eq!(client.read_response("POST").text(), "ok");
        client.send(format!("{line}Transfer-Encoding: chunked\r\n\r\n"));
        client.send_chunked_pattern(LARGE_OCTETS);
        assert_eq!(client.read_response("POST").text(), "ok");
    });
}

#[test]
fn an_event_of_one_octet_arrives_as_one_octet() {
    let authority = Authority::new();
    let (upstream, proxy) = service(&authority);
    let (mut client, mut connection) = asked(&proxy, &upstream);
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.read_head().status(), 200);
    for octet in ["a", "b", "c"] {
        connection.send_chunk(octet);
        assert_eq!(client.read_chunk().expect("a chunk"), octet.as_bytes());
    }
    connection.send("0\r\n\r\n");
    assert_eq!(client.read_chunk(), None);
}
