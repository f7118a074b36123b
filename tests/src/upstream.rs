//! The service's end: listens on the loopback interface, plain or with TLS, and does
//! step by step what the test says. For a service that only answers, see
//! [`Service`](crate::Service).

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Socket, Type};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::connection::{Connection, Event, Log, SeenEnd, Side};
use crate::process::GUARD;

/// Connections that wait to be accepted: more than any test opens at once.
const BACKLOG: i32 = 4096;

/// A service that is scripted by the test.
pub struct Upstream {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    log: Log,
}

impl Upstream {
    /// A service that speaks plain HTTP.
    pub fn plain() -> Upstream {
        Upstream::listening(None)
    }

    /// A service that speaks HTTP over TLS.
    pub fn tls(config: Arc<ServerConfig>) -> Upstream {
        Upstream::listening(Some(config))
    }

    fn listening(tls: Option<Arc<ServerConfig>>) -> Upstream {
        Upstream {
            listener: listen(),
            tls,
            log: Log::default(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("an address")
    }

    /// `127.0.0.1:port`, as in a Host field.
    pub fn authority(&self) -> String {
        self.address().to_string()
    }

    /// The upstream of a route: `http` or `https`, by address.
    pub fn url(&self) -> String {
        self.url_of("127.0.0.1")
    }

    /// The upstream of a route, by another name of this machine, such as `localhost`.
    pub fn url_of(&self, host: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{host}:{}", self.address().port())
    }

    /// Waits for the next connection, and over TLS shakes hands; fails if that fails.
    pub fn accept(&self) -> Connection {
        self.try_accept().expect("the TLS handshake succeeds")
    }

    /// Waits for the next connection; gives the error of a TLS handshake that failed.
    pub fn try_accept(&self) -> io::Result<Connection> {
        let stream = self.accept_raw();
        let end = SeenEnd::of(&stream);
        let side = match &self.tls {
            None => Side::Plain(stream),
            Some(config) => {
                let session = ServerConnection::new(Arc::clone(config)).expect("a session");
                let mut tls = StreamOwned::new(session, stream);
                while tls.conn.is_handshaking() {
                    tls.conn.complete_io(&mut tls.sock)?;
                }
                Side::Tls(Box::new(tls))
            }
        };
        Ok(Connection::new(side, end, &self.log))
    }

    /// Waits for the next connection and does nothing with it, not even a handshake.
    pub fn accept_raw(&self) -> TcpStream {
        assert!(
            self.ready(GUARD),
            "no connection to the upstream in {GUARD:?}"
        );
        let (stream, _) = self.listener.accept().expect("accept");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(GUARD)).expect("SO_RCVTIMEO");
        stream.set_write_timeout(Some(GUARD)).expect("SO_SNDTIMEO");
        stream
    }

    /// Is a connection waiting to be accepted, or comes one within `limit`?
    pub fn ready(&self, limit: Duration) -> bool {
        let timeout = Timespec::try_from(limit).expect("a limit that fits");
        let mut watched = [PollFd::new(&self.listener, PollFlags::IN)];
        poll(&mut watched, Some(&timeout)).expect("poll") > 0
    }

    /// Fails if a connection is waiting: whatever was refused has not left the proxy.
    pub fn assert_untouched(&self) {
        if self.ready(Duration::ZERO) {
            let mut stream = self.accept_raw();
            let mut octets = vec![0; 4096];
            stream.set_nonblocking(true).expect("non-blocking");
            let count = stream.read(&mut octets).unwrap_or(0);
            let text = octets[..count].escape_ascii().to_string();
            panic!("the upstream was connected to, and received {text:?}");
        }
    }

    /// How many connections the test has accepted.
    pub fn accepted(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    /// What happened on connection `index`, counted from 0 in the order of accepting.
    pub fn events(&self, index: usize) -> Vec<Event> {
        self.log.lock().unwrap()[index].clone()
    }

    /// All octets received on connection `index`.
    pub fn received(&self, index: usize) -> Vec<u8> {
        let events = self.events(index);
        let pieces = events.iter().filter_map(|event| match event {
            Event::Received(octets, _) => Some(octets.as_slice()),
            Event::Accepted | Event::Sent(_) | Event::PeerEnded(..) => None,
        });
        pieces.collect::<Vec<_>>().concat()
    }
}

/// An address that is taken, but where nobody listens: every connection is refused.
pub struct Deaf {
    socket: Socket,
}

impl Default for Deaf {
    fn default() -> Self {
        Deaf::new()
    }
}

impl Deaf {
    /// Takes a free port of the loopback interface.
    pub fn new() -> Deaf {
        Deaf {
            socket: bound(LOOPBACK),
        }
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        let address = self.socket.local_addr().expect("an address");
        address.as_socket().expect("an address of IP")
    }

    /// The upstream of a route.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}

/// An address whose queue is full: a connection to it is neither made nor refused.
pub struct Full {
    socket: Socket,
    _queued: TcpStream,
}

impl Default for Full {
    fn default() -> Self {
        Full::new()
    }
}

impl Full {
    /// Listens with the shortest queue that there is, and fills it.
    pub fn new() -> Full {
        let socket = bound(LOOPBACK);
        socket.listen(0).expect("listen");
        let address = socket.local_addr().expect("an address").as_socket();
        let queued = TcpStream::connect(address.expect("an address of IP"));
        Full {
            socket,
            _queued: queued.expect("one has a place"),
        }
    }

    /// The upstream of a route.
    pub fn url(&self) -> String {
        let address = self.socket.local_addr().expect("an address");
        format!("http://{}", address.as_socket().expect("an address of IP"))
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn bound(address: IpAddr) -> Socket {
    let any = SocketAddr::new(address, 0);
    let socket = Socket::new(Domain::for_address(any), Type::STREAM, None).expect("a socket");
    socket.bind(&any.into()).expect("bind");
    socket
}

/// A listener on a free port of the loopback interface with a long queue.
pub fn listen() -> TcpListener {
    listen_at(LOOPBACK)
}

/// The same at another address of this machine: one of a network that a test made.
pub fn listen_at(address: IpAddr) -> TcpListener {
    let socket = bound(address);
    socket.listen(BACKLOG).expect("listen");
    socket.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::leak::Leaks;
    use crate::peer::{Ending, Peer};

    #[test]
    fn both_ends_see_what_the_other_does() {
        let upstream = Upstream::plain();
        let leaks = Leaks::of(&["a-token-of-some-length"]);
        upstream.assert_untouched();
        let mut client = Client::connect(upstream.address(), &leaks);
        client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        let mut service = upstream.accept();
        let head = service.read_head();
        assert_eq!(head.start_line(), "POST / HTTP/1.1");
        for octet in [b"a", b"b"] {
            client.send_chunk(octet);
            assert_eq!(service.read_chunk().expect("a chunk"), octet);
        }
        client.send("0\r\n\r\n");
        assert_eq!(service.read_chunk(), None);
        assert!(service.is_idle());
        client.assert_silent();
        service.send("HTTP/1.1 100 Continue\r\n\r\n");
        service.send("HTTP/1.1 200 OK\r\n\r\nto the end a-token-of-some-length");
        service.close();
        let response = client.read_response("POST");
        assert_eq!(response.interim[0].status(), 100);
        assert!(response.text().starts_with("to the end"));
        assert!(!leaks.found().is_empty());
        assert_eq!(upstream.accepted(), 1);
        let received = upstream.received(0);
        assert!(received.ends_with(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
    }

    #[test]
    fn a_reset_is_told_from_an_end() {
        let upstream = Upstream::plain();
        let leaks = Leaks::of::<&str>(&[]);
        let mut client = Client::connect(upstream.address(), &leaks);
        upstream.accept().close();
        assert_eq!(client.wait_for_close().0, Ending::Closed);
        let mut client = Client::connect(upstream.address(), &leaks);
        upstream.accept().reset();
        assert_eq!(client.wait_for_close().0, Ending::Reset);
    }
}
