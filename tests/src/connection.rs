//! One connection from the proxy to the scripted service.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio_rustls::rustls::{ServerConnection, StreamOwned};

use crate::client::guard_ran_out;
use crate::head::Head;
use crate::peer::{Ending, Peer};
use crate::tcp_state::End;

/// What happened on a connection, in order.
#[derive(Clone, Debug)]
pub enum Event {
    /// Accepted, TLS included.
    Accepted,
    /// Octets came, with when they did.
    Received(Vec<u8>, Instant),
    /// So many octets were sent.
    Sent(usize),
    /// The proxy ended the stream, with when it was seen.
    PeerEnded(Ending, Instant),
}

/// What happened on every connection.
pub(crate) type Log = Arc<Mutex<Vec<Vec<Event>>>>;

pub(crate) enum Side {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// One connection from the proxy.
///
/// However it ends, it waits until the proxy's kernel has seen the end: what a test does
/// next comes after it on every processor.
pub struct Connection {
    side: Side,
    pending: Vec<u8>,
    index: usize,
    log: Log,
    end: SeenEnd,
}

impl Connection {
    /// Begins the record of a connection that was accepted.
    pub(crate) fn new(side: Side, end: SeenEnd, log: &Log) -> Connection {
        let mut all = log.lock().unwrap();
        all.push(vec![Event::Accepted]);
        Connection {
            side,
            pending: Vec::new(),
            index: all.len() - 1,
            log: Arc::clone(log),
            end,
        }
    }

    fn socket_of(side: &Side) -> &TcpStream {
        match side {
            Side::Plain(stream) => stream,
            Side::Tls(tls) => &tls.sock,
        }
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        Connection::socket_of(&self.side)
    }

    /// The proxy's end, as the kernel knows it.
    pub fn proxy_end(&self) -> &End {
        &self.end.other
    }

    /// Reads a request: its head, and its body with the framing removed.
    pub fn read_request(&mut self) -> (Head, Vec<u8>) {
        let head = self.read_head();
        let body = match head.content_length() {
            _ if head.is_chunked() => self.read_chunked(),
            Some(length) => self.read_exact(length as usize),
            None => Vec::new(),
        };
        (head, body)
    }

    /// Reads a request and answers it.
    pub fn answer(&mut self, response: impl AsRef<[u8]>) -> (Head, Vec<u8>) {
        let request = self.read_request();
        self.send(response);
        request
    }

    /// Closes in order: over TLS close_notify first, then FIN, then the descriptor.
    pub fn close(mut self) {
        self.finish();
    }

    /// Ends the own direction in order and goes on reading.
    pub fn finish(&mut self) {
        if let Side::Tls(tls) = &mut self.side {
            tls.conn.send_close_notify();
            tls.flush().expect("close_notify");
        }
        let _ = self.socket().shutdown(Shutdown::Write);
    }

    /// Over TLS: FIN without close_notify, as a truncating middlebox would.
    pub fn close_without_notify(self) {
        let _ = self.socket().shutdown(Shutdown::Both);
    }

    /// Closes with a reset.
    pub fn reset(self) {
        let linger = SockRef::from(self.socket()).set_linger(Some(Duration::ZERO));
        linger.expect("SO_LINGER");
    }

    /// Closes without waiting until the proxy's kernel has seen the end.
    pub fn leave(mut self) {
        self.end.is_awaited = false;
    }

    /// Bounds the receive buffer, so that it is soon felt when nobody reads.
    pub fn receive_buffer(&self, octets: usize) {
        let set = SockRef::from(self.socket()).set_recv_buffer_size(octets);
        set.expect("SO_RCVBUF");
    }

    /// Is the proxy's end still open, and silent?
    pub fn is_idle(&mut self) -> bool {
        let stream = self.socket();
        stream.set_nonblocking(true).expect("non-blocking");
        let mut octet = [0; 1];
        let peeked = stream.peek(&mut octet);
        stream.set_nonblocking(false).expect("blocking");
        self.pending.is_empty()
            && matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    fn note(&self, event: Event) {
        self.log.lock().unwrap()[self.index].push(event);
    }
}

impl Peer for Connection {
    fn pull(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        let result = match &mut self.side {
            Side::Plain(stream) => stream.read(&mut buffer),
            Side::Tls(tls) => tls.read(&mut buffer),
        };
        let now = Instant::now();
        match &result {
            Ok(0) => self.note(Event::PeerEnded(Ending::Closed, now)),
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                self.note(Event::PeerEnded(Ending::Truncated, now));
            }
            Err(_) => self.note(Event::PeerEnded(Ending::Reset, now)),
        }
        let count = result.map_err(guard_ran_out)?;
        self.pending.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    fn taken(&mut self, octets: &[u8]) {
        self.note(Event::Received(octets.to_vec(), Instant::now()));
    }

    fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        let result = match &mut self.side {
            Side::Plain(stream) => stream.write_all(octets),
            Side::Tls(tls) => tls.write_all(octets).and_then(|()| tls.flush()),
        };
        self.note(Event::Sent(octets.len()));
        result.map_err(guard_ran_out)
    }

    fn push_some(&mut self, octets: &[u8]) -> usize {
        assert!(matches!(self.side, Side::Plain(_)), "only without TLS");
        let flags = rustix::net::SendFlags::DONTWAIT | rustix::net::SendFlags::NOSIGNAL;
        match rustix::net::send(self.socket().as_fd(), octets, flags) {
            Ok(count) => count,
            Err(rustix::io::Errno::AGAIN) => 0,
            Err(error) => panic!("{}: cannot send: {error}", self.who()),
        }
    }

    fn stream(&self) -> &TcpStream {
        self.socket()
    }

    fn who(&self) -> String {
        format!("upstream connection {}", self.index)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            self.note(Event::Received(pending, Instant::now()));
        }
    }
}

/// Dropped after a socket, waits until the other end's kernel knows that it is closed.
pub(crate) struct SeenEnd {
    other: End,
    is_awaited: bool,
}

impl SeenEnd {
    /// Of this socket, which has two ends on this machine.
    pub(crate) fn of(stream: &TcpStream) -> SeenEnd {
        SeenEnd {
            other: End::other(stream),
            is_awaited: true,
        }
    }
}

impl Drop for SeenEnd {
    fn drop(&mut self) {
        // Octets that nobody reads may stand before the end; then it is not waited for.
        let deadline = Instant::now() + Duration::from_millis(500);
        while self.is_awaited && self.other.is_established() && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }
}
