//! The tour's calls: plain HTTP/1.1 to the proxy, a connection each, everything received
//! kept.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::ROUTE;
use super::transcript::Transcript;
use crate::plan::{PROXY_HOST, PROXY_PORT};

/// Nothing on one machine takes this long; waiting longer would be a failure.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of a stream is looked at in the end.
const STREAM_END: &str = "\r\n0\r\n\r\n";

/// A caller who knows the proxy's address and nothing else.
#[derive(Default)]
pub(super) struct Caller {
    received: String,
}

impl Caller {
    /// Everything that ever reached it.
    pub(super) fn received(&self) -> &str {
        &self.received
    }

    /// One request with these field lines, and the status code of its answer.
    pub(super) fn call(
        &mut self,
        method: &str,
        target: &str,
        fields: &str,
        transcript: &mut Transcript,
    ) -> io::Result<u16> {
        transcript.say(&format!("  > {method} {target}"));
        for field in fields.lines() {
            transcript.say(&format!("  > {field}"));
        }
        let answer = until_end(send(method, target, fields)?)?;
        self.received.push_str(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.lines().next().unwrap_or_default();
        for line in [status].into_iter().chain(body.lines()) {
            transcript.say(&format!("  < {line}"));
        }
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        code.ok_or_else(|| io::Error::other("an answer without a status"))
    }

    /// Reads the event stream, and lets the service send each event only after the one
    /// before has come. Gives how many came.
    pub(super) fn stream(&mut self, transcript: &mut Transcript) -> io::Result<usize> {
        let target = format!("{ROUTE}events");
        transcript.say(&format!("  > GET {target}"));
        let mut stream = send("GET", &target, "")?;
        let begun = Instant::now();
        let (mut text, mut seen) = (String::new(), 0);
        let mut piece = [0; 1024];
        while !text.ends_with(STREAM_END) {
            let length = stream.read(&mut piece)?;
            if length == 0 {
                break;
            }
            text.push_str(&String::from_utf8_lossy(&piece[..length]));
            for data in whole_events(&text).skip(seen) {
                let at = begun.elapsed().as_millis();
                transcript.say(&format!("  < {at:>4} ms  {data}"));
                seen += 1;
                until_end(send("GET", &format!("{ROUTE}arrived"), "")?)?;
            }
        }
        self.received.push_str(&text);
        Ok(seen)
    }
}

/// The `data` lines that have come with the empty line that ends their event.
fn whole_events(text: &str) -> impl Iterator<Item = &str> {
    let ended = text.match_indices("\n\n").map(|(at, _)| &text[..at]);
    let last_lines = ended.map(|before| before.rsplit('\n').next().unwrap_or_default());
    last_lines.filter(|line| line.starts_with("data: "))
}

fn send(method: &str, target: &str, fields: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect((PROXY_HOST, PROXY_PORT))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {PROXY_HOST}:{PROXY_PORT}\r\n{fields}Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    Ok(stream)
}

fn until_end(mut stream: TcpStream) -> io::Result<String> {
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_counts_when_its_empty_line_has_come() {
        let events = |text| whole_events(text).collect::<Vec<_>>();
        assert_eq!(events("c\r\ndata: a\n"), [""; 0]);
        assert_eq!(events("c\r\ndata: a\n\n\r\n"), ["data: a"]);
        let both = "c\r\ndata: a\n\n\r\nc\r\ndata: b\n\n";
        assert_eq!(events(both), ["data: a", "data: b"]);
    }
}
