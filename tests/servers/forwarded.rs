//! What the proxy forwarded, as the octets between it and a server say: read by a reader
//! that shares no code with either and takes nothing but the canonical form.

use harness::Head;
use harness::wiretap::Wiretap;

use crate::server::Served;

/// Reads the tapped octets on from where it stopped.
#[derive(Default)]
pub(crate) struct Reader {
    /// How far each connection has been read.
    offsets: Vec<usize>,
}

/// A whole request, and the connection it went on.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded {
    pub(crate) connection: usize,
    pub(crate) request: Served,
}

impl Reader {
    /// The whole requests that have gone since the last time.
    pub(crate) fn read(&mut self, tap: &Wiretap) -> Vec<Forwarded> {
        let mut found = Vec::new();
        for connection in 0..tap.connections() {
            if self.offsets.len() == connection {
                self.offsets.push(0);
            }
            let offset = &mut self.offsets[connection];
            let octets = tap.sent_on(connection, *offset);
            let mut rest = &octets[..];
            while let Some((request, length)) = message(rest) {
                rest = &rest[length..];
                *offset += length;
                found.push(Forwarded {
                    connection,
                    request,
                });
            }
        }
        found
    }

    /// On how many connections stands a message that is not whole.
    pub(crate) fn broken_off(&self, tap: &Wiretap) -> usize {
        let offsets = self.offsets.iter().enumerate();
        offsets
            .filter(|(connection, offset)| !tap.sent_on(*connection, **offset).is_empty())
            .count()
    }
}

/// The first message if it is whole, and its octets.
fn message(octets: &[u8]) -> Option<(Served, usize)> {
    let end = memchr::memmem::find(octets, b"\r\n\r\n")? + 4;
    let head = Head::new(octets[..end].to_vec());
    for name in ["host", "authorization"] {
        assert_eq!(head.all(name).len(), 1, "one {name} in {head:?}");
    }
    let line = head.start_line();
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, "HTTP/1.1"] = words[..] else {
        panic!("request line {line:?}");
    };
    let (length, framed) = match head.content_length() {
        _ if head.is_chunked() => chunked(&octets[end..])?,
        Some(length) => (length, usize::try_from(length).expect("a length")),
        None => (0, 0),
    };
    let served = Served::new(method, target, length);
    (octets.len() >= end + framed).then_some((served, end + framed))
}

/// The length of a whole chunked body, without and with its framing.
fn chunked(octets: &[u8]) -> Option<(u64, usize)> {
    let (mut length, mut at) = (0, 0);
    loop {
        let end = at + memchr::memmem::find(&octets[at..], b"\r\n")?;
        let line = std::str::from_utf8(&octets[at..end]).expect("a chunk-size line of ASCII");
        let size = usize::from_str_radix(line, 16);
        let size = size.unwrap_or_else(|_| panic!("chunk-size line {line:?}"));
        let canonical = line == format!("{size:x}");
        assert!(canonical, "chunk-size line {line:?}");
        at = end + 2 + size + 2;
        let closing = octets.get(at - 2..at)?;
        assert_eq!(closing, b"\r\n", "the end of a chunk, no trailers");
        length += size as u64;
        if size == 0 {
            return Some((length, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\n";

    fn read(rest: &str) -> Option<(Served, usize)> {
        message(format!("{HEAD}{rest}").as_bytes())
    }

    #[test]
    fn a_whole_message_is_measured() {
        for (rest, length) in [
            ("\r\n", 0),
            ("Content-Length: 5\r\n\r\nhello", 5),
            (
                "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n",
                15,
            ),
        ] {
            let (served, octets) = read(rest).expect("a whole message");
            assert_eq!((served.length, octets), (length, HEAD.len() + rest.len()));
            assert_eq!(served.echo(), format!("POST /x {length}\n"));
            let cut = &rest[..rest.len() - 1];
            assert!(read(cut).is_none(), "{cut:?} is not whole");
        }
    }

    #[test]
    #[should_panic(expected = "the end of a chunk")]
    fn a_chunk_that_is_longer_than_its_size_is_noticed() {
        read("Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n");
    }

    #[test]
    #[should_panic(expected = "two framings")]
    fn two_framings_are_noticed() {
        read("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n");
    }
}
