//! What the kernel knows of a connection between two sockets of this machine: the only
//! witness of what the other process has taken in, and of an end that it has not looked
//! at yet. Asked for one connection by `sock_diag(7)`, since reading `/proc/net/tcp`
//! takes longer the more connections there were.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use socket2::{Domain, Protocol, Socket, Type};

use crate::process::GUARD;

/// Numbers of `linux/netlink.h`, `linux/sock_diag.h` and `linux/inet_diag.h`.
const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const NLMSG_ERROR: u16 = 2;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const HEADER_OCTETS: usize = 16;
const AF_INET: u8 = 2;
const IPPROTO_TCP: u8 = 6;
/// States of `net/tcp_states.h`. A listener is found where the connection is forgotten.
const ESTABLISHED: u8 = 1;
const LISTEN: u8 = 10;

/// One end of a connection over IPv4.
pub struct End {
    local: SocketAddr,
    remote: SocketAddr,
}

/// What the kernel says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Neither end has closed.
    pub is_established: bool,
    /// Octets sent and not yet acknowledged, or not yet sent.
    pub unsent: u32,
    /// Octets received and not yet read.
    pub unread: u32,
    /// The number by which `/proc/pid/fd` names the socket; 0 if nobody holds it.
    pub inode: u32,
}

impl End {
    /// The end of `stream` that we hold.
    pub fn own(stream: &TcpStream) -> End {
        End {
            local: stream.local_addr().expect("an address"),
            remote: stream.peer_addr().expect("a connection"),
        }
    }

    /// The end of `stream` that the proxy holds.
    pub fn other(stream: &TcpStream) -> End {
        let End { local, remote } = End::own(stream);
        End {
            local: remote,
            remote: local,
        }
    }

    /// Its state; `None` if the kernel has forgotten it.
    pub fn state(&self) -> Option<State> {
        let netlink = Domain::from(AF_NETLINK);
        let protocol = Protocol::from(NETLINK_SOCK_DIAG);
        let mut socket = Socket::new(netlink, Type::DGRAM, Some(protocol)).expect("netlink");
        socket.send(&self.question()).expect("a question");
        let mut answer = [0; 512];
        let length = socket.read(&mut answer).expect("an answer");
        let (header, rest) = answer[..length].split_at(HEADER_OCTETS);
        if u16::from_ne_bytes([header[4], header[5]]) == NLMSG_ERROR {
            return None;
        }
        // struct inet_diag_msg: 4 octets, the id (48), then five numbers of 4.
        let number = |at: usize| rest[at..at + 4].try_into().map(u32::from_ne_bytes);
        let (unread, unsent) = (number(56).expect("4 octets"), number(60).expect("4 octets"));
        let state = rest[1];
        (state != LISTEN).then_some(State {
            is_established: state == ESTABLISHED,
            unsent,
            unread,
            inode: number(68).expect("4 octets"),
        })
    }

    /// struct nlmsghdr, struct inet_diag_req_v2.
    fn question(&self) -> Vec<u8> {
        let mut request = vec![AF_INET, IPPROTO_TCP, 0, 0];
        request.extend_from_slice(&u32::MAX.to_ne_bytes()); // any state
        for address in [self.local, self.remote] {
            request.extend_from_slice(&address.port().to_be_bytes());
        }
        for address in [self.local, self.remote] {
            let SocketAddr::V4(address) = address else {
                panic!("{address} is not of IPv4");
            };
            request.extend_from_slice(&address.ip().octets());
            request.extend_from_slice(&[0; 12]);
        }
        request.extend_from_slice(&0u32.to_ne_bytes()); // any interface
        request.extend_from_slice(&u64::MAX.to_ne_bytes()); // no cookie
        let length = u32::try_from(HEADER_OCTETS + request.len()).expect("short");
        let mut message = length.to_ne_bytes().to_vec();
        message.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        message.extend_from_slice(&NLM_F_REQUEST.to_ne_bytes());
        message.extend_from_slice(&[0; 8]); // sequence and port
        message.extend_from_slice(&request);
        message
    }

    /// Has neither end closed?
    pub fn is_established(&self) -> bool {
        self.state().is_some_and(|state| state.is_established)
    }
}

/// Has the proxy read all that was sent on `stream`?
pub fn is_read(stream: &TcpStream) -> bool {
    let unsent = |state: State| state.unsent > 0;
    let unread = |state: State| state.unread > 0;
    !End::own(stream).state().is_some_and(unsent) && !End::other(stream).state().is_some_and(unread)
}

/// Waits until the proxy has read all that was sent on `stream`.
pub fn wait_until_read(stream: &TcpStream) {
    let deadline = Instant::now() + GUARD;
    while !is_read(stream) {
        assert!(Instant::now() < deadline, "what was sent is not read");
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A kernel that has much to do hands on later what was sent.
    fn becomes(end: &End, so: impl Fn(&End) -> bool) {
        let deadline = Instant::now() + GUARD;
        while !so(end) {
            assert!(Instant::now() < deadline, "still {:?}", end.state());
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_kernel_tells_what_was_read_and_what_was_closed() {
        let listener = crate::upstream::listen();
        let address = listener.local_addr().expect("an address");
        let mut one = TcpStream::connect(address).expect("a connection");
        let (mut two, _) = listener.accept().expect("accepted");
        let (first, second) = (End::own(&one), End::other(&one));
        assert!(first.is_established() && second.is_established());
        one.write_all(b"hello").expect("sent");
        let unread = |octets| move |end: &End| end.state().expect("known").unread == octets;
        becomes(&second, unread(5));
        two.read_exact(&mut [0; 5]).expect("read");
        becomes(&second, unread(0));
        wait_until_read(&one);
        drop(one);
        becomes(&second, |end| !end.is_established());
        drop(two);
        becomes(&second, |end| end.state().is_none());
    }
}
