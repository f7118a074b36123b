//! The chunked coding, taken off by the engine in pieces and by a naive reader at once.

use crate::delivery::PIECE_OCTETS;
use crate::naive::{is_control, is_token};
use engine::limits::Limits;
use engine::message::encode::{CHUNK_END, LAST_CHUNK, chunk_size_line};
use engine::message::{ChunkLimits, ChunkedDecoder, Fault, Step};

/// Small, so that inputs of libFuzzer's usual size reach every limit.
const LIMITS: ChunkLimits = ChunkLimits {
    line_octets: 64,
    extension_octets: 128,
    trailer_octets: 256,
    trailer_lines: 8,
};

/// What a reader found: the data as far as the input goes, and, if the body is over, how
/// many octets of the input it took.
type Body = (Vec<u8>, Option<usize>);

/// Asserts that the engine reads `input` as a naive reader does, however it is split: the
/// same data, the same end, and a fault as soon as there is no way on. And that `input`,
/// taken as data and written in chunks, is read back.
pub fn run(input: &[u8]) {
    let expected = Naive::read(input);
    for octets in PIECE_OCTETS {
        let found = decode(input, octets, LIMITS);
        assert_eq!(
            found.clone().ok(),
            expected,
            "pieces of {octets} octets: {found:?}"
        );
    }
    agrees_with_httparse(input);
    encoded_data_comes_back(input);
}

/// Asserts that httparse reads the same size in the first line, and that what httparse
/// alone takes is refused for one of the reasons for which this decoder is the stricter.
fn agrees_with_httparse(input: &[u8]) {
    let theirs = match httparse::parse_chunk_size(input) {
        Ok(httparse::Status::Complete(read)) => Some(read),
        Ok(httparse::Status::Partial) | Err(httparse::InvalidChunkSize) => None,
    };
    let end = input.windows(2).position(|two| two == b"\r\n");
    let Some(length) = end.map(|end| end + 2) else {
        return assert_eq!(theirs, None, "there is no line");
    };
    let line = &input[..length];
    let mut decoder = ChunkedDecoder::new(LIMITS);
    match (decoder.decode(line), theirs) {
        (Ok(step), Some((their_length, size))) => {
            assert_eq!(
                (step, their_length),
                (Step::More { framing: length }, length)
            );
            // How much data the decoder now waits for, as far as that can be tried.
            let (data, framing) = ([b'x'; 200], 0);
            let step = decoder.decode(&data);
            let expected = match usize::try_from(size).unwrap_or(usize::MAX).min(data.len()) {
                // The beginning of a trailer field's name.
                0 => Step::More {
                    framing: data.len(),
                },
                data => Step::Data { framing, data },
            };
            assert_eq!(step, Ok(expected), "a size of {size}");
        }
        (Ok(_), None) => panic!("httparse does not take {}", line.escape_ascii()),
        (Err(fault), Some(_)) => {
            assert!(is_stricter(line), "{fault}: {}", line.escape_ascii());
        }
        (Err(_), None) => {}
    }
}

/// What httparse lets pass: no size at all, white space after the size (RFC 9112 §7.1.1
/// has "bad" white space around extensions), control characters and open quotes in
/// extensions, and lines of any length.
fn is_stricter(line: &[u8]) -> bool {
    let content = line.strip_suffix(b"\r\n").unwrap_or(line);
    let digits = content.iter().take_while(|octet| octet.is_ascii_hexdigit());
    let (size, extension) = content.split_at(digits.count());
    size.is_empty()
        || extension.starts_with(b" ")
        || extension.starts_with(b"\t")
        || extension.iter().any(is_control)
        || has_open_quotes(extension)
        || content.len() > LIMITS.line_octets
        || extension.len() > LIMITS.extension_octets
}

/// Reads as a connection does: what a step takes is gone, and the rest is given again.
fn decode(input: &[u8], octets: usize, limits: ChunkLimits) -> Result<Body, Fault> {
    let mut decoder = ChunkedDecoder::new(limits);
    let (mut data, mut taken) = (Vec::new(), 0);
    for piece in input.chunks(octets) {
        let mut unread = piece;
        loop {
            let step = decoder.decode(unread)?;
            let (framing, length) = match step {
                Step::More { framing } | Step::End { framing } => (framing, 0),
                Step::Data { framing, data } => (framing, data),
            };
            data.extend_from_slice(&unread[framing..][..length]);
            taken += framing + length;
            unread = &unread[framing + length..];
            assert_eq!(decoder.is_complete(), matches!(step, Step::End { .. }));
            match step {
                Step::Data { .. } => assert!(length > 0, "an empty run of data says nothing"),
                Step::More { .. } => {
                    assert!(unread.is_empty(), "what is framing is taken whole");
                    break;
                }
                Step::End { .. } => return Ok((data, Some(taken))),
            }
        }
    }
    Ok((data, None))
}

fn encoded_data_comes_back(data: &[u8]) {
    let mut body = Vec::new();
    for chunk in data.chunks(data.len() / 3 + 1) {
        chunk_size_line(chunk.len() as u64, &mut body);
        body.extend_from_slice(chunk);
        body.extend_from_slice(CHUNK_END);
    }
    body.extend_from_slice(LAST_CHUNK);
    let read = decode(&body, usize::MAX, ChunkLimits::from(&Limits::default()));
    assert_eq!(read, Ok((data.to_vec(), Some(body.len()))));
}

