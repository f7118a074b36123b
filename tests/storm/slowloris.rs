//! Attackers that keep the proxy waiting, two hundred at a time: by the head, by the body,
//! by reading. Each is ended by its deadline, and honest clients do not notice.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use engine::limits::READ_BUFFER_CEILING_OCTETS;
use harness::answer::{After, Answer};
use harness::origin::Origin;
use harness::received::Received;
use harness::tcp_state::End;
use harness::{Client, GUARD, Peer, Proxy, flag, pattern};

use crate::stop::Stop;
use crate::support::{assert_own_answer, get, request};

const ATTACKERS: usize = 200;

/// Enough of them to write for: each keeps the kernel's buffers of four sockets full.
const READERS: usize = 40;

const HONEST: usize = 3;

/// How many exchanges each honest client has at least while every attacker hangs.
const SERVED: usize = 10;

/// The deadline that the attackers run into: time enough for the honest ones to be served
/// before it on a machine that does much else.
const DEADLINE: Duration = Duration::from_secs(6);

/// Between two octets of an attacker.
const TRICKLE: Duration = Duration::from_millis(50);

/// Resident memory for an attacker who has sent little: two read buffers of 8 KiB, two
/// batches and blocks, the exchange, twice over.
const WAITING_KIB: u64 = 64;

/// For one whose answer waits: the read buffer at its largest, what it grew out of, which
/// the allocator may keep, and the rest.
const READING_KIB: u64 = 2 * READ_BUFFER_CEILING_OCTETS as u64 / 1024 + 64;

fn serve(request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    match request.target.as_str() {
        "/endless" => {
            answer.begin_chunked("200 OK", &[])?;
            loop {
                answer.chunk(pattern::slice(0, 60_000))?;
            }
        }
        target => answer.whole("200 OK", &[], target.as_bytes()),
    }
}

/// A service, and a proxy with this deadline set short.
fn pair(deadline: &str) -> (Origin, Proxy) {
    let origin = Origin::forgetful(None, serve);
    let proxy = Proxy::to_url(&origin.url())
        .deadline(deadline, DEADLINE)
        .deadline(flag::POOL_IDLE_TIME, Duration::from_millis(500))
        .log("error")
        .start();
    (origin, proxy)
}

/// Runs `attack` beside honest clients. Memory and descriptors are counted: no more than
/// `kib` for each of `attackers`, and nothing open at the end.
fn withstand(proxy: &Proxy, attackers: usize, kib: u64, attack: impl FnOnce(&Served)) {
    let (before, open) = (proxy.resident_kib(), proxy.open_descriptors());
    let (stop, served) = (&Stop::default(), &Served::default());
    thread::scope(|scope| {
        let teller = stop.teller();
        let honest: Vec<_> = (served.0.iter())
            .map(|count| scope.spawn(move || be_honest(proxy, stop, count)))
            .collect();
        attack(served);
        drop(teller);
        for client in honest {
            client.join().expect("an honest client is served");
        }
    });
    proxy.wait_for_descriptors(open);
    let grown = proxy.peak_resident_kib() - before;
    assert!(grown <= attackers as u64 * kib, "{grown} KiB grown");
}

/// How many exchanges each honest client has had.
#[derive(Default)]
struct Served([AtomicUsize; HONEST]);

impl Served {
    fn counts(&self) -> [usize; HONEST] {
        std::array::from_fn(|client| self.0[client].load(Ordering::Relaxed))
    }
}

/// Exchanges on connections old and new.
fn be_honest(proxy: &Proxy, stop: &Stop, served: &AtomicUsize) {
    let mut kept = proxy.client();
    while !stop.is_told() {
        let answer = match served.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => kept.ask(get("/api/honest")),
            _ => proxy.client().ask(get("/api/honest")),
        };
        assert_eq!((answer.status(), answer.text().as_str()), (200, "/honest"));
        thread::sleep(Duration::from_millis(5));
    }
}

