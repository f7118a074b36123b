//! Connections that carry more than one exchange: pipelining, the pool, what is
//! replaced when a pooled connection died.

use std::time::Duration;

use crate::support::{OK, assert_own_answer, get, pair, request, response, reused};
use harness::{Client, Connection, Ending, Peer, Proxy, Service, Upstream, flag};

#[test]
fn pipelined_requests_are_answered_in_order() {
    let service = Service::plain(|request| response("200 OK", "", &request.target()).into_bytes());
    let proxy = Proxy::to_url(&service.url()).start();
    let mut client = proxy.client();
    let mut all = String::new();
    for index in 0..50 {
        all += &get(&format!("/api/{index}"));
        all += &request(
            "POST",
            &format!("/api/post/{index}"),
            "Content-Length: 3\r\n",
        );
        all += "abc";
        all += &get(&format!("/none/{index}"));
    }
    client.send(all);
    for index in 0..50 {
        assert_eq!(client.read_response("GET").text(), format!("/{index}"));
        assert_eq!(
            client.read_response("POST").text(),
            format!("/post/{index}")
        );
        assert_eq!(client.read_response("GET").status(), 404);
    }
    let seen: Vec<String> = service.requests().iter().map(|r| r.target()).collect();
    assert_eq!(seen.len(), 100);
    assert!(
        service.requests().iter().all(|r| r.connection == 0),
        "{seen:?}"
    );
}

#[test]
fn a_pipelined_request_waits_for_the_exchange_before_it() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(get("/api/one") + &get("/api/two"));
    let mut service = upstream.accept();
    assert_eq!(service.read_head().start_line(), "GET /one HTTP/1.1");
    assert!(service.is_idle(), "one exchange at a time");
    upstream.assert_untouched();
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    client.read_head();
    assert_eq!(client.read_exact(1), b"o");
    assert!(service.is_idle());
    service.send("k");
    assert_eq!(client.read_exact(1), b"k");
    assert_eq!(service.read_head().start_line(), "GET /two HTTP/1.1");
    service.send(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
}

#[test]
fn connection_close_of_the_client_ends_its_connection_and_not_the_upstreams() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).arg("--threads").arg("1").start();
    let mut client = proxy.client();
    client.send(request("GET", "/api/x", "Connection: close\r\n") + &get("/api/ignored"));
    let mut service = upstream.accept();
    service.read_head();
    service.send(OK);
    let answer = client.read_response("GET");
    assert!(answer.closes(), "{:?}", answer.head);
    assert_eq!(client.wait_for_close().0, Ending::Closed);
    let mut other = proxy.client();
    other.send(get("/api/other"));
    assert_eq!(service.read_head().start_line(), "GET /other HTTP/1.1");
    service.send(OK);
    other.read_response("GET");
    upstream.assert_untouched();
}

