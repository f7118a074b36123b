//! A relay between a real client and the proxy, or the proxy and a real service, that keeps
//! every octet of both directions, so that what either could have seen is known without
//! its help.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::leak::Leaks;
use crate::proxy::Proxy;

/// A running relay; it stops accepting when it goes out of scope.
pub struct Wiretap {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    proxy: SocketAddr,
    leaks: Arc<Leaks>,
    connections: Mutex<Vec<Octets>>,
    stopping: AtomicBool,
}

#[derive(Clone, Default)]
struct Octets {
    to_proxy: Vec<u8>,
    to_client: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Toward {
    Proxy,
    Client,
}

impl Wiretap {
    /// Listens on a free loopback port and relays each connection to the proxy, which
    /// fails the test in the end if the client was shown one of its tokens.
    ///
    /// # Panics
    /// When loopback has no port to give.
    pub fn before(proxy: &Proxy) -> Wiretap {
        Wiretap::relaying(proxy.address(), Arc::clone(proxy.leaks()))
    }

    /// The same before a service: what is then called the client is the proxy.
    ///
    /// # Panics
    /// When loopback has no port to give.
    pub fn before_service(service: SocketAddr) -> Wiretap {
        Wiretap::relaying(service, Leaks::of(&[""; 0]))
    }

    fn relaying(proxy: SocketAddr, leaks: Arc<Leaks>) -> Wiretap {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            proxy,
            leaks,
            connections: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Wiretap { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of a path on the proxy, as a client is told it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything the client received, connection after connection.
    pub fn to_client(&self) -> Vec<u8> {
        self.shared.gather(|octets| octets.to_client.clone())
    }

    /// Everything the client sent, connection after connection.
    pub fn to_proxy(&self) -> Vec<u8> {
        self.shared.gather(|octets| octets.to_proxy.clone())
    }

    /// How many connections there have been.
    ///
    /// # Panics
    /// When a relay has.
    pub fn connections(&self) -> usize {
        self.shared.connections.lock().expect("a sound lock").len()
    }

    /// What the client has sent on one connection, from octet `offset` on.
    ///
    /// # Panics
    /// When there is no such connection or octet.
    pub fn sent_on(&self, connection: usize, offset: usize) -> Vec<u8> {
        let connections = self.shared.connections.lock().expect("a sound lock");
        connections[connection].to_proxy[offset..].to_vec()
    }

    /// The request lines the client sent, without their version.
    pub fn request_lines(&self) -> Vec<String> {
        let sent = self.to_proxy();
        let text = String::from_utf8_lossy(&sent);
        let lines = text
            .split("\r\n")
            .filter_map(|line| line.strip_suffix(" HTTP/1.1"));
        // A body that does not end in CRLF stands on the next request's line.
        lines
            .map(|line| line.rsplit(['\n', '}']).next().unwrap_or(line).to_owned())
            .collect()
    }
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address)); // wakes the accept loop
    }
}

impl Shared {
    fn gather(&self, part: impl Fn(&Octets) -> Vec<u8>) -> Vec<u8> {
        self.connections
            .lock()
            .expect("a sound lock")
            .iter()
            .flat_map(part)
            .collect()
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            let Ok(client) = client else { continue };
            // A proxy that refuses the connection is a client that is hung up on.
            let Ok(proxy) = TcpStream::connect(self.proxy) else {
                continue;
            };
            let index = {
                let mut connections = self.connections.lock().expect("a sound lock");
                connections.push(Octets::default());
                connections.len() - 1
            };
            for (from, to, toward) in [
                (&client, &proxy, Toward::Proxy),
                (&proxy, &client, Toward::Client),
            ] {
                let ends = from
                    .try_clone()
                    .and_then(|from| Ok((from, to.try_clone()?)));
                let Ok((from, to)) = ends else { continue };
                let shared = Arc::clone(&self);
                thread::spawn(move || shared.relay(index, from, to, toward));
            }
        }
    }

    fn relay(&self, index: usize, mut from: TcpStream, mut to: TcpStream, toward: Toward) {
        let _late = to.set_nodelay(true);
        let mut scan = self.leaks.stream("what a real client received");
        let mut block = vec![0; 64 * 1024];
        loop {
            match from.read(&mut block) {
                Ok(0) => {
                    let _gone = to.shutdown(Shutdown::Write);
                    return;
                }
                Ok(octets) => {
                    self.keep(index, toward, &block[..octets]);
                    if matches!(toward, Toward::Client) {
                        scan.feed(&block[..octets]);
                    }
                    if to.write_all(&block[..octets]).is_err() {
                        break;
                    }
                }
                Err(_reset) => break,
            }
        }
        // Broken off on one side means broken off on the other.
        let _gone = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    fn keep(&self, index: usize, toward: Toward, octets: &[u8]) {
        let mut connections = self.connections.lock().expect("a sound lock");
        match toward {
            Toward::Proxy => connections[index].to_proxy.extend_from_slice(octets),
            Toward::Client => connections[index].to_client.extend_from_slice(octets),
        }
    }
}
