//! An HTTP/1.1 origin server on loopback, plain or over TLS, that answers as its handler
//! says and keeps a record of every request: its octets, its framing, its connection
//! and its TLS hello.
//!
//! It reads strictly: what it cannot read is a [`Origin::faults`] entry, not a guess.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use tokio_rustls::rustls::ServerConfig;

use crate::answer::{After, Answer, Connection};
use crate::process::GUARD;
use crate::received::{BodyFraming, Hello, Received, fault, read_head, read_line, shake_hands};
use crate::upstream::listen;

/// Decides the answer to one complete request.
pub type Handler = dyn Fn(&Received, &mut Answer<'_>) -> io::Result<After> + Send + Sync;

/// A running origin server; it stops accepting when it goes out of scope.
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    tls: Option<Arc<ServerConfig>>,
    handler: Box<Handler>,
    record: Mutex<Record>,
    changed: Condvar,
    stopping: AtomicBool,
    is_forgetful: bool,
}

#[derive(Default)]
struct Record {
    connections: usize,
    heads: usize,
    requests: BTreeMap<usize, Received>,
    faults: Vec<String>,
}

impl Record {
    fn begin(&mut self, request: Received) -> usize {
        self.heads += 1;
        self.requests.insert(self.heads, request);
        self.heads
    }

    /// A request that was not answered yet.
    fn current(&mut self, index: usize) -> &mut Received {
        self.requests.get_mut(&index).expect("a recorded request")
    }

    fn requests(&self) -> Vec<Received> {
        self.requests.values().cloned().collect()
    }
}