#[test]
fn the_connection_to_the_upstream_is_used_again() {
    let (upstream, proxy) = pair();
    let (mut client, mut service) = reused(&proxy, &upstream);
    for (method, body) in [("GET", ""), ("POST", "x"), ("HEAD", ""), ("PUT", "x")] {
        let fields = format!("Content-Length: {}\r\n", body.len());
        client.send(request(method, "/api/x", &fields) + body);
        service.read_request();
        service.send("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(client.read_response(method).status(), 204);
    }
    upstream.assert_untouched();
}

#[test]
fn a_pooled_connection_that_the_upstream_closed_is_not_used() {
    let (upstream, proxy) = pair();
    let ends: [fn(Connection); 2] = [Connection::close, Connection::reset];
    for end in ends {
        let (mut client, service) = reused(&proxy, &upstream);
        end(service);
        // Not even for a POST, which could not be sent twice.
        client.send(request("POST", "/api/x", "Content-Length: 1\r\n") + "x");
        let mut service = upstream.accept();
        assert_eq!(service.read_request().1, b"x");
        service.send(response("200 OK", "Connection: close\r\n", "ok"));
        assert_eq!(client.read_response("POST").status(), 200);
        upstream.assert_untouched();
    }
}

#[test]
fn a_pooled_connection_with_unasked_octets_is_not_used() {
    let (upstream, proxy) = pair();
    let (mut client, mut service) = reused(&proxy, &upstream);
    service.send(response("200 OK", "", "smuggled"));
    client.send(get("/api/x"));
    let mut next = upstream.accept();
    next.read_head();
    next.send(OK);
    assert_eq!(client.read_response("GET").text(), "ok");
    let (octets, _) = service.read_to_end();
    assert_eq!(octets, b"");
}

#[test]
fn a_reused_connection_that_dies_is_replaced_for_an_idempotent_request_without_body() {
    let (upstream, proxy) = pair();
    for method in ["GET", "HEAD", "OPTIONS", "DELETE", "PUT"] {
        let (mut client, mut service) = reused(&proxy, &upstream);
        client.send(request(method, "/api/again", ""));
        let head = service.read_head();
        service.close();
        let mut fresh = upstream.accept();
        assert_eq!(fresh.read_head(), head, "the same request");
        fresh.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assert_eq!(client.read_response(method).status(), 200);
        upstream.assert_untouched();
    }
}

#[test]
fn a_request_that_could_act_twice_is_never_sent_twice() {
    let (upstream, proxy) = pair();
    for (method, body) in [
        ("POST", ""),
        ("PATCH", ""),
        ("POST", "x"),
        ("PUT", "x"),
        ("DELETE", "x"),
    ] {
        let (mut client, mut service) = reused(&proxy, &upstream);
        let fields = format!("Content-Length: {}\r\n", body.len());
        client.send(request(method, "/api/once", &fields) + body);
        assert_eq!(service.read_request().1, body.as_bytes());
        service.close();
        assert_own_answer(&client.read_response(method), 502);
        upstream.assert_untouched();
    }
}

#[test]
fn a_reused_connection_is_replaced_once_and_not_for_ever() {
    let (upstream, proxy) = pair();
    let (mut client, mut service) = reused(&proxy, &upstream);
    client.send(get("/api/again"));
    service.read_head();
    service.close();
    let mut fresh = upstream.accept();
    fresh.read_head();
    fresh.close();
    assert_own_answer(&client.read_response("GET"), 502);
    upstream.assert_untouched();
}

#[test]
fn a_reused_connection_that_dies_within_its_answer_is_not_replaced() {
    let (upstream, proxy) = pair();
    let (mut client, mut service) = reused(&proxy, &upstream);
    client.send(get("/api/again"));
    service.read_head();
    service.send("H");
    service.close();
    assert_own_answer(&client.read_response("GET"), 502);
    upstream.assert_untouched();
}

#[test]
fn the_newest_of_the_pool_is_used_first_and_the_pool_has_an_end() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--threads")
        .arg("1")
        .limit(flag::POOL_CONNECTIONS, 2)
        .start();
    let mut clients: Vec<Client> = (0..3).map(|_| proxy.client()).collect();
    let mut services = Vec::new();
    for client in &mut clients {
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        services.push(service);
    }
    for (client, service) in clients.iter_mut().zip(&mut services) {
        service.send(OK);
        client.read_response("GET");
    }
    // One of the three had no place: the last one to come, or the oldest.
    let gone = (0..500).find_map(|_| {
        let brief = Duration::from_millis(10);
        services.iter_mut().position(|s| s.readable_within(brief))
    });
    let gone = gone.expect("one is closed");
    services.remove(gone);
    clients[0].send(get("/api/y"));
    let newest = services.last_mut().expect("two are left");
    assert_eq!(newest.read_head().start_line(), "GET /y HTTP/1.1");
    newest.send(OK);
    clients[0].read_response("GET");
}

#[test]
fn an_unused_connection_is_closed_after_its_time() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .deadline(flag::POOL_IDLE_TIME, Duration::from_millis(300))
        .start();
    let begun = std::time::Instant::now();
    let (mut client, mut service) = reused(&proxy, &upstream);
    if service.readable_within(Duration::from_secs(2)) {
        assert!(begun.elapsed() > Duration::from_millis(200));
        service.wait_for_close();
    }
    // Closed by a timer, or at the latest when it would have been used.
    client.send(get("/api/x"));
    let mut fresh = upstream.accept();
    fresh.read_head();
    fresh.send(OK);
    client.read_response("GET");
}
