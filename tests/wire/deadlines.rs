//! Section 8, the deadlines, set short by their flags.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{OK, assert_own_answer, get, one_exchange, request};
use harness::peer::STILL;
use harness::upstream::{Full, listen};
use harness::{Client, Connection, Ending, GUARD, Peer, Proxy, Upstream, flag};

/// The deadline that is under test, and is to pass.
const SHORT: Duration = Duration::from_millis(400);

/// One within which a test has to do something: a machine that is busy with others does it
/// all the same.
const AMPLE: Duration = Duration::from_millis(1500);

/// Between two octets of who is slow.
const TRICKLE: Duration = Duration::from_millis(100);

fn with(name: &str, deadline: Duration) -> (Upstream, Proxy) {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).deadline(name, deadline).start();
    (upstream, proxy)
}

/// Runs `wait`, in which the deadline begins and passes, and expects it to take as long.
fn takes_its_time<T>(deadline: Duration, wait: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = wait();
    let waited = begun.elapsed();
    // Timers tick in milliseconds.
    assert!(
        waited > deadline - Duration::from_millis(100),
        "only {waited:?}"
    );
    result
}

/// Sends an octet from time to time, which is progress, until an answer comes.
fn trickle(client: &mut Client, octets: &[u8]) -> usize {
    for (index, octet) in octets.iter().enumerate() {
        if client.readable_within(TRICKLE) || client.push(&[*octet]).is_err() {
            return index;
        }
    }
    octets.len()
}

#[test]
fn a_request_head_that_is_not_complete_in_time_is_a_408() {
    let (upstream, proxy) = with(flag::REQUEST_HEAD_TIME, SHORT);
    for part in ["G", "GET /api/x HTTP/1.1\r\nHost: a\r\n"] {
        let mut client = proxy.client();
        let answer = takes_its_time(SHORT, || {
            client.send(part);
            client.read_response("GET")
        });
        assert_own_answer(&answer, 408);
        assert!(answer.closes(), "{:?}", answer.head);
        client.wait_for_close();
    }
    upstream.assert_untouched();
    one_exchange(&proxy, &upstream);
}

#[test]
fn a_head_that_trickles_in_is_not_given_more_time() {
    let (_upstream, proxy) = with(flag::REQUEST_HEAD_TIME, SHORT);
    let mut client = proxy.client();
    let endless = get("/api/x").replace("\r\n\r\n", "\r\nX: ") + &"y".repeat(100);
    let sent = takes_its_time(SHORT, || trickle(&mut client, endless.as_bytes()));
    assert!(sent < 50, "{sent} octets were taken");
    assert_own_answer(&client.read_response("GET"), 408);
}

#[test]
fn a_connection_between_requests_is_closed_in_silence() {
    let (upstream, proxy) = with(flag::IDLE_TIME, AMPLE);
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    // The time of an exchange is not idle.
    assert!(!client.readable_within(AMPLE * 2));
    let (ending, _) = takes_its_time(AMPLE, || {
        service.send(OK);
        client.read_response("GET");
        client.wait_for_close()
    });
    assert_eq!(ending, Ending::Closed);
    // Nor is a connection waited for that never says a word.
    let mut client = proxy.client();
    assert_eq!(client.wait_for_close().0, Ending::Closed);
}

#[test]
fn a_client_that_stops_within_its_body_gets_a_408() {
    let (upstream, proxy) = with(flag::REQUEST_BODY_IDLE_TIME, SHORT);
    for framing in ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut client = proxy.client();
        let (answer, mut service) = takes_its_time(SHORT, || {
            client.send(request("POST", "/api/x", framing) + "5\r\nhello\r\n");
            let mut service = upstream.accept();
            service.read_head();
            (client.read_response("POST"), service)
        });
        assert_own_answer(&answer, 408);
        assert!(answer.closes(), "{:?}", answer.head);
        service.read_to_end();
    }
}

