//! A small proxy with a flaw of choice, to see that the trials find it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::endpoint::Endpoint;
use crate::peer::Ending;
use crate::process::GUARD;
use crate::proxy::TOKEN;
use crate::reading::Reading;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// A broken answer ends in order.
    EndsInOrder,
    /// A chunked answer that is cut gets a last chunk.
    AddsLastChunk,
    /// A request that found no answer is sent again.
    SendsAgain,
    /// A chunked request that is cut gets a last chunk.
    CompletesRequest,
    /// An answer waits until it is whole.
    HoldsBack,
    /// The service is not told that the client has gone.
    KeepsService,
    /// A broken answer leaves the client waiting.
    KeepsClient,
    /// An answer gets an octet more.
    GoesOn,
    /// An answer loses its last octet, and its length says so.
    Shortens,
    /// The token is told to the client.
    TellsToken,
    /// Nobody is served after a failure.
    GivesUp,
}

/// A running stand-in; it stops accepting when it goes out of scope.
pub struct StandIn {
    address: SocketAddr,
    is_stopping: Arc<AtomicBool>,
}

impl StandIn {
    /// Stands before `service`.
    ///
    /// # Panics
    /// When loopback has no port to give.
    pub fn before(service: SocketAddr, flaw: Flaw) -> StandIn {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let address = listener.local_addr().expect("a bound address");
        let is_stopping = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&is_stopping);
        thread::spawn(move || {
            let has_failed = Arc::new(AtomicBool::new(false));
            for client in listener.incoming().filter_map(Result::ok) {
                if stopping.load(Ordering::Acquire) {
                    return;
                }
                if flaw == Flaw::GivesUp && has_failed.load(Ordering::Acquire) {
                    continue;
                }
                let has_failed = Arc::clone(&has_failed);
                thread::spawn(move || {
                    let served = serve(Endpoint::new(client), service, flaw);
                    has_failed.fetch_or(served.is_err(), Ordering::AcqRel);
                });
            }
        });
        StandIn {
            address,
            is_stopping,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address)); // wakes the accept loop
    }
}

/// One exchange after the other.
fn serve(mut client: Endpoint, service: SocketAddr, flaw: Flaw) -> io::Result<()> {
    loop {
        while Reading::of_request(&client.received).head.is_none() {
            wait(&mut client, None)?;
            if client.ended.is_some() {
                return Ok(());
            }
        }
        let tries = if flaw == Flaw::SendsAgain { 2 } else { 1 };
        let mut is_answered = false;
        for _ in 0..tries {
            let service = Endpoint::new(TcpStream::connect(service)?);
            is_answered = converse(&mut client, service, flaw)?;
            if is_answered {
                break;
            }
        }
        if !is_answered {
            client.send(b"HTTP/1.1 502 Bad Gateway\r\nProxy-Status: stand-in\r\n");
            client.send(b"Connection: close\r\nContent-Length: 0\r\n\r\n");
            client.close();
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        client.next_exchange();
    }
}

/// Carries a request up and its answer down. `false`: none came.
fn converse(client: &mut Endpoint, mut service: Endpoint, flaw: Flaw) -> io::Result<bool> {
    let head = Reading::of_request(&client.received).head;
    let head = head.unwrap_or_default();
    service.send(forwarded(&head).as_bytes());
    let method = head.split(' ').next().unwrap_or_default().to_owned();
    let (mut up, mut down) = (head.len(), 0);
    loop {
        service.send(&client.received[up..]);
        up = client.received.len();
        let answer = Reading::of_response(&service.received, &method, service.ended);
        let is_due = answer.is_whole() || flaw != Flaw::HoldsBack;
        if answer.head.is_some() && is_due {
            pass_down(client, &service.received, &mut down, flaw, &answer);
        }
        if answer.is_whole() {
            if service.ended.is_some() || answer.closes() {
                client.close();
                return Err(io::ErrorKind::NotConnected.into());
            }
            return Ok(true);
        }
        if service.ended.is_some() {
            return match answer.head {
                None => Ok(false),
                Some(_) => Err(cut(client, flaw, service.ended)),
            };
        }
        if client.ended.is_some() {
            if flaw == Flaw::CompletesRequest {
                service.send(b"0\r\n\r\n");
            }
            if matches!(flaw, Flaw::CompletesRequest | Flaw::KeepsService) {
                while service.ended.is_none() {
                    wait(&mut service, None)?;
                }
            }
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        wait(client, Some(&mut service))?;
    }
}

/// Hands on what is new of an answer.
fn pass_down(client: &mut Endpoint, octets: &[u8], down: &mut usize, flaw: Flaw, answer: &Reading) {
    let mut octets = octets.to_vec();
    let at = *down;
    *down = octets.len();
    if flaw == Flaw::TellsToken && at == 0 {
        client.send(&octets[.."HTTP/1.1 200 OK\r\n".len()]);
        octets.drain(.."HTTP/1.1 200 OK\r\n".len());
        client.send(format!("X: {TOKEN}\r\n").as_bytes());
    }
    if flaw == Flaw::Shortens && answer.is_whole() && at == 0 {
        let text = String::from_utf8_lossy(&octets).replace("Length: 5", "Length: 4");
        octets = text.into_bytes();
        octets.pop();
    }
    if flaw == Flaw::GoesOn && answer.is_whole() {
        // In the same write: it is there when the answer is judged.
        octets.push(b'x');
    }
    client.send(octets.get(at..).unwrap_or_default());
}

/// Ends an answer that has no end.
fn cut(client: &mut Endpoint, flaw: Flaw, ended: Option<Ending>) -> io::Error {
    match flaw {
        Flaw::EndsInOrder => client.close(),
        Flaw::AddsLastChunk => {
            client.send(b"0\r\n\r\n");
            client.close();
        }
        Flaw::KeepsClient => while client.ended.is_none() && wait(client, None).is_ok() {},
        Flaw::None
        | Flaw::SendsAgain
        | Flaw::CompletesRequest
        | Flaw::HoldsBack
        | Flaw::KeepsService
        | Flaw::GoesOn
        | Flaw::Shortens
        | Flaw::TellsToken
        | Flaw::GivesUp => client.reset(),
    }
    io::Error::other(format!("the service ended: {ended:?}"))
}

/// The head as it goes to the service: the path without its route, our credential.
fn forwarded(head: &str) -> String {
    let (line, fields) = head.split_once("\r\n").unwrap_or_default();
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next());
    let path = target.and_then(|target| target.rsplit('/').next());
    let fields = fields
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Authorization") && !line.starts_with("Cookie"));
    let fields: String = fields.collect();
    let path = path.unwrap_or_default();
    format!("{method} /{path} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n{fields}")
}

/// Waits for either end, under the guard, and reads.
fn wait(one: &mut Endpoint, other: Option<&mut Endpoint>) -> io::Result<()> {
    let begun = Instant::now();
    let mut watched: Vec<PollFd<'_>> = [Some(&*one), other.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(Endpoint::live)
        .map(|stream| PollFd::new(stream, PollFlags::IN))
        .collect();
    let timeout = Timespec::try_from(GUARD).expect("a limit that fits");
    poll(&mut watched, Some(&timeout))?;
    drop(watched);
    one.read_available();
    if let Some(other) = other {
        other.read_available();
    }
    match begun.elapsed() > GUARD.saturating_sub(Duration::from_millis(1)) {
        true => Err(io::ErrorKind::TimedOut.into()),
        false => Ok(()),
    }
}
