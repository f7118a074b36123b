//! Everything at once, for long: memory and descriptors stay as they are.
//!
//! ```sh
//! BOTTLE_SOAK=15m cargo test -p harness --test storm --release -- soak --nocapture
//! ```

use std::thread;
use std::time::{Duration, Instant};

use harness::errand::serve;
use harness::origin::Origin;
use harness::proxy::{TOKEN_ENV, bearer};
use harness::upstream::Deaf;
use harness::{Authority, Proxy, TOKEN, flag};
use serde_json::json;

use crate::stop::Stop;
use crate::traffic::{Agent, Tally};

/// The variable that says how long, such as `15m` or `90s`.
const SOAK: &str = "BOTTLE_SOAK";

/// How long where nobody says.
const SHORT: Duration = Duration::from_secs(10);

const AGENTS: u64 = 6;

/// Between two things that an agent does: the load is steady, and leaves room for others.
const PACE: Duration = Duration::from_millis(1);

/// Has the C library map large read buffers by themselves and return them, always: where the
/// threshold moves, it keeps the gaps that they leave, and memory rises in steps that are no
/// leak (docs/PERFORMANCE.md, "Memory").
const ALLOCATOR: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=131072");

/// By so much may the median of resident memory in the last third stand above that of the
/// first. In eight runs of ten seconds and one of ninety it stood 48 KiB above it at most;
/// the rest is for one large read buffer that is kept, and for another allocator. What leaks
/// less, or only in some exchanges, is for `allocations` to find, which counts what is
/// allocated.
const MARGIN_KIB: u64 = 512;

/// The same for descriptors: they follow the traffic of the moment.
const MARGIN_DESCRIPTORS: usize = 8;

#[derive(Clone, Copy)]
struct Sample {
    at: Duration,
    exchanges: usize,
    resident_kib: u64,
    descriptors: usize,
}

fn duration() -> Duration {
    let Ok(text) = std::env::var(SOAK) else {
        return SHORT;
    };
    let (number, unit) = match (text.strip_suffix('m'), text.strip_suffix('s')) {
        (Some(number), _) => (number, 60),
        (None, Some(number)) => (number, 1),
        (None, None) => panic!("{SOAK}={text}: such as 15m or 90s"),
    };
    let number: u64 = number.parse().expect("a number of minutes or seconds");
    Duration::from_secs(number * unit)
}

#[test]
fn mixed_traffic_for_long_keeps_nothing() {
    let authority = Authority::new();
    let plain = Origin::forgetful(None, serve);
    let tls = Origin::forgetful(Some(authority.server_config(&["127.0.0.1"])), serve);
    let dead = Deaf::new();
    let upgrade = json!({"upgrade": ["websocket"]});
    let proxy = Proxy::builder()
        .route(bearer("/plain/", &plain.url()))
        .with(upgrade.clone())
        .route(bearer("/tls/", &tls.url()))
        .with(upgrade)
        .route(bearer("/dead/", &dead.url()))
        .token(TOKEN_ENV, TOKEN)
        .env("SSL_CERT_FILE", authority.pem_file())
        .env(ALLOCATOR.0, ALLOCATOR.1)
        .deadline(flag::POOL_IDLE_TIME, Duration::from_secs(1))
        .log("error")
        .start();
    let before = proxy.open_descriptors();
    let tally = Tally::default();
    let samples = soak(&proxy, &tally, duration());
    proxy.wait_for_descriptors(before);
    eprintln!("done: {:?}", tally.by_kind());
    judge(&samples);
}

/// Warms up with a crowd, for half of a short time, so that the most memory that such traffic
/// keeps is kept from the beginning; then lets the agents work, and looks at the process meanwhile.
fn soak(proxy: &Proxy, tally: &Tally, length: Duration) -> Vec<Sample> {
    let warm_up = (length / 2).min(Duration::from_secs(60));
    work(proxy, tally, AGENTS * 4, warm_up);
    work(proxy, tally, AGENTS, length - warm_up)
}

/// So many agents work for `length`; what was seen of the process meanwhile.
fn work(proxy: &Proxy, tally: &Tally, agents: u64, length: Duration) -> Vec<Sample> {
    let stop = &Stop::default();
    let period = (length / 600).clamp(Duration::from_millis(50), Duration::from_secs(1));
    let begun = Instant::now();
    let mut samples = Vec::new();
    thread::scope(|scope| {
        let teller = stop.teller();
        let agents: Vec<_> = (0..agents)
            .map(|seed| {
                scope.spawn(move || {
                    let mut agent = Agent::new(proxy, tally, seed);
                    while !stop.is_told() {
                        agent.step();
                        thread::sleep(PACE);
                    }
                })
            })
            .collect();
        let mut minutes = 0;
        // An agent that has ended before it was told to has found a fault.
        while begun.elapsed() < length && !agents.iter().any(|agent| agent.is_finished()) {
            thread::sleep(period);
            let sample = Sample {
                at: begun.elapsed(),
                exchanges: tally.exchanges(),
                resident_kib: proxy.resident_kib(),
                descriptors: proxy.open_descriptors(),
            };
            if sample.at.as_secs() / 60 > minutes {
                minutes = sample.at.as_secs() / 60;
                tell(&sample);
            }
            samples.push(sample);
        }
        drop(teller);
    });
    samples
}

fn tell(sample: &Sample) {
    eprintln!(
        "{:4} s  {:8} exchanges  {:6} KiB resident  {:3} descriptors",
        sample.at.as_secs(),
        sample.exchanges,
        sample.resident_kib,
        sample.descriptors
    );
}

/// Compares the last third with the first.
fn judge(samples: &[Sample]) {
    let third = samples.len() / 3;
    let (first, last) = (&samples[..third], &samples[samples.len() - third..]);
    let memory = |part: &[Sample]| median(part.iter().map(|s| s.resident_kib).collect());
    let descriptors = |part: &[Sample]| median(part.iter().map(|s| s.descriptors).collect());
    let (memory_before, memory_after) = (memory(first), memory(last));
    let (open_before, open_after) = (descriptors(first), descriptors(last));
    tell(samples.last().expect("a sample"));
    eprintln!(
        "medians of the first and last third: {memory_before} and {memory_after} KiB resident, \
         {open_before} and {open_after} descriptors"
    );
    assert!(memory_after <= memory_before + MARGIN_KIB, "memory grows");
    assert!(
        open_after <= open_before + MARGIN_DESCRIPTORS,
        "descriptors are kept"
    );
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}
