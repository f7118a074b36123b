//! Large bodies of known length between plain sockets, which the kernel moves: all that
//! holds for other bodies holds for them.

use std::thread;

use crate::support::{request, reused};
use harness::{Client, Connection, Peer, Proxy, Upstream, pattern};

/// More than the pipe and the sockets hold where the client's own buffer is small.
const LARGE: u64 = 32 << 20;
/// That buffer, in octets.
const SMALL: usize = 64 << 10;
/// Below it a body is copied.
const FROM: u64 = 1 << 20;
/// Pipes in the whole process.
const PIPES: usize = 8;

fn asked(client: &mut Client, upstream: &Upstream) -> Connection {
    client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut service = upstream.accept();
    service.read_head();
    service
}

/// Pipes that the proxy has opened, by what the kernel says; standard streams may be two
/// more, and are there from the start.
fn pipes(proxy: &Proxy) -> usize {
    let folder = format!("/proc/{}/fd", proxy.pid());
    let entries = std::fs::read_dir(folder).expect("descriptors");
    let links = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let ends = links.filter(|link| link.to_string_lossy().starts_with("pipe:"));
    ends.count()
}

fn send_head(service: &mut Connection, length: u64) {
    service.send(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
    ));
}

#[test]
fn a_large_body_comes_whole_and_both_connections_go_on() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let before = pipes(&proxy);
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    for round in 0..3 {
        if round > 0 {
            client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
            service.read_head();
        }
        thread::scope(|scope| {
            scope.spawn(|| {
                send_head(&mut service, LARGE);
                service.send_pattern(LARGE);
            });
            assert_eq!(client.read_head().status(), 200);
            client.read_pattern(0, LARGE);
        });
        client.assert_silent();
    }
    assert_eq!(upstream.accepted(), 1, "one connection for all three");
    assert_eq!(pipes(&proxy), before + 2, "one pipe, kept");
}

#[test]
fn a_large_upload_goes_whole_and_the_next_request_is_another() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let before = pipes(&proxy);
    let mut client = proxy.client();
    thread::scope(|scope| {
        scope.spawn(|| {
            client.send(format!(
                "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"
            ));
            client.send_pattern(LARGE);
            client.send("GET /api/next HTTP/1.1\r\nHost: a\r\n\r\n");
        });
        let mut service = upstream.accept();
        service.read_head();
        service.read_pattern(0, LARGE);
        service.send("HTTP/1.1 204 No Content\r\n\r\n");
        let next = service.read_head();
        assert!(next.start_line().starts_with("GET /next "), "{next:?}");
        service.send("HTTP/1.1 204 No Content\r\n\r\n");
    });
    for _ in 0..2 {
        assert_eq!(client.read_response("GET").status(), 204);
    }
    assert_eq!(pipes(&proxy), before + 2);
}

#[test]
fn only_from_its_size_on_a_body_goes_through_a_pipe() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let before = pipes(&proxy);
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    for (length, opened) in [(FROM - 1, 0), (FROM, 2)] {
        if length == FROM {
            client.send("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n");
            service.read_head();
        }
        send_head(&mut service, length);
        // So that all of the body is still to come when its head has gone.
        assert_eq!(client.read_head().status(), 200);
        thread::scope(|scope| {
            scope.spawn(|| service.send_pattern(length));
            client.read_pattern(0, length);
        });
        assert_eq!(pipes(&proxy), before + opened, "{length} octets");
    }
}

#[test]
fn a_body_that_is_cut_is_seen_as_cut() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    for is_reset in [false, true] {
        let mut client = proxy.client();
        let mut service = asked(&mut client, &upstream);
        send_head(&mut service, LARGE);
        assert_eq!(client.read_head().status(), 200);
        let cut = 3 * FROM + 17;
        thread::scope(|scope| {
            scope.spawn(|| service.send_pattern(cut));
            client.read_pattern(0, cut);
        });
        match is_reset {
            true => service.reset(),
            false => service.close(),
        };
        let (rest, _) = client.read_to_end();
        assert!(rest.is_empty(), "{} octets that nobody sent", rest.len());
        // The proxy serves on, with a pipe that holds nothing of this.
        let mut client = proxy.client();
        let mut service = asked(&mut client, &upstream);
        send_head(&mut service, FROM * 2);
        thread::scope(|scope| {
            scope.spawn(|| service.send_pattern(FROM * 2));
            client.read_head();
            client.read_pattern(0, FROM * 2);
        });
    }
}

#[test]
fn a_client_that_leaves_ends_the_upstream_too_and_its_octets_are_nobody_elses() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let mut client = proxy.client();
    client.receive_buffer(SMALL);
    let mut service = asked(&mut client, &upstream);
    send_head(&mut service, LARGE);
    let sent = service.send_until_blocked(LARGE);
    assert!(sent < LARGE, "all fits between the two");
    client.reset();
    service.read_to_end();
    let mut client = proxy.client();
    let mut service = asked(&mut client, &upstream);
    send_head(&mut service, LARGE);
    thread::scope(|scope| {
        scope.spawn(|| service.send_pattern(LARGE));
        client.read_head();
        client.read_pattern(0, LARGE);
    });
}

#[test]
fn what_more_there_are_than_pipes_is_copied() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let before = pipes(&proxy);
    let mut waiting: Vec<(Client, Connection, u64)> = (0..PIPES + 2)
        .map(|_| {
            let mut client = proxy.client();
            client.receive_buffer(SMALL);
            let mut service = asked(&mut client, &upstream);
            send_head(&mut service, LARGE);
            let sent = service.send_until_blocked(LARGE);
            (client, service, sent)
        })
        .collect();
    assert_eq!(pipes(&proxy), before + 2 * PIPES);
    for (client, service, sent) in &mut waiting {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut at = *sent;
                while at < LARGE {
                    let piece = pattern::slice(at, (LARGE - at) as usize);
                    service.send(piece);
                    at += piece.len() as u64;
                }
            });
            assert_eq!(client.read_head().status(), 200);
            client.read_pattern(0, LARGE);
        });
    }
    assert_eq!(pipes(&proxy), before + 2 * PIPES);
}

/// A pipe that nothing has gone through yet keeps nobody from starting afresh.
#[test]
fn a_large_upload_that_has_not_begun_goes_to_a_fresh_connection() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let before = pipes(&proxy);
    let (mut client, mut stale) = reused(&proxy, &upstream);
    let head = format!("Content-Length: {LARGE}\r\nExpect: 100-continue\r\n");
    client.send(request("PUT", "/api/x", &head));
    let asked = stale.read_head();
    stale.close();
    let mut fresh = upstream.accept();
    assert_eq!(fresh.read_head(), asked);
    fresh.send("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(client.read_head().status(), 100);
    thread::scope(|scope| {
        scope.spawn(|| client.send_pattern(LARGE));
        fresh.read_pattern(0, LARGE);
    });
    fresh.send("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(client.read_response("PUT").status(), 204);
    assert_eq!(pipes(&proxy), before + 2);
}
