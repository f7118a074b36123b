//! A stream that is cut must look cut. Over TLS only close_notify tells an end from an
//! attacker who drops the rest.

use harness::{Authority, Client, Connection, Ending, Peer, Proxy};

use crate::{asked, service};

/// Asks, answers with `octets`, ends the service's side by `end`; gives the agent's
/// connection with the rest to read. The proxy lives as long.
fn answered(octets: &str, end: impl FnOnce(Connection)) -> (Client, Proxy) {
    let authority = Authority::new();
    let (upstream, proxy) = service(&authority);
    let (client, mut connection) = asked(&proxy, &upstream);
    connection.send(octets);
    end(connection);
    (client, proxy)
}

/// Fails unless the agent gets the head, `half` in one or more chunks, and then the end
/// of the connection instead of the last chunk.
fn assert_cut_in_chunks(mut client: Client) {
    let head = client.read_head();
    assert_eq!(head.status(), 200);
    assert!(head.is_chunked(), "{head:?}");
    let mut body = Vec::new();
    while body.len() < 4 {
        body.extend(
            client
                .read_chunk()
                .expect("no last chunk before all has come"),
        );
    }
    assert_eq!(body, b"half");
    let (rest, _) = client.read_to_end();
    assert_eq!(rest, b"", "a truncated body must not be ended");
}

#[test]
fn a_close_delimited_body_is_whole_after_close_notify() {
    let (mut client, _proxy) = answered("HTTP/1.1 200 OK\r\n\r\nhalf", Connection::close);
    let response = client.read_response("GET");
    assert_eq!(response.text(), "half");
    assert!(!response.closes(), "{response:?}");
}

#[test]
fn a_close_delimited_body_without_close_notify_is_truncated() {
    let cut = Connection::close_without_notify;
    let (client, _proxy) = answered("HTTP/1.1 200 OK\r\n\r\nhalf", cut);
    assert_cut_in_chunks(client);
}

#[test]
fn a_close_delimited_body_that_ends_in_a_reset_is_truncated() {
    // What was read before the reset may be lost with it, but never looks whole.
    let (mut client, _proxy) = answered("HTTP/1.1 200 OK\r\n\r\nhalf", Connection::reset);
    let (octets, _) = client.read_to_end();
    let whole = octets.ends_with(b"0\r\n\r\n") && !octets.starts_with(b"HTTP/1.1 502");
    assert!(!whole, "{}", octets.escape_ascii());
}

#[test]
fn a_chunked_body_without_its_last_chunk_is_truncated() {
    let octets = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    // Even in good order: the last chunk is missing.
    for end in [Connection::close, Connection::close_without_notify] {
        let (client, _proxy) = answered(octets, end);
        assert_cut_in_chunks(client);
    }
}

#[test]
fn a_body_shorter_than_its_content_length_closes_the_agents_connection() {
    let octets = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf";
    for end in [Connection::close, Connection::close_without_notify] {
        let (mut client, _proxy) = answered(octets, end);
        let head = client.read_head();
        assert_eq!(head.content_length(), Some(8));
        let (body, _) = client.read_to_end();
        assert_eq!(body, b"half");
    }
}

#[test]
fn a_body_that_is_complete_needs_no_close_notify() {
    let bodies = [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n\r\n",
    ];
    for octets in bodies {
        let (mut client, _proxy) = answered(octets, Connection::close_without_notify);
        assert_eq!(client.read_response("GET").text(), "half");
        assert_eq!(
            client
                .ask("OPTIONS * HTTP/1.1\r\nHost: proxy\r\n\r\n")
                .status(),
            204
        );
    }
}

#[test]
fn a_connection_cut_before_or_within_the_head_is_a_bad_gateway() {
    for octets in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        for end in [Connection::close, Connection::close_without_notify] {
            let (mut client, _proxy) = answered(octets, end);
            assert_eq!(
                client.read_response("GET").status(),
                502,
                "after {octets:?}"
            );
        }
    }
}

#[test]
fn an_agent_that_leaves_ends_the_services_stream() {
    let authority = Authority::new();
    let (upstream, proxy) = service(&authority);
    let (mut client, mut connection) = asked(&proxy, &upstream);
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.send_chunk("a token that costs money");
    client.read_head();
    client.read_chunk();
    client.close();
    let (ending, _) = connection.wait_for_close();
    assert!(matches!(
        ending,
        Ending::Closed | Ending::Truncated | Ending::Reset
    ));
}
