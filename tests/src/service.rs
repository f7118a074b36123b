//! The simpler upstream: answers every request by a closure, on as many connections as
//! the proxy opens.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio_rustls::rustls::ServerConfig;

use crate::connection::Connection;
use crate::head::Head;
use crate::peer::Peer;
use crate::upstream::Upstream;

/// A request as the service saw it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The connection that it came on, counted from 0.
    pub connection: usize,
    /// Its head.
    pub head: Head,
    /// Its body, the framing removed.
    pub body: Vec<u8>,
}

impl Request {
    /// The request target.
    pub fn target(&self) -> String {
        let line = self.head.start_line();
        line.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

type Handler = dyn Fn(&Request) -> Vec<u8> + Send + Sync;

/// An upstream that answers by itself until it is dropped.
pub struct Service {
    address: SocketAddr,
    url: String,
    seen: Arc<Mutex<Vec<Request>>>,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Service {
    /// Answers over plain HTTP with whatever octets `handler` returns; a connection is
    /// closed after a response that says `Connection: close`.
    pub fn plain(handler: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Service {
        Service::on(Upstream::plain(), Arc::new(handler))
    }

    /// The same over TLS.
    pub fn tls(
        config: Arc<ServerConfig>,
        handler: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Service {
        Service::on(Upstream::tls(config), Arc::new(handler))
    }

    fn on(upstream: Upstream, handler: Arc<Handler>) -> Service {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let (address, url) = (upstream.address(), upstream.url());
        let (log, stop) = (Arc::clone(&seen), Arc::clone(&stopping));
        let acceptor = thread::spawn(move || {
            let mut index = 0;
            loop {
                while !upstream.ready(Duration::from_secs(3600)) {}
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A handshake may fail on purpose; the next connection is another one.
                if let Ok(connection) = upstream.try_accept() {
                    let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                    thread::spawn(move || serve(connection, index, &log, &*handler));
                }
                index += 1;
            }
        });
        Service {
            address,
            url,
            seen,
            stopping,
            acceptor: Some(acceptor),
        }
    }

    /// `127.0.0.1:port`, as in a Host field.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The upstream of a route.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The requests so far, in the order in which they were complete.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn serve(mut connection: Connection, index: usize, log: &Mutex<Vec<Request>>, handler: &Handler) {
    // Between requests nothing is owed, so an idle connection has no guard.
    let no_guard = connection.socket().set_read_timeout(None);
    no_guard.expect("SO_RCVTIMEO");
    while let Some(head) = connection.read_head_or_end() {
        let body = match head.content_length() {
            _ if head.is_chunked() => connection.read_chunked(),
            Some(length) => connection.read_exact(length as usize),
            None => Vec::new(),
        };
        let request = Request {
            connection: index,
            head,
            body,
        };
        log.lock().unwrap().push(request.clone());
        let response = handler(&request);
        let text = String::from_utf8_lossy(&response).to_ascii_lowercase();
        if connection.push(&response).is_err() {
            return;
        }
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        if head.contains("\r\nconnection: close") {
            connection.close();
            return;
        }
    }
}