impl Origin {
    /// Starts a service on a free loopback port; `tls` absent means plain HTTP.
    pub fn start(
        tls: Option<Arc<ServerConfig>>,
        handler: impl Fn(&Received, &mut Answer<'_>) -> io::Result<After> + Send + Sync + 'static,
    ) -> Origin {
        Origin::serving(listen(), tls, false, Box::new(handler))
    }

    /// The same on a listener that there is already, whatever its address.
    pub fn on(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        handler: impl Fn(&Received, &mut Answer<'_>) -> io::Result<After> + Send + Sync + 'static,
    ) -> Origin {
        Origin::serving(listener, tls, false, Box::new(handler))
    }

    /// The same, but it forgets a request with its answer, and faults altogether: for
    /// traffic without end, among which clients come and go.
    pub fn forgetful(
        tls: Option<Arc<ServerConfig>>,
        handler: impl Fn(&Received, &mut Answer<'_>) -> io::Result<After> + Send + Sync + 'static,
    ) -> Origin {
        Origin::serving(listen(), tls, true, Box::new(handler))
    }

    fn serving(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        is_forgetful: bool,
        handler: Box<Handler>,
    ) -> Origin {
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            tls,
            handler,
            record: Mutex::default(),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
            is_forgetful,
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Origin { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The upstream of a route, by address.
    pub fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far, in the order their heads came.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.record().requests()
    }

    /// How many connections were accepted so far, whether a request came on them or not.
    pub fn connections(&self) -> usize {
        self.shared.record().connections
    }

    /// What went wrong on a connection: a refused handshake, a message it cannot read.
    pub fn faults(&self) -> Vec<String> {
        self.shared.record().faults.clone()
    }

    /// Waits until the requests so far satisfy `enough`, and returns them.
    ///
    /// # Panics
    /// When they do not within [`GUARD`].
    pub fn wait_for(&self, what: &str, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let deadline = Instant::now() + GUARD;
        let mut record = self.shared.record();
        while !enough(&record.requests()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the upstream waited in vain: {what}: {:#?}",
                record.requests()
            );
            record = self
                .shared
                .changed
                .wait_timeout(record, left)
                .expect("a sound lock")
                .0;
        }
        record.requests()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address)); // wakes the accept loop
    }
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("a sound lock")
    }

    fn note(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.record());
        self.changed.notify_all();
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let connection = {
                let mut record = self.record();
                record.connections += 1;
                record.connections - 1
            };
            self.changed.notify_all();
            let shared = Arc::clone(&self);
            thread::spawn(move || {
                let served = shared.serve(connection, stream);
                if let Err(error) = served
                    && !shared.is_forgetful
                {
                    shared.note(|record| record.faults.push(error.to_string()));
                }
            });
        }
    }

    fn serve(&self, connection: usize, tcp: TcpStream) -> io::Result<()> {
        tcp.set_nodelay(true)?;
        match &self.tls {
            None => self.converse(connection, None, &mut BufReader::new(tcp)),
            Some(config) => {
                let (hello, stream) = shake_hands(tcp, Arc::clone(config))?;
                self.converse(connection, Some(hello), &mut BufReader::new(stream))
            }
        }
    }

    fn converse<S: Connection>(
        &self,
        connection: usize,
        hello: Option<Hello>,
        stream: &mut BufReader<S>,
    ) -> io::Result<()> {
        loop {
            let head = Received {
                connection,
                hello: hello.clone(),
                ..Received::default()
            };
            let Some(request) = read_head(stream, head)? else {
                return stream.get_mut().finish(After::Close);
            };
            let index = self.record().begin(request.clone());
            self.changed.notify_all();
            if request
                .all("expect")
                .iter()
                .any(|value| value.eq_ignore_ascii_case("100-continue"))
            {
                Answer::toward(stream.get_mut(), &request).raw(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            let read = self.read_body(stream, index, &request.framing);
            let request = self.take(index);
            read?;
            let mut answer = Answer::toward(stream.get_mut(), &request);
            let after = (self.handler)(&request, &mut answer)?;
            let closing = request
                .all("connection")
                .iter()
                .any(|value| value.eq_ignore_ascii_case("close"));
            match after {
                After::Keep if !closing => {}
                After::Keep => return stream.get_mut().finish(After::Close),
                After::Echo => return echo(stream),
                After::Close | After::Cut => return stream.get_mut().finish(after),
            }
        }
    }

    /// The request as it was read, which a forgetful service keeps no longer.
    fn take(&self, index: usize) -> Received {
        let mut record = self.record();
        match self.is_forgetful {
            true => record.requests.remove(&index).expect("recorded once"),
            false => record.current(index).clone(),
        }
    }

    fn read_body(
        &self,
        stream: &mut impl BufRead,
        index: usize,
        framing: &BodyFraming,
    ) -> io::Result<()> {
        match framing {
            BodyFraming::None => {}
            BodyFraming::ContentLength(octets) => self.read_octets(stream, index, *octets)?,
            BodyFraming::Chunked(_) => loop {
                let line = read_line(stream)?.ok_or(ErrorKind::UnexpectedEof)?;
                let octets = u64::from_str_radix(&line, 16)
                    .ok()
                    .ok_or_else(|| fault("a chunk size that is no number", &line))?;
                self.read_octets(stream, index, octets)?;
                let empty = read_line(stream)?.ok_or(ErrorKind::UnexpectedEof)?;
                if !empty.is_empty() {
                    return Err(fault(
                        "a chunk, or a trailer section, without its empty line",
                        &empty,
                    ));
                }
                if octets == 0 {
                    break;
                }
                self.note(|record| {
                    if let BodyFraming::Chunked(chunks) = &mut record.current(index).framing {
                        *chunks += 1;
                    }
                });
            },
        }
        self.note(|record| record.current(index).complete = true);
        Ok(())
    }

    fn read_octets(
        &self,
        stream: &mut impl BufRead,
        index: usize,
        mut left: u64,
    ) -> io::Result<()> {
        while left > 0 {
            let ready = stream.fill_buf()?;
            if ready.is_empty() {
                return Err(fault(
                    "a body that ends early",
                    &format!("{left} octets are missing"),
                ));
            }
            let taken = ready.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.note(|record| {
                let body = &mut record.current(index).body;
                body.extend_from_slice(&ready[..taken]);
            });
            stream.consume(taken);
            left -= taken as u64;
        }
        Ok(())
    }
}

/// Sends back what comes until nothing more comes.
fn echo<S: Connection>(stream: &mut BufReader<S>) -> io::Result<()> {
    loop {
        let octets = stream.fill_buf()?.to_vec();
        if octets.is_empty() {
            return stream.get_mut().finish(After::Close);
        }
        stream.get_mut().write_all(&octets)?;
        stream.get_mut().flush()?;
        stream.consume(octets.len());
    }
}
