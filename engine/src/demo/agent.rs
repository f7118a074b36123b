//! The agent of the demonstration: plain HTTP to the proxy, everything received kept.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::origin::EVENTS;
use super::transcript::Transcript;

/// Nothing on one machine takes this long; waiting longer would be a failure.
const PATIENCE: Duration = Duration::from_secs(5);

/// An agent that knows an address.
pub(super) struct Agent {
    proxy: SocketAddr,
    received: String,
}

impl Agent {
    pub(super) fn new(proxy: SocketAddr) -> Self {
        Agent {
            proxy,
            received: String::new(),
        }
    }

    /// Everything that ever reached it.
    pub(super) fn received(&self) -> &str {
        &self.received
    }

    /// One request on a connection of its own; the whole answer.
    pub(super) async fn exchange(
        &mut self,
        method: &str,
        target: &str,
        fields: &str,
        transcript: &mut Transcript,
    ) -> io::Result<String> {
        say_request(method, target, fields, transcript);
        let stream = self.send(method, target, fields).await?;
        let octets = tokio::time::timeout(PATIENCE, until_end(stream)).await??;
        let answer = String::from_utf8_lossy(&octets).into_owned();
        self.received.push_str(&answer);
        show_answer(&answer, transcript);
        Ok(answer)
    }

    /// Reads an event stream and tells the origin of each event that has come, without
    /// which the origin sends no other. `true` if all came.
    pub(super) async fn stream(&mut self, transcript: &mut Transcript) -> io::Result<bool> {
        say_request("GET", "/api/events", "", transcript);
        let mut stream = self.send("GET", "/api/events", "").await?;
        let started = Instant::now();
        let mut answer = String::new();
        let mut seen = 0;
        while seen < EVENTS.len() {
            let mut octets = [0; 1024];
            let count = match tokio::time::timeout(PATIENCE, stream.read(&mut octets)).await {
                Ok(count) => count?,
                Err(_late) => break,
            };
            if count == 0 {
                break;
            }
            answer.push_str(&String::from_utf8_lossy(&octets[..count]));
            while seen < EVENTS.len() && answer.contains(&format!("data: {}\n\n", EVENTS[seen])) {
                let at = started.elapsed().as_millis();
                transcript.say(&format!("  < {at:>4} ms  data: {}", EVENTS[seen]));
                seen += 1;
                let told = self.send("GET", "/api/arrived", "").await?;
                tokio::time::timeout(PATIENCE, until_end(told)).await??;
            }
        }
        self.received.push_str(&answer);
        Ok(seen == EVENTS.len())
    }

    async fn send(&self, method: &str, target: &str, fields: &str) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.proxy).await?;
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\n{fields}Connection: close\r\n\r\n",
            self.proxy
        );
        stream.write_all(head.as_bytes()).await?;
        Ok(stream)
    }
}

async fn until_end(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).await?;
    Ok(octets)
}

fn say_request(method: &str, target: &str, fields: &str, transcript: &mut Transcript) {
    transcript.say(&format!("  > {method} {target}"));
    for field in fields.lines() {
        transcript.say(&format!("  > {field}"));
    }
}

fn show_answer(answer: &str, transcript: &mut Transcript) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    if let Some(status) = head.lines().next() {
        transcript.say(&format!("  < {status}"));
    }
    for line in body.lines() {
        transcript.say(&format!("  < {line}"));
    }
}
