//! One end of a connection that never blocks: it keeps what has come, and knows how
//! either side has ended it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use socket2::SockRef;

use crate::peer::Ending;
use crate::tcp_state;

/// One end, ours; the other is the proxy's.
pub struct Endpoint {
    stream: Option<TcpStream>,
    /// What came since the last [`Endpoint::next_exchange`].
    pub received: Vec<u8>,
    /// What was sent since then.
    pub sent: Vec<u8>,
    /// How the proxy has ended it.
    pub ended: Option<Ending>,
    /// How we have ended our direction.
    pub finished: Option<Ending>,
    /// How many exchanges it carried before this one.
    pub carried: usize,
    /// Nothing more is sent on it.
    pub is_mute: bool,
}

impl Endpoint {
    /// Takes over a connection.
    pub fn new(stream: TcpStream) -> Endpoint {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_nonblocking(true).expect("non-blocking");
        Endpoint {
            stream: Some(stream),
            received: Vec::new(),
            sent: Vec::new(),
            ended: None,
            finished: None,
            carried: 0,
            is_mute: false,
        }
    }

    /// The socket, unless it is closed on either side: what is worth polling.
    pub fn live(&self) -> Option<&TcpStream> {
        self.stream.as_ref().filter(|_| self.ended.is_none())
    }

    /// Have we closed it?
    pub fn is_closed(&self) -> bool {
        self.stream.is_none()
    }

    /// Is nothing more to come, by either side's doing?
    pub fn is_over(&self) -> bool {
        self.stream.is_none() || self.ended.is_some()
    }

    /// Forgets what passed: another exchange begins.
    pub fn next_exchange(&mut self) {
        self.received.clear();
        self.sent.clear();
        self.carried += 1;
        self.is_mute = self.finished.is_some();
    }

    /// Reads what has come.
    pub fn read_available(&mut self) {
        let mut block = [0; 4096];
        while let Some(mut stream) = self.live() {
            match stream.read(&mut block) {
                Ok(0) => self.ended = Some(Ending::Closed),
                Ok(count) => self.received.extend_from_slice(&block[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_broken) => self.ended = Some(Ending::Reset),
            }
        }
    }

    /// Writes a few octets, which the system takes at once. Those that meet a closed
    /// connection are lost: how it ended is found by reading.
    pub fn send(&mut self, octets: &[u8]) {
        if let Some(mut stream) = self.stream.as_ref()
            && !octets.is_empty()
            && stream.write_all(octets).is_ok()
        {
            self.sent.extend_from_slice(octets);
        }
    }

    /// Has the proxy taken all that was sent?
    pub fn is_taken(&self) -> bool {
        self.live().is_none_or(tcp_state::is_read)
    }

    /// Sends FIN and goes on reading.
    pub fn half_close(&mut self) {
        if let Some(stream) = &self.stream {
            // Refused where the proxy has reset it; then it has ended all the same.
            let _ = stream.shutdown(Shutdown::Write);
        }
        self.finished.get_or_insert(Ending::Closed);
    }

    /// Sends FIN and reads no more.
    pub fn close(&mut self) {
        self.stream = None;
        self.finished.get_or_insert(Ending::Closed);
    }

    /// Sends a reset.
    pub fn reset(&mut self) {
        if let Some(stream) = self.stream.take() {
            let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            linger.expect("SO_LINGER");
        }
        self.finished.get_or_insert(Ending::Reset);
    }
}