#[test]
fn a_body_that_trickles_in_is_progress() {
    let (upstream, proxy) = with(flag::REQUEST_BODY_IDLE_TIME, AMPLE);
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 20\r\n"));
    assert_eq!(trickle(&mut client, &[b'x'; 20]), 20);
    let mut service = upstream.accept();
    assert_eq!(service.read_request().1, [b'x'; 20]);
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
}

/// A client that has announced a body and waits with it, and its service.
fn waiting_for_a_100(proxy: &Proxy, upstream: &Upstream) -> (Client, Connection) {
    let mut client = proxy.client();
    let fields = "Content-Length: 5\r\nExpect: 100-continue\r\n";
    client.send(request("POST", "/api/x", fields));
    let mut service = upstream.accept();
    service.read_head();
    (client, service)
}

/// The 100, and the exchange to its end.
fn go_on(mut client: Client, mut service: Connection) {
    service.send("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(client.read_head().status(), 100);
    client.send("hello");
    assert_eq!(service.read_exact(5), b"hello");
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
}

#[test]
fn a_client_that_waits_for_a_100_is_not_late() {
    let (upstream, proxy) = with(flag::REQUEST_BODY_IDLE_TIME, AMPLE);
    let (mut client, service) = waiting_for_a_100(&proxy, &upstream);
    assert!(!client.readable_within(AMPLE * 2), "no 408");
    go_on(client, service);
}

#[test]
fn a_client_that_got_a_hint_still_waits_for_the_100() {
    let (upstream, proxy) = with(flag::REQUEST_BODY_IDLE_TIME, AMPLE);
    let (mut client, mut service) = waiting_for_a_100(&proxy, &upstream);
    service.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    assert_eq!(client.read_head().status(), 103);
    assert!(!client.readable_within(AMPLE * 2), "no 408");
    go_on(client, service);
}

#[test]
fn a_client_that_is_silent_after_the_100_is_late() {
    let (upstream, proxy) = with(flag::REQUEST_BODY_IDLE_TIME, SHORT);
    let (mut client, mut service) = waiting_for_a_100(&proxy, &upstream);
    assert!(!client.readable_within(SHORT), "no 408");
    let answer = takes_its_time(SHORT, || {
        service.send("HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(client.read_head().status(), 100);
        client.read_response("POST")
    });
    assert_own_answer(&answer, 408);
    service.read_to_end();
}

#[test]
fn an_upstream_that_reads_nothing_of_a_request_is_a_504() {
    let upstream = Upstream::plain();
    // Longer than it takes to see that nothing moves any more.
    let proxy = Proxy::to(&upstream)
        .deadline(flag::UPSTREAM_READ_IDLE_TIME, STILL * 6)
        .start();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 100000000\r\n"));
    let mut service = upstream.accept();
    service.read_head();
    let sent = client.send_until_blocked(100_000_000);
    assert!(sent < 100_000_000, "the upstream does not read");
    let answer = client.read_response("POST");
    assert_own_answer(&answer, 504);
    client.read_to_end();
    service.read_to_end();
}

#[test]
fn an_upstream_that_does_not_answer_is_a_504() {
    let (upstream, proxy) = with(flag::RESPONSE_HEAD_TIME, AMPLE);
    for part in ["", "HTTP/1.1 200 OK\r\n"] {
        let mut client = proxy.client();
        let (answer, mut service) = takes_its_time(AMPLE, || {
            client.send(request("POST", "/api/x", "Content-Length: 5\r\n") + "hello");
            let mut service = upstream.accept();
            service.read_request();
            service.send(part);
            (client.read_response("POST"), service)
        });
        assert_own_answer(&answer, 504);
        service.read_to_end();
    }
}

#[test]
fn the_time_for_an_answer_counts_from_the_last_octet_of_the_request() {
    let (upstream, proxy) = with(flag::RESPONSE_HEAD_TIME, AMPLE);
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 20\r\n"));
    assert_eq!(trickle(&mut client, &[b'x'; 20]), 20);
    let mut service = upstream.accept();
    service.read_request();
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
}

#[test]
fn a_response_body_may_be_silent_for_as_long_as_it_likes() {
    let upstream = Upstream::plain();
    let mut builder = Proxy::to(&upstream);
    for name in [
        flag::REQUEST_HEAD_TIME,
        flag::IDLE_TIME,
        flag::REQUEST_BODY_IDLE_TIME,
        flag::UPSTREAM_READ_IDLE_TIME,
        flag::CONNECT_TIME,
        flag::RESPONSE_HEAD_TIME,
        flag::CLIENT_READ_IDLE_TIME,
        flag::TUNNEL_IDLE_TIME,
        flag::POOL_IDLE_TIME,
    ] {
        builder = builder.deadline(name, AMPLE);
    }
    let proxy = builder.start();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    service.send_chunk("one");
    assert_eq!(client.read_head().status(), 200);
    assert_eq!(client.read_chunk().as_deref(), Some(&b"one"[..]));
    assert!(
        !client.readable_within(AMPLE * 2),
        "nothing ends the silence"
    );
    service.send_chunk("two");
    assert_eq!(client.read_chunk().as_deref(), Some(&b"two"[..]));
    service.send("0\r\n\r\n");
    assert_eq!(client.read_chunk(), None);
}

#[test]
fn a_client_that_reads_nothing_is_closed_and_the_upstream_with_it() {
    let upstream = Upstream::plain();
    // Longer than it takes to see that nothing moves any more.
    let proxy = Proxy::to(&upstream)
        .deadline(flag::CLIENT_READ_IDLE_TIME, STILL * 6)
        .start();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    service.read_head();
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    let sent = service.send_until_blocked(100_000_000);
    assert!(sent < 100_000_000);
    service.read_to_end();
    let (octets, _) = client.read_to_end();
    assert!(octets.len() < 100_000_000);
}

#[test]
fn a_connection_that_is_not_made_in_time_is_a_504() {
    let full = Full::new();
    let proxy = Proxy::to_url(&full.url())
        .deadline(flag::CONNECT_TIME, SHORT)
        .start();
    let mut client = proxy.client();
    let answer = takes_its_time(SHORT, || client.ask(get("/api/x")));
    assert_own_answer(&answer, 504);
}

#[test]
fn a_tls_handshake_that_does_not_end_is_a_504() {
    let listener = listen();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let proxy = Proxy::to_url(&url)
        .deadline(flag::CONNECT_TIME, SHORT)
        .start();
    let mut client = proxy.client();
    let answer = takes_its_time(SHORT, || client.ask(get("/api/x")));
    assert_own_answer(&answer, 504);
    listener.accept().expect("a connection");
}

#[test]
fn a_connection_that_lingers_ends_when_its_client_is_silent() {
    let (_upstream, proxy) = with(flag::LINGER_IDLE_TIME, SHORT);
    let before = proxy.open_descriptors();
    let mut client = proxy.client();
    takes_its_time(SHORT, || {
        let answer = client.ask(request("POST", "/api/x", "Content-Length: +1\r\n"));
        assert_eq!(answer.status(), 400);
        client.wait_for_close();
        proxy.wait_for_descriptors(before);
    });
}

#[test]
fn a_connection_that_lingers_ends_even_if_its_client_goes_on_and_on() {
    let (_upstream, proxy) = with(flag::LINGER_TIME, SHORT);
    let before = proxy.open_descriptors();
    let mut client = proxy.client();
    let begun = Instant::now();
    takes_its_time(SHORT, || {
        let answer = client.ask(request("POST", "/api/x", "Content-Length: +1\r\n"));
        assert_eq!(answer.status(), 400);
        client.wait_for_close();
        // Until the octets meet a socket that is closed.
        while client.push(b"x").is_ok() {
            assert!(begun.elapsed() < GUARD, "the connection is kept");
            thread::yield_now();
        }
    });
    proxy.wait_for_descriptors(before);
}

#[test]
fn every_deadline_can_be_set_by_the_environment() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .env(flag::variable(flag::RESPONSE_HEAD_TIME), flag::time(SHORT))
        .start();
    let mut client = proxy.client();
    let answer = takes_its_time(SHORT, || {
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        client.read_response("GET")
    });
    assert_own_answer(&answer, 504);
}
