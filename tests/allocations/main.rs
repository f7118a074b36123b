//! A warm exchange allocates nothing, and no exchange leaves anything: counted in this very
//! process, which is why this target has one test and no other thread that could allocate
//! meanwhile.

mod mixed;

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
use harness::TOKEN;
use mixed::Mixed;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

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

/// Rounds of mixed traffic before the first that is counted: caches of TLS sessions fill
/// up to their bounds, and read buffers find their size.
const ROUNDS_WARM_UP: usize = 8;

/// Rounds after each of which is counted, at either end.
const ROUNDS_COUNTED: usize = 10;

/// Rounds between the two ends.
const ROUNDS_BETWEEN: usize = 40;

/// The memory of two exchanges with all four of their buffers at the size that is kept.
const STEP_OCTETS: usize = 4 * 64 * 1024;

#[test]
fn memory_is_made_once_and_kept_for_the_next() {
    let region = Region::new(ALLOCATOR);
    drop(std::hint::black_box(vec![1, 2, 3]));
    assert!(region.change().allocations > 0, "the counter counts");
    a_warm_exchange_allocates_nothing();
    mixed_traffic_keeps_nothing();
}

/// What is allocated swings, for a connection may still be ending; and it may take a step
/// for good, when more exchanges than ever are under way at once and their memory joins the
/// free list. So the least of the last rounds is compared with the most of the first: what
/// every round keeps is a block for each of them at least, and a step is fewer.
fn mixed_traffic_keeps_nothing() {
    let mut mixed = Mixed::new();
    let engine = engine_before_all(&mixed);
    mixed.begin();
    for _ in 0..ROUNDS_WARM_UP {
        mixed.round(&engine);
    }
    let first = live_after_rounds(&mixed, &engine);
    for _ in 0..ROUNDS_BETWEEN {
        mixed.round(&engine);
    }
    let last = live_after_rounds(&mixed, &engine);
    let most = first
        .iter()
        .map(|live| live.blocks)
        .max()
        .unwrap_or_default();
    let least = last
        .iter()
        .map(|live| live.blocks)
        .min()
        .unwrap_or_default();
    assert!(least < most + ROUNDS_BETWEEN, "{first:?} became {last:?}");
    let most = first
        .iter()
        .map(|live| live.octets)
        .max()
        .unwrap_or_default();
    let least = last
        .iter()
        .map(|live| live.octets)
        .min()
        .unwrap_or_default();
    assert!(least < most + STEP_OCTETS, "{first:?} became {last:?}");
}

fn live_after_rounds(mixed: &Mixed, engine: &Engine) -> [Live; ROUNDS_COUNTED] {
    std::array::from_fn(|_| {
        mixed.round(engine);
        mixed.wait_until_idle();
        Live::now()
    })
}

/// What is allocated at one moment.
#[derive(Debug)]
struct Live {
    octets: usize,
    blocks: usize,
}

impl Live {
    fn now() -> Live {
        let counted = ALLOCATOR.stats();
        Live {
            octets: counted.bytes_allocated - counted.bytes_deallocated,
            blocks: counted.allocations - counted.deallocations,
        }
    }
}

fn a_warm_exchange_allocates_nothing() {
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
    let routes = vec![route("/a/", &format!("http://{upstream}"), "token")];
    engine_with(routes, Trust::Only(Vec::new()), Limits::default(), false)
}

/// An engine that counts, and that soon gives up what the services' threads wait for.
fn engine_before_all(mixed: &Mixed) -> Engine {
    let mut routes = vec![
        route("/plain/", &mixed.plain.url(), TOKEN),
        route("/tls/", &mixed.tls.url(), TOKEN),
        route("/dead/", &mixed.dead.url(), TOKEN),
    ];
    for route in &mut routes {
        route.upgrade = vec!["websocket".into()];
    }
    let authority = CertificateDer::from_pem_file(mixed.authority.pem_file());
    let trust = Trust::Only(vec![authority.expect("a certificate")]);
    let limits = Limits {
        pool_idle_time: Duration::from_millis(5),
        ..Limits::default()
    };
    engine_with(routes, trust, limits, true)
}

fn route(path: &str, upstream: &str, token: &str) -> Route {
    let token = Secret::new(token.as_bytes().to_vec());
    let form = CredentialForm::Scheme("Bearer".into());
    let credential = Credential::render("authorization", &form, &token);
    Route::new(
        path.into(),
        UpstreamUrl::parse(upstream).expect("an URL"),
        credential.expect("a usable token"),
    )
}

fn engine_with(routes: Vec<Route>, trust: Trust, limits: Limits, metrics: bool) -> Engine {
    let limits = Arc::new(limits);
    let connector = Connector::new(trust, None, NoProxy::default(), Arc::clone(&limits));
    Engine::start(Setup {
        listen: Listen::Address((Ipv4Addr::LOCALHOST, 0).into()),
        workers: 1,
        routes: RouteTable::new(routes).expect("routes"),
        connector: connector.expect("a connector"),
        allowed_hosts: AllowedHosts::any(),
        limits,
        log: Arc::new(AccessLog::new(LogLevel::Off).expect("a log")),
        metrics,
    })
    .expect("an engine")
}
