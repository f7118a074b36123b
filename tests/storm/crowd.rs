//! More connections than descriptors: they are served in turn, none is lost, and a
//! process that waits for a descriptor does not spin.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use harness::answer::{After, Answer};
use harness::origin::Origin;
use harness::peer::STILL;
use harness::received::Received;
use harness::{Client, GUARD, Peer, Proxy, Response, flag};
use rustix::process::Signal;

use crate::support::{assert_own_answer, get};

const CROWD: usize = 300;

/// How long a connection may be kept without a request: long enough that the whole crowd is
/// made, and looked at, before the idle ones give way.
const IDLE: Duration = Duration::from_secs(5);

fn echo(request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    answer.whole("200 OK", &[], request.target.as_bytes())
}

fn slow_echo(request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    thread::sleep(Duration::from_millis(10));
    echo(request, answer)
}

/// Clients that have had an answer and stay, each on a connection of its own.
fn idle_clients(proxy: &Proxy, count: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..count).map(|_| proxy.client()).collect();
    for client in &mut clients {
        assert_eq!(client.ask(get("/api/idle")).text(), "/idle");
    }
    clients
}

/// All come at once, each with a request; what each is answered.
fn crowd(proxy: &Proxy, meanwhile: impl FnOnce(&mut Client)) -> Vec<Response> {
    let mut clients: Vec<Client> = (0..CROWD).map(|_| proxy.client()).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(get(&format!("/api/{index}")));
    }
    meanwhile(&mut clients[CROWD - 1]);
    thread::scope(|scope| {
        let readers: Vec<_> = clients
            .into_iter()
            .map(|client| {
                let mut client = client.guard(Duration::from_secs(30));
                scope.spawn(move || client.read_response("GET"))
            })
            .collect();
        let answers = readers.into_iter().map(|reader| reader.join());
        answers.map(|answer| answer.expect("an answer")).collect()
    })
}

/// Measures what the process does while nobody can be served: next to nothing. That is until
/// the idle clients give way, who came at `idle_since` or later.
fn assert_at_rest(proxy: &Proxy, waiting: &mut Client, idle_since: Instant) {
    let (begun, used) = (Instant::now(), proxy.processor_time());
    let is_served = waiting.readable_within(STILL * 3);
    let (wall, used) = (begun.elapsed(), proxy.processor_time() - used);
    if idle_since.elapsed() < IDLE {
        assert!(!is_served, "served out of turn");
        assert!(used < wall / 5, "{used:?} of {wall:?} while all wait");
    }
}

/// So many descriptors carry so many connections, all of which idle clients hold at first.
fn served_in_turn(descriptors: usize, carried: usize) {
    let origin = Origin::forgetful(None, echo);
    let proxy = Proxy::to_url(&origin.url())
        .descriptors(descriptors)
        .deadline(flag::IDLE_TIME, IDLE)
        .deadline(flag::POOL_IDLE_TIME, Duration::from_millis(500))
        .log("error")
        .start();
    let before = proxy.open_descriptors();
    let idle_since = Instant::now();
    let idle = idle_clients(&proxy, carried);
    let answers = crowd(&proxy, |last| assert_at_rest(&proxy, last, idle_since));
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!((answer.status(), answer.text()), (200, format!("/{index}")));
    }
    drop(idle);
    proxy.wait_for_descriptors(before);
}

#[test]
fn sixty_four_descriptors_serve_three_hundred_in_turn() {
    served_in_turn(64, 1);
}

#[test]
fn ninety_six_descriptors_serve_three_hundred_in_turn() {
    served_in_turn(96, 16);
}

/// With the limit on connections set above what the descriptors carry, dials fail as well.
#[test]
fn who_runs_out_of_descriptors_altogether_still_answers_everybody() {
    let origin = Origin::forgetful(None, echo);
    let proxy = Proxy::to_url(&origin.url())
        .descriptors(64)
        .limit(flag::CONNECTIONS, 1000)
        .deadline(flag::POOL_IDLE_TIME, Duration::from_millis(500))
        .log("error")
        .start();
    let before = proxy.open_descriptors();
    let idle = idle_clients(&proxy, 10);
    let used = proxy.processor_time();
    let begun = Instant::now();
    let answers = crowd(&proxy, |last| assert!(!last.readable_within(STILL)));
    let (wall, used) = (begun.elapsed(), proxy.processor_time() - used);
    assert!(used < wall / 2, "{used:?} of {wall:?}");
    let mut served = 0;
    for (index, answer) in answers.iter().enumerate() {
        match answer.status() {
            200 => assert_eq!(answer.text(), format!("/{index}")),
            _ => assert_own_answer(answer, 502),
        }
        served += usize::from(answer.status() == 200);
    }
    assert!(served > 0, "nobody was served");
    drop(idle);
    proxy.wait_for_descriptors(before);
    assert_eq!(proxy.client().ask(get("/api/after")).text(), "/after");
}

/// Descriptors that are out when the end comes are back as answers go out.
#[test]
fn who_waits_for_a_descriptor_at_the_end_is_served() {
    let origin = Origin::forgetful(None, slow_echo);
    let proxy = Proxy::to_url(&origin.url())
        .descriptors(96)
        .deadline(flag::DRAIN_TIME, GUARD)
        .log("error")
        .start();
    let answers = crowd(&proxy, |last| {
        assert!(!last.readable_within(Duration::ZERO), "served out of turn");
        proxy.signal(Signal::TERM);
    });
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!((answer.status(), answer.text()), (200, format!("/{index}")));
    }
    assert_eq!(proxy.wait_for_end().code(), Some(0));
}
