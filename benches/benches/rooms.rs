//! The pure rooms, one by one, on one core and without a socket.
//!
//! An absolute time means little on a machine that does other work too; Criterion's
//! comparison with the run before says what a change did. Octets are those of the
//! message as received.

use std::hint::black_box;
use std::time::Duration;

use benches::{routes, traffic};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use engine::forward::{ForwardedRequest, Pseudonym, RequestContext};
use engine::limits::Limits;
use engine::message::{
    ChunkLimits, ChunkedDecoder, Fault, HeadLimits, HeadScan, HeadStorage, Method, RequestFraming,
    RequestHead, RequestTarget, ResponseFraming, ResponseHead, Step,
};
use engine::policy::{DecodedPath, Denial, Permit, decide};
use engine::route::RouteTable;

fn main() {
    // All of them within about a minute; what they measure is short and steady.
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1200))
        .sample_size(50)
        .configure_from_args();
    request_head(&mut criterion);
    response_head(&mut criterion);
    framing(&mut criterion);
    chunked(&mut criterion);
    route(&mut criterion);
    policy(&mut criterion);
    forward(&mut criterion);
    criterion.final_summary();
}

/// As a connection does it: scan, copy out of the read buffer, parse, and take the memory
/// back for the next head.
fn request_head(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request_head");
    let limits = HeadLimits::request(&Limits::default());
    for (name, octets) in traffic::REQUEST_HEADS {
        let mut storage = HeadStorage::default();
        measure(&mut group, name, octets.len(), || {
            let head = read_request(black_box(octets), &limits, std::mem::take(&mut storage));
            storage = black_box(head).expect("a head").into_storage();
        });
    }
}

fn response_head(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("response_head");
    let limits = HeadLimits::response(&Limits::default());
    for (name, octets) in traffic::RESPONSE_HEADS {
        let mut storage = HeadStorage::default();
        measure(&mut group, name, octets.len(), || {
            let head = read_response(black_box(octets), &limits, std::mem::take(&mut storage));
            storage = black_box(head).expect("a head").into_storage();
        });
    }
}

fn framing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("framing");
    for (name, octets) in traffic::REQUEST_HEADS {
        let head = request(octets);
        group.bench_function(BenchmarkId::new("request", name), |bencher| {
            bencher.iter(|| RequestFraming::of(black_box(&head)));
        });
    }
    for (name, octets) in traffic::RESPONSE_HEADS {
        let head = response(octets);
        group.bench_function(BenchmarkId::new("response", name), |bencher| {
            bencher.iter(|| ResponseFraming::of(black_box(Method::Get), black_box(&head)));
        });
    }
}

/// In octets of framing: the data is not looked at, so counting it would flatter.
fn chunked(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chunked");
    let (name, event_stream) = traffic::EVENT_STREAM;
    for (name, body) in [
        (name, event_stream.to_vec()),
        // What a peer can do to us at worst: six octets of framing for one of data.
        ("chunks-of-1-octet", traffic::chunked_body(4096, 1)),
        // What git sends of a push: 76 chunks for 3 MB.
        ("chunks-of-40-KB", traffic::chunked_body(76, 40_000)),
    ] {
        let framing = body.len() - decode(&body);
        measure(&mut group, name, framing, || {
            black_box(decode(black_box(&body)));
        });
    }
}

fn route(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("route");
    for count in [1, 100, 1000] {
        let table = routes::tenants(count);
        let path = routes::tenant_path(count / 3) + "v1/messages";
        group.bench_function(BenchmarkId::new("find", count), |bencher| {
            bencher.iter(|| table.find(black_box(path.as_bytes())).expect("a route"));
        });
        let path = routes::tenant_path(count / 3).replace("api", "apj");
        group.bench_function(BenchmarkId::new("miss", count), |bencher| {
            bencher.iter(|| assert!(table.find(black_box(path.as_bytes())).is_none()));
        });
    }
}

