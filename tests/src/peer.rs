//! What both ends of the wire can do: read heads, octets and chunks, write octets,
//! and see how the other side ended. Everything fails loudly after the guard.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::head::{Framing, Head, Response};
use crate::pattern;

/// How the other side ended the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In order: FIN, and over TLS after its close_notify.
    Closed,
    /// Over TLS: FIN without close_notify.
    Truncated,
    /// By a reset.
    Reset,
}

/// So long nothing moves on the loopback interface only if nobody reads.
pub const STILL: Duration = Duration::from_millis(300);

/// Waits at most `limit` for `what`.
fn is_ready(stream: &TcpStream, what: PollFlags, limit: Duration) -> bool {
    let timeout = Timespec::try_from(limit).expect("a limit that fits");
    let mut watched = [PollFd::new(stream, what)];
    poll(&mut watched, Some(&timeout)).expect("poll") > 0
}

impl Ending {
    fn of(error: &io::Error) -> Option<Ending> {
        const RESETS: [ErrorKind; 3] = [
            ErrorKind::ConnectionReset,
            ErrorKind::BrokenPipe,
            ErrorKind::ConnectionAborted,
        ];
        let kind = error.kind();
        if kind == ErrorKind::UnexpectedEof {
            return Some(Ending::Truncated);
        }
        RESETS.contains(&kind).then_some(Ending::Reset)
    }
}

/// One end of a connection, written from top to bottom.
pub trait Peer {
    /// Reads once, under the guard, and keeps the octets for later; 0 is the end.
    fn pull(&mut self) -> io::Result<usize>;

    /// The octets read from the socket and not yet taken by the test.
    fn pending(&mut self) -> &mut Vec<u8>;

    /// Called with all octets that a test takes, but those that it compared itself.
    fn taken(&mut self, octets: &[u8]);

    /// Writes all octets, under the guard.
    fn push(&mut self, octets: &[u8]) -> io::Result<()>;

    /// Who is this, for a failure?
    fn who(&self) -> String;

    /// Writes all octets; fails if the other side is gone.
    fn send(&mut self, octets: impl AsRef<[u8]>) {
        if let Err(error) = self.push(octets.as_ref()) {
            panic!("{}: cannot send: {error}", self.who());
        }
    }

    /// Writes one chunk of the chunked coding.
    fn send_chunk(&mut self, octets: impl AsRef<[u8]>) {
        let octets = octets.as_ref();
        let mut chunk = format!("{:x}\r\n", octets.len()).into_bytes();
        chunk.extend_from_slice(octets);
        chunk.extend_from_slice(b"\r\n");
        self.send(chunk);
    }

    /// Writes the first `length` octets of the [`pattern`].
    fn send_pattern(&mut self, length: u64) {
        let mut sent = 0;
        while sent < length {
            let piece = pattern::slice(sent, (length - sent).min(1 << 20) as usize);
            self.send(piece);
            sent += piece.len() as u64;
        }
    }

    /// Writes the first `length` octets of the [`pattern`] as chunks, the last one too.
    fn send_chunked_pattern(&mut self, length: u64) {
        let mut sent = 0;
        while sent < length {
            let piece = pattern::slice(sent, (length - sent).min(1 << 20) as usize);
            self.send_chunk(piece);
            sent += piece.len() as u64;
        }
        self.send("0\r\n\r\n");
    }

    /// Writes at once as much as the system takes, without waiting; 0 if it takes none.
    fn push_some(&mut self, octets: &[u8]) -> usize;

    /// The socket below.
    fn stream(&self) -> &TcpStream;

    /// Writes octets of the [`pattern`], at most `limit`, until the system has taken
    /// none for [`STILL`]: the other side does not read. Says how many went.
    fn send_until_blocked(&mut self, limit: u64) -> u64 {
        let mut sent = 0;
        while sent < limit {
            let piece = pattern::slice(sent, (limit - sent).min(1 << 20) as usize);
            let count = self.push_some(piece);
            if count == 0 && !is_ready(self.stream(), PollFlags::OUT, STILL) {
                break;
            }
            sent += count as u64;
        }
        sent
    }

    /// Comes anything, or the end, within `limit`?
    fn readable_within(&mut self, limit: Duration) -> bool {
        !self.pending().is_empty() || is_ready(self.stream(), PollFlags::IN, limit)
    }

    /// Reads on; fails if the other side ended instead.
    fn pull_more(&mut self, wanted: &str) {
        let result = self.pull();
        if !matches!(result, Ok(1..)) {
            let who = self.who();
            let so_far = self.pending().escape_ascii().to_string();
            match result {
                Ok(_) => panic!("{who}: end of stream instead of {wanted} after {so_far:?}"),
                Err(error) => panic!("{who}: {error} instead of {wanted} after {so_far:?}"),
            }
        }
    }

    /// Takes the first `length` of the pending octets.
    fn take(&mut self, length: usize) -> Vec<u8> {
        let octets: Vec<u8> = self.pending().drain(..length).collect();
        self.taken(&octets);
        octets
    }

