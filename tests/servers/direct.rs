//! The control: the same octets sent to a server without a proxy before it.

use std::net::TcpStream;

use harness::leak::Leaks;
use harness::{Client, Peer};

use crate::corpus::Entry;
use crate::server::{Served, Server};

/// Sends an entry, and a request behind it that an attack may swallow, and gives what the
/// server has served of the entry.
pub(crate) fn send(server: &Server, number: usize, entry: &Entry) -> Vec<Served> {
    let from = server.count();
    let last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    converse(server, &[&entry.octets, last.as_bytes()].concat());
    let token = format!("/token-{number}");
    let octets = format!("GET {token} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    converse(server, octets.as_bytes());
    let (mut served, _) = server.served(from, 1, &token);
    // Some don't serve what stands last before the client's end.
    served.retain(|one| one.target != token && one.target != "/last");
    served
}

/// Sends these octets, and waits for the server's end.
fn converse(server: &Server, octets: &[u8]) {
    let stream = TcpStream::connect(server.address).expect("the server listens");
    let mut client = Client::over(stream, &Leaks::of(&[""; 0]));
    let _ = client.push(octets);
    // Whoever waits for more than there is learns that nothing comes.
    let _ = client.socket().shutdown(std::net::Shutdown::Write);
    client.read_to_end();
}
