//! What octets come to when they are read strictly: which part of a message is there,
//! and whether its end is. It shares no code with the engine, and never guesses: what
//! RFC 9112 does not allow to be sent is a fault.

use crate::peer::Ending;

/// How far a message has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its end has not come.
    Incomplete,
    /// Its end has come.
    Whole,
    /// It is none, for this reason.
    Faulty(String),
}

/// One message as far as it has come.
#[derive(Clone, Debug)]
pub struct Reading {
    /// How many interim heads came before it.
    pub interim: usize,
    /// Its head, once that is whole.
    pub head: Option<String>,
    /// Its body so far, the framing removed.
    pub payload: Vec<u8>,
    /// How many octets belong to it; what follows is not its own.
    pub used: usize,
    /// How far it has come.
    pub state: State,
}

/// How the end of a body is known.
enum Framing {
    Nothing,
    Length(usize),
    Chunked,
    UntilClose,
}

impl Reading {
    fn nothing() -> Reading {
        Reading {
            interim: 0,
            head: None,
            payload: Vec::new(),
            used: 0,
            state: State::Incomplete,
        }
    }

    /// Reads a request.
    pub fn of_request(octets: &[u8]) -> Reading {
        let mut reading = Reading::nothing();
        if let Err(fault) = reading.read_request(octets) {
            reading.state = State::Faulty(fault);
        }
        reading
    }

    /// Reads the response to a request of this method, on a connection that has ended in
    /// this way, if it has.
    pub fn of_response(octets: &[u8], method: &str, ending: Option<Ending>) -> Reading {
        let mut reading = Reading::nothing();
        if let Err(fault) = reading.read_response(octets, method, ending) {
            reading.state = State::Faulty(fault);
        }
        reading
    }

    /// Has its end come?
    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// The status code; 0 without a head.
    pub fn status(&self) -> u16 {
        let head = self.head.as_deref().unwrap_or_default();
        head.get(9..12).and_then(|c| c.parse().ok()).unwrap_or(0)
    }

    /// The values of every line of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        all(self.head.as_deref().unwrap_or_default(), name)
    }

    /// Does it say that the connection ends after it?
    pub fn closes(&self) -> bool {
        let mut options = self.all("connection").into_iter();
        options.any(|option| option.eq_ignore_ascii_case("close"))
    }

    fn read_request(&mut self, octets: &[u8]) -> Result<(), String> {
        let Some(head) = head_of(octets)? else {
            return Ok(());
        };
        let line = head.split("\r\n").next().unwrap_or_default();
        if line.split(' ').count() != 3 || !line.contains(" HTTP/1.") {
            return Err(format!("request line {line:?}"));
        }
        let framing = framing_of(&head)?.unwrap_or(Framing::Nothing);
        self.take_head(head);
        self.read_body(octets, &framing, None)
    }

    fn read_response(
        &mut self,
        octets: &[u8],
        method: &str,
        ending: Option<Ending>,
    ) -> Result<(), String> {
        loop {
            let Some(head) = head_of(&octets[self.used..])? else {
                return Ok(());
            };
            let line = head.split("\r\n").next().unwrap_or_default();
            let status = line
                .strip_prefix("HTTP/1.1 ")
                .and_then(|rest| rest.get(..3));
            let status: Option<u16> = status.and_then(|status| status.parse().ok());
            let Some(status) = status else {
                return Err(format!("status line {line:?}"));
            };
            if status / 100 == 1 && status != 101 {
                self.interim += 1;
                self.used += head.len();
                continue;
            }
            let bare = method == "HEAD" || matches!(status, 101 | 204 | 304);
            let framing = match framing_of(&head)? {
                _ if bare => Framing::Nothing,
                Some(framing) => framing,
                None => Framing::UntilClose,
            };
            self.take_head(head);
            return self.read_body(octets, &framing, ending);
        }
    }

    fn take_head(&mut self, head: String) {
        self.used += head.len();
        self.head = Some(head);
    }

    fn read_body(
        &mut self,
        octets: &[u8],
        framing: &Framing,
        ending: Option<Ending>,
    ) -> Result<(), String> {
        let rest = &octets[self.used..];
        match framing {
            Framing::Nothing => self.state = State::Whole,
            Framing::Length(length) => {
                let here = rest.len().min(*length);
                self.payload.extend_from_slice(&rest[..here]);
                self.used += here;
                if here == *length {
                    self.state = State::Whole;
                }
            }
            Framing::Chunked => self.read_chunks(rest)?,
            Framing::UntilClose => {
                self.payload.extend_from_slice(rest);
                self.used = octets.len();
                if ending == Some(Ending::Closed) {
                    self.state = State::Whole;
                }
            }
        }
        Ok(())
    }

    fn read_chunks(&mut self, mut rest: &[u8]) -> Result<(), String> {
        while let Some((line, after)) = line_of(rest) {
            let size = line.split(';').next().unwrap_or_default();
            let length = usize::from_str_radix(size, 16);
            let length = length.map_err(|_bad| format!("chunk-size line {line:?}"))?;
            self.used += rest.len() - after.len();
            if length == 0 {
                return self.read_trailers(after);
            }
            let here = after.len().min(length);
            self.payload.extend_from_slice(&after[..here]);
            self.used += here;
            rest = &after[here..];
            if here < length || rest.len() < 2 {
                return Ok(());
            }
            if !rest.starts_with(b"\r\n") {
                return Err("a chunk without its CRLF".to_owned());
            }
            rest = &rest[2..];
            self.used += 2;
        }
        Ok(())
    }

    fn read_trailers(&mut self, mut rest: &[u8]) -> Result<(), String> {
        while let Some((line, after)) = line_of(rest) {
            self.used += rest.len() - after.len();
            if line.is_empty() {
                self.state = State::Whole;
                return Ok(());
            }
            if !line.contains(':') {
                return Err(format!("trailer line {line:?}"));
            }
            rest = after;
        }
        Ok(())
    }
}

