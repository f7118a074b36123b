//! SIGTERM in full traffic: what had arrived is answered, and no answer is cut in two.

use std::io;
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::answer::{After, Answer};
use harness::origin::Origin;
use harness::received::Received;
use harness::{Client, GUARD, Peer, Proxy};
use rustix::process::Signal;

use crate::chance::Chance;
use crate::support::get;

const ROUNDS: u64 = 20;

/// Agents of each kind.
const AGENTS: usize = 3;

const LARGE: usize = 50_000;
const EVENTS: usize = 8;

/// Between two events: a stream is open when the signal comes, and ends long before the
/// deadline.
const EVENT_PACE: Duration = Duration::from_millis(10);

fn serve(request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    match request.target.as_str() {
        "/events" => {
            answer.begin_chunked("200 OK", &[])?;
            for _ in 0..EVENTS {
                thread::sleep(EVENT_PACE);
                answer.chunk(b"event")?;
            }
            answer.end_chunked()
        }
        _ => answer.whole("200 OK", &[], &[b'x'; LARGE]),
    }
}

/// What ended an agent's work: the end of its connection instead of an answer, with when
/// its request had been sent, if it could be sent.
type Unanswered = Option<Instant>;

/// One exchange; an answer that begins is whole, or this fails.
fn exchange(client: &mut Client, path: &str, begun: &AtomicUsize) -> ControlFlow<Unanswered> {
    if client.push(get(path).as_bytes()).is_err() {
        return ControlFlow::Break(None);
    }
    let sent_at = Instant::now();
    begun.fetch_add(1, Ordering::Relaxed);
    let Some(head) = client.read_head_or_end() else {
        return ControlFlow::Break(Some(sent_at));
    };
    assert_eq!(head.status(), 200, "{head:?}");
    match head.is_chunked() {
        true => assert_eq!(client.read_chunked(), b"event".repeat(EVENTS)),
        false => assert_eq!(client.read_exact(LARGE), [b'x'; LARGE]),
    }
    match head
        .all("connection")
        .iter()
        .any(|option| option == "close")
    {
        true => ControlFlow::Break(None),
        false => ControlFlow::Continue(()),
    }
}

/// Exchanges on one connection, for as long as it is left open.
fn stay(proxy: &Proxy, path: &str, begun: &AtomicUsize) -> Unanswered {
    let mut client = proxy.client();
    loop {
        if let ControlFlow::Break(unanswered) = exchange(&mut client, path, begun) {
            return unanswered;
        }
    }
}

/// Exchanges on a connection each, for as long as connections are made.
fn come_and_go(proxy: &Proxy, begun: &AtomicUsize) -> Unanswered {
    let started = Instant::now();
    while let Ok(stream) = TcpStream::connect(proxy.address()) {
        let mut client = Client::over(stream, proxy.leaks());
        if let ControlFlow::Break(Some(sent_at)) = exchange(&mut client, "/api/large", begun) {
            return Some(sent_at);
        }
        assert!(started.elapsed() < GUARD, "connections are still taken");
    }
    None
}

#[test]
fn what_had_arrived_before_the_end_is_answered() {
    let service = Origin::forgetful(None, serve);
    for seed in 0..ROUNDS {
        let mut chance = Chance::of(seed);
        let moment = 30 + chance.below(300);
        let proxy = Proxy::to_url(&service.url()).log("error").start();
        let (proxy_ref, begun) = (&proxy, &AtomicUsize::new(0));
        thread::scope(|scope| {
            let mut agents = Vec::new();
            for _ in 0..AGENTS {
                agents.push(scope.spawn(|| stay(proxy_ref, "/api/large", begun)));
                agents.push(scope.spawn(|| stay(proxy_ref, "/api/events", begun)));
                agents.push(scope.spawn(|| come_and_go(proxy_ref, begun)));
            }
            while begun.load(Ordering::Relaxed) < moment {
                thread::yield_now();
            }
            let signalled_at = Instant::now();
            proxy.signal(Signal::TERM);
            for agent in agents {
                let sent_at = agent.join().expect("no answer was cut in two");
                if let Some(sent_at) = sent_at {
                    let early = signalled_at.saturating_duration_since(sent_at);
                    assert!(early.is_zero(), "round {seed}: lost, {early:?} old");
                }
            }
        });
        assert_eq!(proxy.wait_for_end().code(), Some(0), "round {seed}");
    }
}
