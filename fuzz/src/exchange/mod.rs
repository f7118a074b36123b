//! Whole exchanges: the engine between a client and upstreams that follow a script, on a
//! clock that stands still, and then the question whether what each of them heard is what
//! it may hear.
//!
//! The engine has no part in the answer. Requests and responses are read out of the octets
//! once more, by `messages`, and compared: `leaving` asks about those that reached an
//! upstream, `coming_back` about what the client got.

mod coming_back;
mod leaving;
mod messages;
mod pipe;
mod routes;
mod script;

use std::io;
use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use engine::AccessLog;
use engine::config::LogLevel;
use engine::limits::Limits;
use engine::pipes::{Pipes, UpstreamPipe};
use engine::route::UpstreamUrl;
use tokio::runtime::{Builder, Handle};
use tokio::time::timeout;

use pipe::{Peer, Pipe, lock};
use script::{Answer, Script};

/// Longer than every deadline of [`limits`] but those that nobody has: then the client goes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Within this the engine has let go of a client that is gone.
const FAREWELL: Duration = Duration::from_secs(5);

/// Shared, for a log is a thread's or a channel's worth of memory; its lines are looked at
/// after every run.
static LOG: LazyLock<(Arc<AccessLog>, Mutex<Receiver<String>>)> = LazyLock::new(|| {
    let (log, lines) = AccessLog::kept(LogLevel::Debug);
    (Arc::new(log), Mutex::new(lines))
});

/// What was said and heard.
#[derive(Debug)]
struct Transcript {
    client: Peer,
    upstreams: Vec<Dialled>,
    log: Vec<String>,
}

/// One connection to an upstream.
#[derive(Debug)]
struct Dialled {
    authority: String,
    peer: Peer,
}

/// What came of it, for tests of the scripts themselves.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Method and status of the requests that reached an upstream; no status: no answer.
    pub forwarded: Vec<String>,
    /// The final statuses that the client got; `!` behind one: its body is cut short.
    pub received: Vec<String>,
}

/// Plays the script that `input` is, and asserts all that no script may break.
pub fn run(input: &[u8]) {
    outcome(input);
}

/// The same, and says what came of it.
pub fn outcome(input: &[u8]) -> Outcome {
    let transcript = play(Script::read(input));
    let asked = messages::requests(&transcript.client.said, messages::Head::OfPeer);
    let exchanges = leaving::exchanges(&transcript.upstreams);
    leaving::check(&transcript, &asked, &exchanges);
    let received = coming_back::check(&transcript, &asked, &exchanges);
    let forwarded = exchanges.iter().map(leaving::Exchange::summary).collect();
    Outcome {
        forwarded,
        received,
    }
}

/// Small, so that inputs of libFuzzer's usual size reach the limits, and short, so that
/// hanging takes few turns.
fn limits() -> Limits {
    let milliseconds = Duration::from_millis;
    Limits {
        request_head_octets: 4096,
        request_line_octets: 1024,
        request_field_lines: 32,
        response_head_octets: 4096,
        response_field_lines: 32,
        interim_responses: 4,
        request_head_time: milliseconds(300),
        idle_time: milliseconds(750),
        request_body_idle_time: milliseconds(600),
        upstream_read_idle_time: milliseconds(600),
        response_head_time: milliseconds(3000),
        client_read_idle_time: milliseconds(3000),
        tunnel_idle_time: milliseconds(5000),
        linger_idle_time: milliseconds(20),
        linger_time: milliseconds(300),
        pool_idle_time: milliseconds(300),
        pool_connections: 2,
        ..Limits::default()
    }
}

fn play(script: Script) -> Transcript {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let numbers = Arc::new(AtomicU64::new(0));
    let client = Peer::new(script.client, None, &numbers);
    let dialled = Arc::new(Mutex::new(Vec::new()));
    let dial = {
        let (upstreams, dialled) = (Mutex::new(script.upstreams), Arc::clone(&dialled));
        move |upstream: &UpstreamUrl| {
            let next = upstreams
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front();
            let next = next.unwrap_or_default();
            if next.refused {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let for_ever = next.steps.is_empty().then_some(Answer::Length);
            let peer = Peer::new(next.steps, for_ever, &numbers);
            let authority = upstream.authority().to_owned();
            let mut dialled = dialled.lock().unwrap_or_else(PoisonError::into_inner);
            dialled.push((authority, Arc::clone(&peer)));
            Ok(Box::new(Pipe(peer)) as Box<dyn UpstreamPipe>)
        }
    };
    let (log, lines) = &*LOG;
    let pipes = Pipes::new(routes::table(), limits(), Box::new(dial), Arc::clone(log));
    let pipes = pipes.expect("no roots to be read");
    runtime.block_on(async {
        let mut serve = pin!(pipes.serve(Box::new(Pipe(Arc::clone(&client)))));
        if timeout(PATIENCE, &mut serve).await.is_err() {
            lock(&client).hang_up();
            let ended = timeout(FAREWELL, serve).await;
            assert!(ended.is_ok(), "the exchange outlives its client");
        }
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    });
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    let dialled = std::mem::take(&mut *dialled.lock().unwrap_or_else(PoisonError::into_inner));
    Transcript {
        client: take(&client),
        upstreams: dialled
            .into_iter()
            .map(|(authority, peer)| Dialled {
                authority,
                peer: take(&peer),
            })
            .collect(),
        log: lines.try_iter().collect(),
    }
}

/// The peer as it is now, while what the engine's pool holds is still there.
fn take(peer: &Mutex<Peer>) -> Peer {
    let none = Peer::new(Default::default(), None, &Arc::default());
    std::mem::replace(
        &mut lock(peer),
        Arc::into_inner(none).map_or_else(
            || unreachable!("nobody else has it"),
            |none| none.into_inner().unwrap_or_else(PoisonError::into_inner),
        ),
    )
}

#[cfg(test)]
mod tests;
