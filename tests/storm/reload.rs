//! A reload every ten milliseconds in full traffic: each request sees the old routes or
//! the new ones, whole, and nothing is kept of those that were.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use harness::answer::{After, Answer};
use harness::origin::Origin;
use harness::received::Received;
use harness::{Client, GUARD, Proxy, flag};
use serde_json::json;

use crate::stop::Stop;
use crate::support::{get, request};

/// Reloads at least; more until there are enough answers.
const RELOADS: usize = 150;

/// Answers by each table, at least.
const ANSWERS: usize = 100;

/// Between two of them, at least.
const PACE: Duration = Duration::from_millis(10);
const AGENTS: usize = 4;

/// By so much may memory grow between the first reloads and the last.
const MARGIN_KIB: u64 = 1024;

/// The two tables, told apart by the upstream's base path, each with a credential of its own.
const TABLES: [(&str, &str, &str); 2] = [
    ("/one", "TOKEN_ONE", "the-token-of-table-one"),
    ("/two", "TOKEN_TWO", "the-token-of-table-two"),
];

fn table(index: usize, url: &str) -> String {
    let (base, variable, _) = TABLES[index % 2];
    let upstream = format!("{url}{base}");
    json!({"routes": [
        {"path": "/api/", "upstream": upstream, "auth_scheme": "Bearer", "token_env": variable},
    ]})
    .to_string()
}

/// Whether base path and credential of this request are of one table, and which one.
fn table_of(request: &Received) -> Option<usize> {
    TABLES.iter().position(|(base, _, token)| {
        let path = request.target.strip_prefix(base);
        let is_of = path.is_some_and(|path| path.starts_with('/'));
        is_of && request.all("authorization") == [format!("Bearer {token}")]
    })
}

/// The service: which connection has carried which credential.
#[derive(Default)]
struct Service {
    tables: Mutex<Vec<(usize, usize)>>,
    faults: Mutex<Vec<String>>,
}

impl Service {
    fn serve(&self, request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
        let Some(table) = table_of(request) else {
            self.faults.lock().unwrap().push(format!("{request:?}"));
            return answer.whole("500 Mixed", &[], b"");
        };
        let mut tables = self.tables.lock().unwrap();
        if !tables.contains(&(request.connection, table)) {
            tables.push((request.connection, table));
        }
        drop(tables);
        let path = &request.target[TABLES[table].0.len()..];
        let body = format!("{table} {path} {}", request.body.len());
        answer.whole("200 OK", &[], body.as_bytes())
    }

    fn judge(&self) {
        let faults = self.faults.lock().unwrap();
        assert!(faults.is_empty(), "of two tables at once: {faults:#?}");
        let mut connections: Vec<usize> = self
            .tables
            .lock()
            .unwrap()
            .iter()
            .map(|(c, _)| *c)
            .collect();
        let before = connections.len();
        connections.sort_unstable();
        connections.dedup();
        assert_eq!(connections.len(), before, "a connection of two credentials");
    }
}

/// Exchanges on one connection, which stays open throughout; counts those of each table.
fn work(mut client: Client, stop: &Stop, answered: &[AtomicUsize; 2]) {
    let mut index = 0;
    while !stop.is_told() {
        index += 1;
        let target = format!("/api/{index}");
        let (octets, length) = match index % 3 {
            0 => (
                request("POST", &target, "Content-Length: 5\r\n") + "hello",
                5,
            ),
            _ => (get(&target), 0),
        };
        let answer = client.ask(octets);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let text = answer.text();
        let of = answered.iter().enumerate();
        let seen = of.filter(|(table, _)| text == format!("{table} /{index} {length}"));
        let mut counts = seen.map(|(_, count)| count);
        let count = counts.next();
        let count = count.unwrap_or_else(|| panic!("{text:?} answers {index}"));
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_reload_every_ten_milliseconds_loses_nothing_and_mixes_nothing() {
    let service = Arc::new(Service::default());
    let serving = Arc::clone(&service);
    let origin = Origin::forgetful(None, move |request, answer| serving.serve(request, answer));
    let mut builder = Proxy::builder()
        .routes(table(0, &origin.url()))
        .log("error");
    for (_, variable, token) in TABLES {
        builder = builder.token(variable, token);
    }
    let pool_idle = Duration::from_millis(500);
    let proxy = builder.deadline(flag::POOL_IDLE_TIME, pool_idle).start();
    let before = proxy.open_descriptors();
    let (stop, answered) = (Stop::default(), <[AtomicUsize; 2]>::default());
    let mut resident = Vec::new();
    thread::scope(|scope| {
        let teller = stop.teller();
        let agents: Vec<_> = (0..AGENTS)
            .map(|_| scope.spawn(|| work(proxy.client(), &stop, &answered)))
            .collect();
        let begun = Instant::now();
        let few = || {
            answered
                .iter()
                .any(|count| count.load(Ordering::Relaxed) <= ANSWERS)
        };
        let mut nth = 0;
        while nth < RELOADS || few() && begun.elapsed() < GUARD {
            nth += 1;
            proxy.rewrite_routes(table(nth, &origin.url()));
            proxy.reload();
            resident.push(proxy.resident_kib());
            thread::sleep(PACE);
            // A signal that comes before the one before was seen is none.
            proxy.wait_for_lines("a reload", nth, |line| line.contains("reloaded"));
            if agents.iter().any(|agent| agent.is_finished()) {
                break; // Not told to: it has found a fault.
            }
        }
        drop(teller);
    });
    proxy.wait_for_descriptors(before);
    service.judge();
    let counts = answered.map(AtomicUsize::into_inner);
    assert!(counts.iter().all(|count| *count > ANSWERS), "{counts:?}");
    assert!(!proxy.log().contains("not reloaded"), "{}", proxy.log());
    let half = resident.len() / 2;
    let (first, last) = (median(&resident[half / 2..half]), median(&resident[half..]));
    assert!(last <= first + MARGIN_KIB, "{first} KiB, then {last} KiB");
}

fn median(values: &[u64]) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    values[values.len() / 2]
}
