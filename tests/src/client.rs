//! The agent's end: a raw socket to the proxy that sends what it is told, octet by
//! octet, and reports all it receives to the search for leaks.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::leak::{Leaks, Scan};
use crate::peer::Peer;
use crate::process::GUARD;

/// One connection to the proxy.
pub struct Client {
    stream: TcpStream,
    pending: Vec<u8>,
    scan: Scan,
    guard: Duration,
}

impl Client {
    /// Connects to `address`; all that comes back is searched for `leaks`.
    pub fn connect(address: SocketAddr, leaks: &Arc<Leaks>) -> Client {
        let stream = TcpStream::connect_timeout(&address, GUARD);
        let stream = stream.unwrap_or_else(|e| panic!("cannot connect to {address}: {e}"));
        Client::over(stream, leaks)
    }

    /// Takes over a stream that a test has opened its own way.
    pub fn over(stream: TcpStream, leaks: &Arc<Leaks>) -> Client {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let place = format!("the answers to the client at {:?}", stream.local_addr());
        Client {
            stream,
            pending: Vec::new(),
            scan: leaks.stream(place),
            guard: GUARD,
        }
    }

    /// Another guard than [`GUARD`], for a test that is about a longer wait.
    pub fn guard(mut self, guard: Duration) -> Client {
        self.guard = guard;
        self
    }

    /// Sends `request` and reads the response to it.
    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> crate::Response {
        let request = request.as_ref();
        let method = request.split(|octet| *octet == b' ').next();
        let method = String::from_utf8_lossy(method.unwrap_or_default()).into_owned();
        self.send(request);
        self.read_response(&method)
    }

    /// Sends FIN and goes on reading.
    pub fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("shutdown");
    }

    /// Closes in order: FIN, unless unread octets make it a reset.
    pub fn close(self) -> Instant {
        let at = Instant::now();
        drop(self);
        at
    }

    /// Closes with a reset.
    pub fn reset(self) -> Instant {
        let linger = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        linger.expect("SO_LINGER");
        self.close()
    }

    /// Bounds the receive buffer, so that it is soon felt when nobody reads.
    pub fn receive_buffer(&self, octets: usize) {
        let set = SockRef::from(&self.stream).set_recv_buffer_size(octets);
        set.expect("SO_RCVBUF");
    }

    /// Fails if anything, an end included, has come that no test has taken.
    pub fn assert_silent(&mut self) {
        self.stream.set_nonblocking(true).expect("non-blocking");
        let mut octet = [0; 1];
        let peeked = self.stream.peek(&mut octet);
        self.stream.set_nonblocking(false).expect("blocking");
        let silent = matches!(&peeked, Err(error) if error.kind() == ErrorKind::WouldBlock);
        assert!(
            silent && self.pending.is_empty(),
            "{}: {peeked:?} came unasked, pending {:?}",
            self.who(),
            self.pending.escape_ascii().to_string()
        );
    }

    /// The socket itself.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }
}

impl Peer for Client {
    fn pull(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        self.stream.set_read_timeout(Some(self.guard))?;
        let count = self.stream.read(&mut buffer).map_err(guard_ran_out)?;
        self.pending.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    fn taken(&mut self, octets: &[u8]) {
        self.scan.feed(octets);
    }

    fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.set_write_timeout(Some(self.guard))?;
        self.stream.write_all(octets).map_err(guard_ran_out)
    }

    fn push_some(&mut self, octets: &[u8]) -> usize {
        let flags = rustix::net::SendFlags::DONTWAIT | rustix::net::SendFlags::NOSIGNAL;
        match rustix::net::send(self.stream.as_fd(), octets, flags) {
            Ok(count) => count,
            Err(rustix::io::Errno::AGAIN) => 0,
            Err(error) => panic!("{}: cannot send: {error}", self.who()),
        }
    }

    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn who(&self) -> String {
        "client".to_owned()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.scan.feed(&self.pending);
    }
}

/// Says what a time-out of a socket means here.
pub(crate) fn guard_ran_out(error: io::Error) -> io::Error {
    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
        return io::Error::new(ErrorKind::TimedOut, "the guard ran out");
    }
    error
}
