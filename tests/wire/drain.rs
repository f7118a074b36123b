//! Section 1, SIGTERM and SIGINT: no new connections, exchanges finish, the rest is cut.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{OK, get, pair, request};
use harness::peer::STILL;
use harness::{Ending, GUARD, Peer, Proxy, Upstream, flag};
use rustix::process::Signal;

#[test]
fn an_idle_proxy_ends_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let upstream = Upstream::plain();
        // Who waited for the deadline would wait longer than the guard.
        let proxy = Proxy::to(&upstream)
            .deadline(flag::DRAIN_TIME, GUARD * 30)
            .start();
        let mut idle = proxy.client();
        assert_eq!(idle.ask(get("/none")).status(), 404);
        let mut fresh = proxy.client();
        proxy.signal(signal);
        assert_eq!(idle.wait_for_close().0, Ending::Closed);
        fresh.read_to_end();
        let status = proxy.wait_for_end();
        assert_eq!(status.code(), Some(0), "{status}");
    }
}

#[test]
fn an_exchange_finishes_and_no_new_connection_is_taken() {
    let (upstream, mut proxy) = pair();
    let address = proxy.address();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    service.send_chunk("before");
    assert_eq!(client.read_head().status(), 200);
    assert_eq!(client.read_chunk().as_deref(), Some(&b"before"[..]));
    proxy.signal(Signal::TERM);
    // Refused, or taken by a queue that nobody serves any more and reset at its end.
    let begun = Instant::now();
    while let Ok(stream) = TcpStream::connect(address) {
        assert!(begun.elapsed() < GUARD, "connections are still taken");
        drop(stream);
        thread::yield_now();
    }
    assert!(proxy.is_running(), "an exchange goes on");
    service.send_chunk("after");
    assert_eq!(client.read_chunk().as_deref(), Some(&b"after"[..]));
    service.send("0\r\n\r\n");
    assert_eq!(client.read_chunk(), None);
    assert_eq!(client.wait_for_close().0, Ending::Closed);
    assert_eq!(proxy.wait_for_end().code(), Some(0));
}

#[test]
fn a_request_that_has_begun_is_still_answered() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 10\r\n") + "01234");
    let mut service = upstream.accept();
    service.read_head();
    assert_eq!(service.read_exact(5), b"01234");
    proxy.signal(Signal::TERM);
    client.send("56789");
    assert_eq!(service.read_exact(5), b"56789");
    service.send(OK);
    assert_eq!(client.read_response("POST").text(), "ok");
    assert_eq!(client.wait_for_close().0, Ending::Closed);
    assert_eq!(proxy.wait_for_end().code(), Some(0));
}

#[test]
fn what_has_not_finished_by_the_deadline_is_cut() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .deadline(flag::DRAIN_TIME, Duration::from_millis(500))
        .start();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart");
    assert_eq!(client.read_head().status(), 200);
    assert_eq!(client.read_exact(4), b"part");
    let begun = Instant::now();
    proxy.signal(Signal::TERM);
    let (octets, _) = client.read_to_end();
    let waited = begun.elapsed();
    assert_eq!(octets, b"");
    assert!(waited > Duration::from_millis(400), "only {waited:?}");
    service.read_to_end();
    assert_eq!(proxy.wait_for_end().code(), Some(0));
}

/// How long a proxy whose exchange does not end lives on after the signal.
fn time_to_the_end() -> Duration {
    let (upstream, proxy) = pair();
    let mut client = proxy.client().guard(GUARD * 2);
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    let begun = Instant::now();
    proxy.signal(Signal::TERM);
    client.read_to_end();
    let waited = begun.elapsed();
    service.read_to_end();
    assert!(proxy.wait_for_end().code().is_some());
    waited
}

#[test]
fn the_drain_waits_eight_seconds_by_default() {
    // A machine that is busy with other tests may be late now and then, never early.
    let mut late = Vec::new();
    while late.len() < 3 {
        let waited = time_to_the_end();
        assert!(waited > Duration::from_millis(7500), "only {waited:?}");
        if waited < Duration::from_millis(9900) {
            return;
        }
        late.push(waited);
    }
    panic!("{late:?}");
}

#[test]
fn who_waits_in_the_accept_queue_is_served_before_the_end() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--threads")
        .arg("1")
        .limit(flag::CONNECTIONS, 1)
        .start();
    let mut served = proxy.client();
    served.send(get("/api/served"));
    let mut service = upstream.accept();
    service.read_head();
    let mut waiting: Vec<_> = (0..3).map(|_| proxy.client()).collect();
    for client in &mut waiting {
        client.send(get("/api/waiting"));
    }
    proxy.signal(Signal::TERM);
    assert!(!waiting[0].readable_within(STILL), "not served, not reset");
    service.send(OK);
    assert_eq!(served.read_response("GET").text(), "ok");
    served.close();
    for mut client in waiting {
        // The pooled connection of the exchange before.
        assert_eq!(service.read_head().start_line(), "GET /waiting HTTP/1.1");
        service.send(OK);
        let answer = client.read_response("GET");
        assert_eq!((answer.text().as_str(), answer.closes()), ("ok", true));
    }
    assert_eq!(proxy.wait_for_end().code(), Some(0));
}
