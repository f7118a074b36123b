//! A client that speaks git's protocol by hand, so that it can stop anywhere.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use harness::gate::Gate;

/// One connection.
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Connects and says nothing.
    pub(crate) fn connect(gate: &Gate) -> Raw {
        Raw {
            stream: gate.connect(),
        }
    }

    /// Connects and asks a service for a repository's path.
    pub(crate) fn ask(gate: &Gate, service: &str, path: &str) -> Raw {
        let mut raw = Raw::connect(gate);
        raw.send(&pkt(format!("{service} {path}\0host=git-gate\0").as_bytes()));
        raw
    }

    /// Sends octets as they are. That the other side has gone is seen by what it answers.
    pub(crate) fn send(&mut self, octets: &[u8]) {
        let _gone = self.stream.write_all(octets);
    }

    /// The content of the next pkt-line; empty for a flush, `None` at the end.
    pub(crate) fn read_pkt(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        match self.stream.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if is_end(&error) => return None,
            Err(error) => panic!("no end in time: {error}"),
        }
        let text = std::str::from_utf8(&length).expect("hexadecimal digits");
        let length = usize::from_str_radix(text, 16).expect("hexadecimal digits");
        let mut content = vec![0; length.saturating_sub(4)];
        self.stream.read_exact(&mut content).expect("a whole line");
        Some(content)
    }

    /// Reads up to the next flush.
    pub(crate) fn read_advertisement(&mut self) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.read_pkt().filter(|line| !line.is_empty()));
        let text = |line: Vec<u8>| String::from_utf8_lossy(&line).into_owned();
        lines.map(text).collect()
    }

    /// The error that the other side tells before it closes.
    pub(crate) fn read_error(mut self) -> String {
        let line = self.read_pkt().expect("a line before the end");
        let line = String::from_utf8_lossy(&line).into_owned();
        let error = line.strip_prefix("ERR ");
        let error = error.unwrap_or_else(|| panic!("no error: {line:?}"));
        assert_eq!(self.read_pkt(), None, "something after {line:?}");
        error.to_owned()
    }

    /// Waits for the end, whatever comes before it, and gives what came.
    pub(crate) fn read_to_end(mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        match self.stream.read_to_end(&mut octets) {
            Ok(_) => {}
            Err(error) if is_end(&error) => {}
            Err(error) => panic!("no end in time: {error}"),
        }
        octets
    }

    /// Begins a push to a new branch: the command, and as many octets of a pack that is said
    /// to have many objects. The other side waits for the rest.
    pub(crate) fn begin_push(gate: &Gate, name: &str, pack_octets: usize) -> Raw {
        let mut raw = Raw::ask(gate, "git-receive-pack", "/app.git");
        let advertised = raw.read_advertisement();
        assert!(advertised[0].contains("report-status"), "{advertised:?}");
        let (zeros, ones) = ("0".repeat(40), "1".repeat(40));
        let command = format!("{zeros} {ones} {name}\0 report-status side-band-64k");
        raw.send(&pkt(command.as_bytes()));
        raw.send(b"0000PACK\0\0\0\x02\0\0\x03\xe8");
        // An undeltified blob of 1 MiB that never comes.
        raw.send(&[0xb0, 0x80, 0x80, 0x02, 0x78, 0x01][..pack_octets.min(6)]);
        raw
    }

    /// Says that nothing more is coming.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).expect("a connection");
    }

    /// Ends it by a reset.
    pub(crate) fn reset(self) {
        let linger =
            rustix::net::sockopt::set_socket_linger(&self.stream, Some(std::time::Duration::ZERO));
        linger.expect("SO_LINGER");
    }
}

fn is_end(error: &io::Error) -> bool {
    let ends = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset];
    ends.contains(&error.kind())
}

/// One pkt-line.
pub(crate) fn pkt(content: &[u8]) -> Vec<u8> {
    let mut line = format!("{:04x}", content.len() + 4).into_bytes();
    line.extend_from_slice(content);
    line
}