/// Opens the connections of `count` attackers, each with these octets; what each waits for
/// is counted from before it.
fn attackers(proxy: &Proxy, count: usize, octets: &str) -> Vec<(Client, Instant)> {
    let open = |_| {
        let begun = Instant::now();
        let mut client = proxy.client();
        client.send(octets);
        (client, begun)
    };
    (0..count).map(open).collect()
}

/// Lets each attack from time to time until it is ended: by its deadline, no sooner, and
/// not before all honest clients were served beside all attackers. Who had to wait for an
/// attacker would wait for that. `attack` says whether its connection still stands.
fn until_all_are_ended(
    mut clients: Vec<(Client, Instant)>,
    served: &Served,
    attack: impl Fn(usize, &mut Client) -> bool,
) {
    let (begun, all, before) = (Instant::now(), clients.len(), served.counts());
    let mut beside_all = before;
    while !clients.is_empty() {
        assert!(begun.elapsed() < GUARD, "{} are not ended", clients.len());
        // Counted before it is seen that all of them stand.
        let counts = served.counts();
        let mut index = 0;
        clients.retain_mut(|(client, since)| {
            index += 1;
            let waited = since.elapsed() + Duration::from_millis(100);
            let stands = attack(index, client);
            assert!(stands || waited > DEADLINE, "only {waited:?}");
            stands
        });
        if clients.len() == all {
            beside_all = counts;
        }
        thread::sleep(TRICKLE);
    }
    for (before, after) in before.iter().zip(&beside_all) {
        // The first may have begun, and the last not have ended, within the time.
        assert!(*after > before + SERVED, "{before:?}, then {beside_all:?}");
    }
}

/// Sends more, until a 408 comes.
fn trickle(client: &mut Client, octets: &[u8]) -> bool {
    // The end may come between a look and the octet after it.
    if !client.readable_within(Duration::ZERO) && client.push(octets).is_ok() {
        return true;
    }
    assert_own_answer(&client.read_response("POST"), 408);
    false
}

#[test]
fn two_hundred_heads_that_trickle_in_hold_nobody_up() {
    let (_origin, proxy) = pair(flag::REQUEST_HEAD_TIME);
    withstand(&proxy, ATTACKERS, WAITING_KIB, |served| {
        let begun = "GET /api/x HTTP/1.1\r\nHost: proxy.test\r\nX: ";
        let attackers = attackers(&proxy, ATTACKERS, begun);
        until_all_are_ended(attackers, served, |_, client| trickle(client, b"y"));
    });
}

#[test]
fn two_hundred_bodies_that_do_not_come_hold_nobody_up() {
    let (_origin, proxy) = pair(flag::REQUEST_BODY_IDLE_TIME);
    withstand(&proxy, ATTACKERS, WAITING_KIB, |served| {
        let begun = request("POST", "/api/x", "Content-Length: 1000\r\n") + "begun";
        let attackers = attackers(&proxy, ATTACKERS, &begun);
        until_all_are_ended(attackers, served, |_, client| trickle(client, b""));
    });
}

/// Every other one reads an octet now and then, which opens no window.
fn read_hardly(index: usize, client: &mut Client) -> bool {
    if index.is_multiple_of(2) && client.readable_within(Duration::ZERO) {
        let octet = io::Read::read(&mut client.socket(), &mut [0; 1]);
        assert_eq!(octet.ok(), Some(1), "what was sent is still there");
    }
    End::other(client.socket()).is_established()
}

#[test]
fn clients_that_read_an_octet_at_a_time_or_nothing_hold_nobody_up() {
    let (_origin, proxy) = pair(flag::CLIENT_READ_IDLE_TIME);
    withstand(&proxy, READERS, READING_KIB, |served| {
        let mut readers = attackers(&proxy, READERS, "");
        for (reader, _) in &mut readers {
            reader.receive_buffer(4096);
            reader.send(get("/api/endless"));
        }
        until_all_are_ended(readers, served, read_hardly);
    });
}