/// Reads line after line. None anywhere: no octets that may follow could make it a body.
struct Naive<'a> {
    rest: &'a [u8],
    data: Vec<u8>,
    extension_octets: usize,
    trailer_octets: usize,
    trailer_lines: usize,
}

/// A line up to its CRLF, or as much of it as there is.
struct Line<'a> {
    content: &'a [u8],
    /// Its CR was seen: nothing more can be said in it.
    closed: bool,
    /// What follows its LF, if that was seen too.
    rest: Option<&'a [u8]>,
}

impl Naive<'_> {
    fn read(input: &[u8]) -> Option<Body> {
        let mut naive = Naive {
            rest: input,
            data: Vec::new(),
            extension_octets: 0,
            trailer_octets: 0,
            trailer_lines: 0,
        };
        let complete = naive.chunks()?.is_some() && naive.trailers()?.is_some();
        let taken = input.len() - naive.rest.len();
        Some((naive.data, complete.then_some(taken)))
    }

    /// `*chunk last-chunk`. `Some(None)`: the input ends before they do.
    fn chunks(&mut self) -> Option<Option<()>> {
        loop {
            let line = line(self.rest)?;
            let size = self.size(&line)?;
            let Some(rest) = line.rest else {
                return Some(None);
            };
            self.rest = rest;
            if size == 0 {
                return Some(Some(()));
            }
            let length = usize::try_from(size).map_or(rest.len(), |size| size.min(rest.len()));
            let (data, rest) = rest.split_at(length);
            self.data.extend_from_slice(data);
            self.rest = match rest {
                [b'\r', b'\n', rest @ ..] => rest,
                [] | [b'\r'] => return Some(None),
                _ => return None,
            };
        }
    }

    /// `chunk-size [ chunk-ext ]`; what a size that is not closed says does not matter.
    fn size(&mut self, line: &Line<'_>) -> Option<u64> {
        let mut parts = line.content.splitn(2, |octet| *octet == b';');
        let digits = parts.next()?;
        let extension = parts.next();
        self.extension_octets += line.content.len() - digits.len();
        let within = line.content.len() <= LIMITS.line_octets
            && self.extension_octets <= LIMITS.extension_octets;
        let has_to_be_there = line.closed || extension.is_some();
        let well_formed = digits.len() <= 16
            && digits.iter().all(u8::is_ascii_hexdigit)
            && !(digits.is_empty() && has_to_be_there);
        if !within || !well_formed {
            return None;
        }
        let extension = extension.unwrap_or_default();
        let left_open = line.closed && has_open_quotes(extension);
        if left_open || extension.iter().any(is_control) {
            return None;
        }
        match digits {
            [] => Some(0),
            _ => u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok(),
        }
    }

    /// `trailer-section CRLF`. `Some(None)`: the input ends before they do.
    fn trailers(&mut self) -> Option<Option<()>> {
        loop {
            let line = line(self.rest)?;
            if !line.content.is_empty() {
                self.trailer(&line)?;
            }
            let Some(rest) = line.rest else {
                return Some(None);
            };
            self.rest = rest;
            if line.content.is_empty() {
                return Some(Some(()));
            }
        }
    }

    /// `field-line CRLF`
    fn trailer(&mut self, line: &Line<'_>) -> Option<()> {
        let line_end = usize::from(line.closed) + usize::from(line.rest.is_some());
        self.trailer_lines += 1;
        self.trailer_octets += line.content.len() + line_end;
        let within = self.trailer_lines <= LIMITS.trailer_lines
            && self.trailer_octets <= LIMITS.trailer_octets;
        let mut parts = line.content.splitn(2, |octet| *octet == b':');
        let name = parts.next()?;
        let value = parts.next();
        let well_formed = is_token(name)
            && !value.unwrap_or_default().iter().any(is_control)
            && (value.is_some() || !line.closed);
        (within && well_formed).then_some(())
    }
}

/// The first line of `octets`. None if it has a CR that no LF follows.
fn line(octets: &[u8]) -> Option<Line<'_>> {
    let end = octets.iter().position(|octet| *octet == b'\r');
    let (content, line_end) = octets.split_at(end.unwrap_or(octets.len()));
    let rest = match line_end {
        [] | [b'\r'] => None,
        [b'\r', b'\n', rest @ ..] => Some(rest),
        _ => return None,
    };
    Some(Line {
        content,
        closed: !line_end.is_empty(),
        rest,
    })
}

/// Whether a quoted-string (RFC 9110 §5.6.4) is still open at the end.
fn has_open_quotes(octets: &[u8]) -> bool {
    let mut octets = octets.iter();
    let mut open = false;
    while let Some(octet) = octets.next() {
        match octet {
            b'"' => open = !open,
            b'\\' if open => drop(octets.next()),
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn seeds_are_read_as_the_naive_reader_reads_them() {
        seeds::run_all("chunked", run);
    }

    /// A naive reader that took nothing would agree with a decoder that takes nothing.
    #[test]
    fn the_naive_reader_reads() {
        let whole = |data: &str, taken| Some((data.as_bytes().to_vec(), Some(taken)));
        assert_eq!(
            Naive::read(b"3;a\r\nabc\r\n0\r\nt: u\r\n\r\nx"),
            whole("abc", 21)
        );
        assert_eq!(Naive::read(b"3\r\nab"), Some((b"ab".to_vec(), None)));
        assert_eq!(Naive::read(b"3\r\nabcd"), None);
    }
}