    /// Reads a whole head, interim or final.
    fn read_head(&mut self) -> Head {
        let mut searched = 0;
        loop {
            let pending = self.pending();
            let found = memchr::memmem::find(&pending[searched..], b"\r\n\r\n");
            if let Some(at) = found {
                return Head::new(self.take(searched + at + 4));
            }
            searched = pending.len().saturating_sub(3);
            self.pull_more("a head");
        }
    }

    /// Reads a whole head, or `None` if the other side ended before its first octet.
    fn read_head_or_end(&mut self) -> Option<Head> {
        if self.pending().is_empty() && matches!(self.pull(), Ok(0) | Err(_)) {
            return None;
        }
        Some(self.read_head())
    }

    /// Reads exactly `length` octets.
    fn read_exact(&mut self, length: usize) -> Vec<u8> {
        while self.pending().len() < length {
            self.pull_more(&format!("{length} octets"));
        }
        self.take(length)
    }

    /// Reads `length` octets and compares them with the [`pattern`] from `offset` on.
    fn read_pattern(&mut self, offset: u64, length: u64) {
        let mut seen = 0;
        while seen < length {
            if self.pending().is_empty() {
                self.pull_more("more of a large body");
            }
            let pending = self.pending();
            let piece = (length - seen).min(pending.len() as u64) as usize;
            pattern::assert_follows(offset + seen, &pending[..piece]);
            pending.drain(..piece);
            seen += piece as u64;
        }
    }

    /// Reads one line and cuts its CRLF.
    fn read_line(&mut self) -> String {
        loop {
            if let Some(at) = memchr::memmem::find(self.pending(), b"\r\n") {
                let line = self.take(at + 2);
                return String::from_utf8(line[..at].to_vec()).expect("a line of UTF-8");
            }
            self.pull_more("a line");
        }
    }

    /// Reads a chunk-size line as the proxy must generate it: hexadecimal, no
    /// extension, no leading zero.
    fn read_chunk_size(&mut self) -> u64 {
        let line = self.read_line();
        let size = u64::from_str_radix(&line, 16);
        let size = size.unwrap_or_else(|_| panic!("{}: chunk-size line {line:?}", self.who()));
        assert!(line == "0" || !line.starts_with('0'), "chunk size {line:?}");
        size
    }

    /// Reads one chunk; `None` is the last one, with an empty trailer section.
    fn read_chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.read_chunk_size();
        let octets = self.read_exact(size as usize);
        assert_eq!(self.read_exact(2), b"\r\n", "the end of a chunk");
        (size > 0).then_some(octets)
    }

    /// Reads a chunked body to its end.
    fn read_chunked(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while let Some(octets) = self.read_chunk() {
            body.extend_from_slice(&octets);
        }
        body
    }

    /// Reads a chunked body of `length` octets that is the [`pattern`].
    fn read_chunked_pattern(&mut self, length: u64) {
        let mut seen = 0;
        loop {
            let size = self.read_chunk_size();
            self.read_pattern(seen, size);
            assert_eq!(self.read_exact(2), b"\r\n", "the end of a chunk");
            seen += size;
            if size == 0 {
                assert_eq!(seen, length, "octets of a chunked body");
                return;
            }
        }
    }

    /// Reads the response to a request of this method, interim heads included.
    fn read_response(&mut self, method: &str) -> Response {
        let mut interim = Vec::new();
        let head = loop {
            let head = self.read_head();
            if head.status() / 100 != 1 || head.status() == 101 {
                break head;
            }
            interim.push(head);
        };
        let bare = method == "HEAD" || matches!(head.status(), 101 | 204 | 304);
        let (framing, body) = match head.content_length() {
            _ if bare => (Framing::NoBody, Vec::new()),
            _ if head.is_chunked() => (Framing::Chunked, self.read_chunked()),
            Some(length) => (Framing::ContentLength, self.read_exact(length as usize)),
            None => {
                let (body, ending) = self.read_to_end();
                assert_eq!(ending, Ending::Closed, "the end of a close-delimited body");
                (Framing::CloseDelimited, body)
            }
        };
        Response {
            interim,
            head,
            body,
            framing,
        }
    }

    /// Reads until the other side ends.
    fn read_to_end(&mut self) -> (Vec<u8>, Ending) {
        let ending = loop {
            match self.pull() {
                Ok(0) => break Ending::Closed,
                Ok(_) => {}
                Err(error) => match Ending::of(&error) {
                    Some(ending) => break ending,
                    None => panic!("{}: {error} instead of the end", self.who()),
                },
            }
        };
        let length = self.pending().len();
        (self.take(length), ending)
    }

    /// Waits for the other side to end without another octet, and says when it did.
    fn wait_for_close(&mut self) -> (Ending, Instant) {
        let (octets, ending) = self.read_to_end();
        let seen = Instant::now();
        let who = self.who();
        let text = octets.escape_ascii().to_string();
        assert!(octets.is_empty(), "{who}: {text:?} instead of the end");
        (ending, seen)
    }
}
