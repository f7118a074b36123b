//! What the kernel knows of a connection between two sockets of this machine: the only
//! witness of what the other process has taken in, and of an end that it has not looked
//! at yet.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use crate::process::GUARD;

/// One end of a connection over IPv4, to be looked up in `/proc/net/tcp`.
pub struct End {
    key: String,
}

/// What the table says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Neither end has closed.
    pub is_established: bool,
    /// Octets sent and not yet acknowledged, or not yet sent.
    pub unsent: u64,
    /// Octets received and not yet read.
    pub unread: u64,
}

impl End {
    /// The end of `stream` that we hold.
    pub fn own(stream: &TcpStream) -> End {
        End::between(stream.local_addr(), stream.peer_addr())
    }

    /// The end of `stream` that the proxy holds.
    pub fn other(stream: &TcpStream) -> End {
        End::between(stream.peer_addr(), stream.local_addr())
    }

    fn between(one: std::io::Result<SocketAddr>, two: std::io::Result<SocketAddr>) -> End {
        let text = |address: std::io::Result<SocketAddr>| {
            let address = address.expect("an address");
            format!("0100007F:{:04X}", address.port())
        };
        End {
            key: format!(" {} {} ", text(one), text(two)),
        }
    }

    /// Its state; `None` if the kernel has forgotten it.
    pub fn state(&self) -> Option<State> {
        self.state_in(&table())
    }

    /// Has neither end closed?
    pub fn is_established(&self) -> bool {
        self.state().is_some_and(|state| state.is_established)
    }

    fn state_in(&self, table: &str) -> Option<State> {
        let (_, rest) = table.split_once(&self.key)?;
        let (state, queues) = rest.split_once(' ')?;
        let (unsent, unread) = queues.split_once(' ')?.0.split_once(':')?;
        let number = |text| u64::from_str_radix(text, 16).expect("a hexadecimal number");
        Some(State {
            is_established: state == "01",
            unsent: number(unsent),
            unread: number(unread),
        })
    }
}

/// Thousands of lines while many tests run, so a look costs milliseconds.
fn table() -> String {
    fs::read_to_string("/proc/net/tcp").expect("/proc/net/tcp")
}

/// Waits until the proxy has read all that was sent on `stream`.
pub fn wait_until_read(stream: &TcpStream) {
    let (own, other) = (End::own(stream), End::other(stream));
    let deadline = Instant::now() + GUARD;
    loop {
        let table = table();
        let unsent = own.state_in(&table).is_some_and(|state| state.unsent > 0);
        let unread = other.state_in(&table).is_some_and(|state| state.unread > 0);
        if !unsent && !unread {
            return;
        }
        assert!(Instant::now() < deadline, "what was sent is not read");
        std::thread::yield_now();
    }
}
