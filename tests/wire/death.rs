//! Sections 4 and 5, either side going away, at each stage.

use std::time::{Duration, Instant};

use crate::support::{assert_own_answer, get, one_exchange, pair, request};
use harness::tcp_state::End;
use harness::{Client, Connection, GUARD, Peer, Proxy, Upstream};
use socket2::SockRef;

/// Section 4: within 100 ms.
const AT_ONCE: Duration = Duration::from_millis(100);

/// How often a machine that is busy may be late.
const TRIES: usize = 50;

/// Runs `die`, which gives the time of the client's death and the upstream's end, and
/// expects the close in time. A machine that is busy with other tests may be late now
/// and then, a proxy that waits for something is late always.
fn is_seen_at_once(name: &str, mut die: impl FnMut() -> (Instant, Connection)) {
    let mut waited = Duration::MAX;
    for _ in 0..TRIES {
        let (died, mut service) = die();
        // Where much stands unread before it, the proxy's own end tells of its close.
        service.readable_within(GUARD);
        while service.proxy_end().is_established() {
            assert!(died.elapsed() < GUARD, "{name}: not closed");
        }
        waited = waited.min(died.elapsed());
        service.read_to_end();
        if waited <= AT_ONCE {
            return;
        }
    }
    panic!("{name}: the upstream was closed after {waited:?}");
}

/// A way in which a client ends, and its name.
type Way = (&'static str, fn(Client) -> Instant);

const WAYS: [Way; 3] = [
    ("FIN", Client::close),
    ("reset", Client::reset),
    ("half-close", |client| {
        client.half_close();
        let at = Instant::now();
        // The descriptor stays open, so that only FIN was sent.
        std::mem::forget(client);
        at
    }),
];

fn every_way(stage: impl Fn(&Proxy, &Upstream) -> (Client, Connection)) {
    let (upstream, proxy) = pair();
    for (way, end) in WAYS {
        is_seen_at_once(way, || {
            let (client, service) = stage(&proxy, &upstream);
            (end(client), service)
        });
    }
    one_exchange(&proxy, &upstream);
}

#[test]
fn a_client_that_goes_while_it_waits_for_the_head_cancels_the_upstream() {
    every_way(|proxy, upstream| {
        let mut client = proxy.client();
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        (client, service)
    });
}

#[test]
fn a_client_that_goes_within_its_body_cancels_the_upstream() {
    for framing in ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"] {
        every_way(|proxy, upstream| {
            let mut client = proxy.client();
            client.send(request("POST", "/api/x", framing) + "5\r\nhello\r\n");
            let mut service = upstream.accept();
            service.read_head();
            service.read_exact(5);
            (client, service)
        });
    }
}

#[test]
fn a_client_that_goes_after_its_body_cancels_the_upstream() {
    every_way(|proxy, upstream| {
        let mut client = proxy.client();
        client.send(request("POST", "/api/x", "Content-Length: 5\r\n") + "hello");
        let mut service = upstream.accept();
        assert_eq!(service.read_request().1, b"hello");
        (client, service)
    });
}

#[test]
fn a_client_that_goes_between_two_events_cancels_the_upstream() {
    for framing in [
        "Transfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n",
        "\r\nevent",
        "Content-Length: 9\r\n\r\nevent",
    ] {
        every_way(|proxy, upstream| {
            let mut client = proxy.client();
            client.send(get("/api/x"));
            let mut service = upstream.accept();
            service.read_head();
            service.send(format!("HTTP/1.1 200 OK\r\n{framing}"));
            if client.read_head().is_chunked() {
                client.read_chunk();
            } else {
                client.read_exact(5);
            }
            (client, service)
        });
    }
}

#[test]
fn a_client_that_goes_while_it_does_not_read_cancels_the_upstream() {
    every_way(|proxy, upstream| {
        let mut client = proxy.client();
        client.receive_buffer(4096);
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        service.send("HTTP/1.1 200 OK\r\n\r\n");
        service.send_until_blocked(64 << 20);
        (client, service)
    });
}