/// Decoding the path is a part of it: nothing else needs the decoded copy.
fn policy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    let pseudonym = Pseudonym::new(0);
    let (services, guarded) = (routes::services(), routes::guarded_services());
    for (name, octets) in traffic::REQUEST_HEADS {
        let head = request(octets);
        let target = RequestTarget::of(&head).expect("a form");
        for (rules, table) in [("no-rule", &services), ("8-rules", &guarded)] {
            group.bench_function(BenchmarkId::new(rules, name), |bencher| {
                bencher.iter(|| {
                    permit(black_box(&head), black_box(&target), table, &pseudonym).is_ok()
                });
            });
        }
    }
}

fn forward(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("forward");
    let pseudonym = Pseudonym::new(0);
    let table = routes::services();
    for (name, octets) in traffic::REQUEST_HEADS {
        let head = request(octets);
        let target = RequestTarget::of(&head).expect("a form");
        let permit = permit(&head, &target, &table, &pseudonym).ok();
        let permit = permit.expect("leave to go");
        let context = RequestContext {
            head: &head,
            target: &target,
            framing: RequestFraming::of(&head).expect("a framing"),
            pseudonym: &pseudonym,
            upgrade: None,
        };
        let mut out = Vec::new();
        measure(&mut group, name, octets.len(), || {
            let memory = std::mem::take(&mut out);
            let request = ForwardedRequest::encode(black_box(&context), &permit, memory);
            out = black_box(request).expect("few options").into_octets();
        });
    }
}

/// A row of a group, in octets a second.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    octets: usize,
    mut body: impl FnMut(),
) {
    group.throughput(Throughput::Bytes(octets as u64));
    group.bench_function(name, |bencher| bencher.iter(&mut body));
}

fn read_request(
    unread: &[u8],
    limits: &HeadLimits,
    storage: HeadStorage,
) -> Result<RequestHead, Fault> {
    RequestHead::parse(take_head(unread, limits, storage)?)
}

fn read_response(
    unread: &[u8],
    limits: &HeadLimits,
    storage: HeadStorage,
) -> Result<ResponseHead, Fault> {
    ResponseHead::parse(take_head(unread, limits, storage)?)
}

fn take_head(
    unread: &[u8],
    limits: &HeadLimits,
    mut storage: HeadStorage,
) -> Result<HeadStorage, Fault> {
    let end = HeadScan::default().scan(unread, limits)?;
    storage
        .block
        .extend_from_slice(&unread[..end.expect("a whole head")]);
    Ok(storage)
}

fn request(octets: &[u8]) -> RequestHead {
    let limits = HeadLimits::request(&Limits::default());
    read_request(octets, &limits, HeadStorage::default()).expect("a well-formed head")
}

fn response(octets: &[u8]) -> ResponseHead {
    let limits = HeadLimits::response(&Limits::default());
    read_response(octets, &limits, HeadStorage::default()).expect("a well-formed head")
}

/// The octets of data in the whole of a body, which arrived at once.
fn decode(mut unread: &[u8]) -> usize {
    let mut data_octets = 0;
    let mut decoder = ChunkedDecoder::new(ChunkLimits::from(&Limits::default()));
    loop {
        match decoder.decode(unread).expect("a well-formed body") {
            Step::Data { framing, data } => {
                data_octets += data;
                unread = &unread[framing + data..];
            }
            Step::End { .. } => return data_octets,
            Step::More { .. } => panic!("the body is whole"),
        }
    }
}

fn permit<'t>(
    head: &RequestHead,
    target: &RequestTarget<'_>,
    table: &'t RouteTable,
    pseudonym: &Pseudonym,
) -> Result<Permit<'t>, Denial> {
    let RequestTarget::Origin { path, .. } = *target else {
        panic!("the recorded clients send origin-form");
    };
    let decoded = DecodedPath::of(path)?;
    let route = table.find(path).expect("a route");
    decide(route, head, target, &decoded, pseudonym.as_bytes())
}
