//! A warm exchange allocates nothing: counted in this very process, which is why this
//! target has one test and no other thread that could allocate meanwhile.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use engine::config::{LogLevel, NoProxy};
use engine::limits::Limits;
use engine::policy::{AllowedHosts, Credential, CredentialForm, Secret};
use engine::route::{Route, RouteTable, UpstreamUrl};
use engine::upstream::{Connector, Trust};
use engine::{AccessLog, Engine, Listen, Setup};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BODY: [u8; 4096] = [b'x'; 4096];

const GET: &str = "GET /a/x HTTP/1.1\r\nHost: p\r\nUser-Agent: t\r\nAccept: */*\r\n\
    Authorization: Bearer placeholder\r\nConnection: keep-alive\r\n\r\n";

const POST: &str =
    "POST /a/x?y=1 HTTP/1.1\r\nHost: p\r\nContent-Type: a/b\r\nContent-Length: 4096\r\n\r\n";

/// Warm: the memory of an exchange has been made and has the size that it needs.
const WARM_UP: usize = 50;

const COUNTED: usize = 500;

#[test]
fn a_warm_exchange_allocates_nothing() {
    let region = Region::new(ALLOCATOR);
    drop(std::hint::black_box(vec![1, 2, 3]));
    assert!(region.change().allocations > 0, "the counter counts");
    let engine = engine_before(upstream());
    let mut client = TcpStream::connect(engine.address()).expect("a connection");
    client.set_nodelay(true).expect("a socket option");
    let guard = Some(Duration::from_secs(10));
    client.set_read_timeout(guard).expect("a socket option");
    for (what, head, body) in [("GET", GET, &BODY[..0]), ("4 KiB POST", POST, &BODY[..])] {
        for _ in 0..WARM_UP {
            exchange(&mut client, head, body);
        }
        let region = Region::new(ALLOCATOR);
        for _ in 0..COUNTED {
            exchange(&mut client, head, body);
        }
        let counted = region.change();
        assert_eq!(
            (counted.allocations, counted.reallocations),
            (0, 0),
            "{COUNTED} times {what}: {counted:?}"
        );
    }
}

fn exchange(client: &mut TcpStream, head: &str, body: &[u8]) {
    client.write_all(head.as_bytes()).expect("a write");
    client.write_all(body).expect("a write");
    let mut octets = [0; 1024];
    let mut count = 0;
    while !octets[..count].ends_with(b"hello") {
        count += client.read(&mut octets[count..]).expect("an answer");
    }
    assert!(octets.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

/// Answers every request, from memory that it has from the start.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut octets = [0; 16 * 1024];
        let mut count = 0;
        loop {
            match stream.read(&mut octets[count..]) {
                Ok(0) | Err(_) => return,
                Ok(more) => count += more,
            }
            let seen = &octets[..count];
            let end = if seen.starts_with(b"POST") {
                &BODY[..]
            } else {
                b"\r\n\r\n"
            };
            if seen.ends_with(end) {
                count = 0;
                let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: t\r\n\r\nhello";
                stream.write_all(answer.as_bytes()).expect("a write");
            }
        }
    });
    address
}

fn engine_before(upstream: SocketAddr) -> Engine {
    let limits = Arc::new(Limits::default());
    let token = Secret::new(b"token".to_vec());
    let form = CredentialForm::Scheme("Bearer".into());
    let credential = Credential::render("authorization", &form, &token);
    let route = Route::new(
        "/a/".into(),
        UpstreamUrl::parse(&format!("http://{upstream}")).expect("an URL"),
        credential.expect("a usable token"),
    );
    let connector = Connector::new(
        Trust::Only(Vec::new()),
        None,
        NoProxy::default(),
        Arc::clone(&limits),
    );
    Engine::start(Setup {
        listen: Listen::Address((Ipv4Addr::LOCALHOST, 0).into()),
        workers: 1,
        routes: RouteTable::new(vec![route]).expect("one route"),
        connector: connector.expect("a connector"),
        allowed_hosts: AllowedHosts::any(),
        limits,
        log: Arc::new(AccessLog::new(LogLevel::Off).expect("a log")),
        metrics: false,
    })
    .expect("an engine")
}