#[test]
fn a_client_that_goes_while_the_upstream_does_not_read_cancels_it() {
    every_way(|proxy, upstream| {
        let mut client = proxy.client();
        let bounded = SockRef::from(client.socket()).set_send_buffer_size(100_000);
        bounded.expect("SO_SNDBUF");
        client.send(request("POST", "/api/x", "Content-Length: 100000000\r\n"));
        let mut service = upstream.accept();
        service.read_head();
        service.receive_buffer(100_000);
        let mut offset = 0;
        client.send_until_blocked(100_000_000);
        // What has not left the client would stand before its FIN: room is made for just
        // that, so that the proxy is left with octets that it has no place for.
        while End::own(client.socket())
            .state()
            .is_some_and(|state| state.unsent > 0)
        {
            service.read_pattern(offset, 100_000);
            offset += 100_000;
        }
        (client, service)
    });
}

#[test]
fn a_client_that_goes_behind_a_pipelined_request_cancels_the_upstream() {
    every_way(|proxy, upstream| {
        let mut client = proxy.client();
        client.send(get("/api/x") + &get("/api/pipelined"));
        let mut service = upstream.accept();
        assert_eq!(service.read_head().start_line(), "GET /x HTTP/1.1");
        (client, service)
    });
}

#[test]
fn a_client_that_goes_behind_much_pipelined_input_cancels_the_upstream() {
    every_way(|proxy, upstream| {
        let mut client = proxy.client();
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        client.send(get(&format!("/api/{}", "x".repeat(10_000))).repeat(3));
        (client, service)
    });
}

#[test]
fn a_client_that_goes_within_its_head_is_forgotten() {
    let (upstream, proxy) = pair();
    for part in ["", "\r\n", "G", "GET /api/x HTTP/1.1\r\nHost: a\r\n"] {
        for (_, end) in WAYS {
            let mut client = proxy.client();
            client.send(part);
            end(client);
        }
    }
    upstream.assert_untouched();
    one_exchange(&proxy, &upstream);
    upstream.assert_untouched();
}

#[test]
fn descriptors_are_given_back() {
    let (upstream, proxy) = pair();
    one_exchange(&proxy, &upstream);
    let before = proxy.open_descriptors();
    for _ in 0..20 {
        let mut client = proxy.client();
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        client.reset();
        service.read_to_end();
    }
    // The proxy has closed its end of each upstream connection; a pooled one may stay.
    proxy.wait_for_descriptors(before + 3);
}

#[test]
fn an_upstream_that_closes_before_it_answers_is_a_502() {
    let (upstream, proxy) = pair();
    let ends: [fn(Connection); 2] = [Connection::close, Connection::reset];
    for end in ends {
        for method in ["GET", "POST"] {
            let mut client = proxy.client();
            client.send(request(method, "/api/x", "Content-Length: 0\r\n"));
            let mut service = upstream.accept();
            service.read_head();
            end(service);
            let answer = client.read_response(method);
            assert_own_answer(&answer, 502);
            assert!(!answer.closes(), "{:?}", answer.head);
            upstream.assert_untouched();
        }
    }
}

#[test]
fn an_upstream_that_closes_within_its_head_is_a_502() {
    let (upstream, proxy) = pair();
    for part in [
        "H",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n\r",
    ] {
        let mut client = proxy.client();
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        service.send(part);
        service.close();
        assert_own_answer(&client.read_response("GET"), 502);
        upstream.assert_untouched();
    }
}

#[test]
fn an_upstream_that_closes_after_an_interim_response_is_a_502() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    assert_eq!(client.read_head().status(), 103);
    service.close();
    assert_own_answer(&client.read_response("GET"), 502);
}

#[test]
fn an_upstream_that_closes_within_the_request_body_is_a_502() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 100000000\r\n") + "hello");
    let mut service = upstream.accept();
    service.read_head();
    assert_eq!(service.read_exact(5), b"hello");
    service.reset();
    let _ = client.push(&vec![b'x'; 100_000]);
    assert_own_answer(&client.read_response("POST"), 502);
    client.read_to_end();
}