/// The first line without its CRLF, and what follows it.
fn line_of(octets: &[u8]) -> Option<(String, &[u8])> {
    let at = memchr::memmem::find(octets, b"\r\n")?;
    let line = String::from_utf8_lossy(&octets[..at]).into_owned();
    Some((line, &octets[at + 2..]))
}

/// A head with its empty line, if that has come.
fn head_of(octets: &[u8]) -> Result<Option<String>, String> {
    let Some(at) = memchr::memmem::find(octets, b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = String::from_utf8(octets[..at + 4].to_vec());
    let text = text.map_err(|_bad| "a head that is not of UTF-8".to_owned())?;
    let bare = text.replace("\r\n", "");
    if bare.contains(['\r', '\n', '\0']) {
        return Err(format!("bare CR, bare LF or NUL in {text:?}"));
    }
    for line in text.trim_end_matches("\r\n").split("\r\n").skip(1) {
        let name = line.split(':').next().unwrap_or_default();
        if !line.contains(':') || name.is_empty() || name.contains([' ', '\t']) {
            return Err(format!("field line {line:?}"));
        }
    }
    Ok(Some(text))
}

fn all<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.split("\r\n").skip(1);
    let named = lines.filter_map(|line| line.split_once(':'));
    named
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

fn framing_of(head: &str) -> Result<Option<Framing>, String> {
    let (codings, lengths) = (all(head, "transfer-encoding"), all(head, "content-length"));
    match (codings.as_slice(), lengths.as_slice()) {
        ([], []) => Ok(None),
        (["chunked"], []) => Ok(Some(Framing::Chunked)),
        ([], [length]) => {
            let number: Option<usize> = length.parse().ok();
            let canonical = number.filter(|number| number.to_string() == *length);
            let length = canonical.ok_or_else(|| format!("Content-Length {length:?}"))?;
            Ok(Some(Framing::Length(length)))
        }
        _ => Err(format!("more than one framing in {head:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &str = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n";

    #[test]
    fn a_message_is_whole_at_its_last_octet_and_not_before() {
        let length = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        for text in [CHUNKED, length] {
            for end in 0..text.len() {
                let cut = &text.as_bytes()[..end];
                let reading = Reading::of_response(cut, "GET", Some(Ending::Closed));
                assert_eq!(reading.state, State::Incomplete, "{end} of {text:?}");
                assert!(b"abc".starts_with(&reading.payload));
            }
            let octets = format!("{text}more");
            let reading = Reading::of_response(octets.as_bytes(), "GET", None);
            assert!(reading.is_whole(), "{reading:?}");
            assert_eq!(
                (reading.used, &reading.payload[..]),
                (text.len(), &b"abc"[..])
            );
        }
    }

    #[test]
    fn only_an_orderly_end_is_the_end_of_a_close_delimited_body() {
        let octets = b"HTTP/1.1 200 OK\r\n\r\nabc";
        for (ending, whole) in [
            (None, false),
            (Some(Ending::Reset), false),
            (Some(Ending::Truncated), false),
            (Some(Ending::Closed), true),
        ] {
            let reading = Reading::of_response(octets, "GET", ending);
            assert_eq!(reading.is_whole(), whole, "{ending:?}");
        }
        assert!(Reading::of_response(octets, "HEAD", None).is_whole());
    }

    #[test]
    fn what_may_not_be_sent_is_a_fault() {
        for octets in [
            "GET /\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
            "GET / HTTP/1.1\r\nA : b\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 01\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        ] {
            let reading = Reading::of_request(octets.as_bytes());
            assert!(matches!(reading.state, State::Faulty(_)), "{octets:?}");
        }
    }
}
