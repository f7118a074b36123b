//! A company's outbound proxy: speaks CONNECT and nothing else, keeps the heads it was
//! sent, and brings every tunnel to one place on loopback, whatever host it names.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::head::Head;
use crate::process::GUARD;

/// What it does with a CONNECT request.
#[derive(Clone, Debug)]
pub enum Manner {
    /// Brings the tunnel to this address, with [`ESTABLISHED`].
    Tunnel(SocketAddr),
    /// Brings the tunnel to this address, with this head.
    TunnelSaying(&'static str, SocketAddr),
    /// Says these octets, then closes.
    Say(String),
    /// Keeps the connection and says nothing.
    Silent,
}

/// What most of them say.
pub const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A running outbound proxy; it stops accepting when it goes out of scope.
pub struct ConnectProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    manner: Manner,
    heads: Mutex<Vec<Head>>,
    changed: Condvar,
    stopping: AtomicBool,
}

impl ConnectProxy {
    /// Starts one on a free loopback port.
    ///
    /// # Panics
    /// When loopback has no port to give.
    pub fn start(manner: Manner) -> ConnectProxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        ConnectProxy::on(listener, manner)
    }

    /// The same on a listener that there is already, whatever its address.
    ///
    /// # Panics
    /// When it is not bound.
    pub fn on(listener: TcpListener, manner: Manner) -> ConnectProxy {
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            manner,
            heads: Mutex::default(),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        ConnectProxy { address, shared }
    }

    /// Its URL for `HTTPS_PROXY`; `userinfo` is empty or ends with `@`.
    pub fn url(&self, userinfo: &str) -> String {
        format!("http://{userinfo}{}", self.address)
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<Head> {
        self.shared.heads.lock().expect("a sound lock").clone()
    }

    /// Waits for the first request and returns its head.
    ///
    /// # Panics
    /// When none comes.
    pub fn wait_for_head(&self) -> Head {
        let heads = self.shared.heads.lock().expect("a sound lock");
        let waited = self
            .shared
            .changed
            .wait_timeout_while(heads, GUARD, |heads| heads.is_empty());
        let (heads, _) = waited.expect("a sound lock");
        heads.first().expect("a CONNECT request").clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address)); // wakes the accept loop
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let shared = Arc::clone(&self);
            // A client that breaks off is no event here: the tests look at its answer.
            thread::spawn(move || shared.serve(stream));
        }
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let mut octets = Vec::new();
        while !octets.ends_with(b"\r\n\r\n") {
            if reader.read_until(b'\n', &mut octets)? == 0 {
                return Ok(());
            }
        }
        let early = reader.buffer().to_vec();
        let mut client = reader.into_inner();
        self.heads
            .lock()
            .expect("a sound lock")
            .push(Head::new(octets));
        self.changed.notify_all();
        match &self.manner {
            Manner::Tunnel(address) => bring(client, *address, ESTABLISHED, &early),
            Manner::TunnelSaying(head, address) => bring(client, *address, head, &early),
            Manner::Say(answer) => {
                client.write_all(answer.as_bytes())?;
                client.shutdown(Shutdown::Write)?;
                client.read_to_end(&mut Vec::new()).map(drop)
            }
            Manner::Silent => client.read_to_end(&mut Vec::new()).map(drop),
        }
    }
}

fn bring(mut client: TcpStream, to: SocketAddr, head: &str, early: &[u8]) -> io::Result<()> {
    let mut target = TcpStream::connect(to)?;
    target.set_nodelay(true)?;
    target.write_all(early)?;
    client.write_all(head.as_bytes())?;
    join(client, target)
}

fn join(client: TcpStream, target: TcpStream) -> io::Result<()> {
    let pairs = [(client.try_clone()?, target.try_clone()?), (target, client)];
    let relays = pairs.map(|(mut from, mut to)| {
        thread::spawn(move || {
            let _broken_off = io::copy(&mut from, &mut to);
            let _gone = to.shutdown(Shutdown::Write);
        })
    });
    for relay in relays {
        let _ended = relay.join();
    }
    Ok(())
}
