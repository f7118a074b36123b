//! Many connections at once, and the limit on them.

use std::time::Duration;

use crate::support::{OK, get, one_exchange, response};
use harness::peer::STILL;
use harness::{Client, GUARD, Peer, Proxy, Upstream, flag};

/// Between two looks at places of which one will be used.
const LOOK: Duration = Duration::from_millis(10);

#[test]
fn a_thousand_connections_at_once_are_all_served() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).log("error").start();
    let mut clients: Vec<Client> = (0..1000).map(|_| proxy.client()).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(get(&format!("/api/{index}")));
    }
    let mut services: Vec<_> = (0..1000)
        .map(|_| {
            let mut service = upstream.accept();
            let line = service.read_head().start_line();
            (line, service)
        })
        .collect();
    for (line, service) in &mut services {
        let target = line.split(' ').nth(1).unwrap();
        service.send(response("200 OK", "", target));
    }
    for (index, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.read_response("GET").text(), format!("/{index}"));
    }
    drop(clients);
    services.into_iter().for_each(|(_, s)| s.leave());
    one_exchange(&proxy, &upstream);
}

#[test]
fn one_connection_more_than_allowed_waits_for_its_turn() {
    let upstream = Upstream::plain();
    for threads in ["1", "2"] {
        let proxy = Proxy::to(&upstream)
            .arg("--threads")
            .arg(threads)
            .limit(flag::CONNECTIONS, 3)
            .start();
        let mut clients: Vec<Client> = (0..3).map(|_| proxy.client()).collect();
        let mut services = Vec::new();
        for client in &mut clients {
            client.send(get("/api/x"));
            let mut service = upstream.accept();
            service.read_head();
            services.push(service);
        }
        // It is in the accept queue: connected, and not served.
        let mut waiting = proxy.client();
        waiting.send(get("/api/waiting"));
        assert!(!upstream.ready(STILL), "above the limit");
        services[1].send(OK);
        assert_eq!(clients[1].read_response("GET").text(), "ok");
        let freed = clients.remove(1).close();
        // The worker that serves it has a pooled connection, or has none.
        let is_fresh = loop {
            match services[1].readable_within(LOOK) {
                true => break false,
                false if upstream.ready(LOOK) => break true,
                false => assert!(freed.elapsed() < GUARD, "nobody is served"),
            }
        };
        let mut service = match is_fresh {
            true => upstream.accept(),
            false => services.remove(1),
        };
        assert_eq!(service.read_head().start_line(), "GET /waiting HTTP/1.1");
        service.send(OK);
        assert_eq!(waiting.read_response("GET").text(), "ok");
    }
}

#[test]
fn a_process_with_few_descriptors_lets_connections_wait() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .log("error")
        .arg("--threads")
        .arg("1")
        .descriptors(96)
        .start();
    let mut clients: Vec<Client> = (0..60).map(|_| proxy.client()).collect();
    for client in &mut clients {
        client.send(get("/none"));
    }
    // 16 at a time, as (96 - 64) / 2 says; each that ends makes room for another.
    for mut client in clients {
        assert_eq!(client.read_response("GET").status(), 404);
    }
    one_exchange(&proxy, &upstream);
}

#[test]
fn a_process_out_of_descriptors_backs_off_and_recovers() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--threads")
        .arg("1")
        .limit(flag::CONNECTIONS, 1000)
        .descriptors(40)
        .start();
    let mut clients: Vec<Client> = (0..80).map(|_| proxy.client()).collect();
    for client in &mut clients {
        client.send(get("/none"));
    }
    let mut clients = clients.into_iter();
    let mut first = clients.next().expect("a client");
    assert_eq!(first.read_response("GET").status(), 404);
    // The first stays and the last waits, for nobody makes room.
    let mut last = clients.next_back().expect("a client");
    assert!(!last.readable_within(STILL), "no descriptor is left");
    let lines = proxy.log_lines().len();
    assert!(lines < 80, "{lines} lines tell of it");
    for mut client in clients {
        assert_eq!(client.read_response("GET").status(), 404);
    }
    assert_eq!(last.read_response("GET").status(), 404);
    assert_eq!(first.ask(get("/none")).status(), 404);
    drop((first, last));
    one_exchange(&proxy, &upstream);
}
