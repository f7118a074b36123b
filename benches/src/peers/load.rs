//! The clients: keep-alive connections that ask again as soon as they are answered.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::limits::Limits;
use engine::message::{ChunkLimits, ChunkedDecoder, Step};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::launch::Running;
use super::origin::now_nanoseconds;

/// Octets of the small request.
const REQUEST_OCTETS: usize = 98;

/// Room for the answer to a small request, and for a body to be thrown away.
const SMALL_READ_OCTETS: usize = 2 << 10;
const LARGE_READ_OCTETS: usize = 256 << 10;

/// An answer that takes longer than this fails the measurement.
const ANSWER_TIME: Duration = Duration::from_secs(20);

/// Most connections that are asked on at one time, however many are open.
pub const CONCURRENCY: usize = 32;

/// A request for `name` behind the peer's prefix; 98 octets if the prefix is short.
pub fn request(peer: &Running, name: &str) -> Vec<u8> {
    let Running { listen, prefix, .. } = peer;
    let head =
        format!("GET {prefix}{name} HTTP/1.1\r\nHost: {listen}\r\nAccept: */*\r\nUser-Agent: ");
    let agent = REQUEST_OCTETS.saturating_sub(head.len() + 4).max(1);
    format!("{head}{}\r\n\r\n", "b".repeat(agent)).into_bytes()
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects to a peer, or to the origin itself.
    ///
    /// # Errors
    /// As the socket says.
    pub async fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let buffer = Vec::new();
        Ok(Client { stream, buffer })
    }

    /// Asks, and reads the whole answer; gives the octets of its body.
    ///
    /// # Errors
    /// If the answer is not 200 with a length, or does not come whole and in time.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<u64> {
        self.stream.write_all(request).await?;
        self.buffer.resize(SMALL_READ_OCTETS, 0);
        let (head, filled) = self.read_head().await?;
        let length = content_length(&self.buffer[..head])?;
        let mut missing = length.saturating_sub((filled - head) as u64);
        if missing > SMALL_READ_OCTETS as u64 {
            self.buffer.resize(LARGE_READ_OCTETS, 0);
        }
        while missing > 0 {
            let read = self.stream.read(&mut self.buffer).await?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            missing = missing.saturating_sub(read as u64);
        }
        Ok(length)
    }

    /// Reads until the head is whole; gives its end, and the end of what was read.
    async fn read_head(&mut self) -> io::Result<(usize, usize)> {
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            let end = memmem::find(&self.buffer[..filled], b"\r\n\r\n");
            let Some(end) = end.map(|at| at + 4) else {
                continue;
            };
            if !self.buffer.starts_with(b"HTTP/1.1 200") {
                let head = String::from_utf8_lossy(&self.buffer[..end]);
                return Err(io::Error::other(format!("answered {head}")));
            }
            return Ok((end, filled));
        }
    }

    /// Reads events without end; tells `seen` the nanoseconds that each was on its way.
    async fn read_events(&mut self, request: &[u8], seen: &Mutex<Vec<u64>>) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.buffer.resize(SMALL_READ_OCTETS, 0);
        let (mut from, mut filled) = self.read_head().await?;
        let mut chunks = ChunkedDecoder::new(ChunkLimits::from(&Limits::default()));
        let mut text = Vec::new();
        loop {
            while from < filled {
                let step = chunks.decode(&self.buffer[from..filled]);
                match step.map_err(|fault| io::Error::other(format!("{fault:?}")))? {
                    Step::Data { framing, data } => {
                        text.extend_from_slice(&self.buffer[from + framing..][..data]);
                        from += framing + data;
                    }
                    Step::More { framing } => from += framing,
                    Step::End { .. } => return Err(ErrorKind::UnexpectedEof.into()),
                }
            }
            let now = now_nanoseconds();
            while let Some(end) = memmem::find(&text, b"\n\n") {
                let made = std::str::from_utf8(&text[6..26]).ok();
                let made = made.and_then(|digits| digits.parse::<u64>().ok());
                let made = made.ok_or_else(|| io::Error::other("an event of another"))?;
                seen.lock().expect("no panic").push(now - made);
                text.drain(..end + 2);
            }
            (from, filled) = (0, self.stream.read(&mut self.buffer).await?);
            if filled == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn content_length(head: &[u8]) -> io::Result<u64> {
    let head = String::from_utf8_lossy(head);
    let mut lengths = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let named = name.eq_ignore_ascii_case("content-length");
        named.then(|| value.trim().parse().ok())?
    });
    lengths
        .next_back()
        .ok_or_else(|| io::Error::other("an answer without a length"))
}

/// Clients at work in the background. Dropping it closes their connections.
pub struct Load {
    tasks: JoinSet<io::Result<()>>,
    answers: Arc<AtomicU64>,
    delays: Arc<Mutex<Vec<u64>>>,
}

impl Load {
    /// Opens `connections` and asks on all of them in turn, on at most [`CONCURRENCY`] at a
    /// time. Returns when each has been answered once.
    ///
    /// # Errors
    /// If one is not answered.
    pub async fn of_requests(peer: &Running, connections: usize) -> io::Result<Load> {
        let mut load = Load::new();
        let request: Arc<[u8]> = request(peer, "small").into();
        let clients = connect_all(peer, connections, &request).await?;
        let mut shares: Vec<Vec<Client>> = Vec::new();
        shares.resize_with(connections.min(CONCURRENCY), Vec::new);
        for (n, client) in clients.into_iter().enumerate() {
            let share = n % shares.len();
            shares[share].push(client);
        }
        for mut clients in shares {
            let (request, answers) = (Arc::clone(&request), Arc::clone(&load.answers));
            load.tasks.spawn(async move {
                loop {
                    for client in &mut clients {
                        client.exchange(&request).await?;
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        Ok(load)
    }

    /// Opens so many event streams.
    ///
    /// # Errors
    /// If one can't be opened.
    pub async fn of_events(peer: &Running, streams: usize) -> io::Result<Load> {
        let mut load = Load::new();
        let request: Arc<[u8]> = request(peer, "events").into();
        for _ in 0..streams {
            let mut client = Client::connect(peer.listen).await?;
            let (request, delays) = (Arc::clone(&request), Arc::clone(&load.delays));
            load.tasks
                .spawn(async move { client.read_events(&request, &delays).await });
        }
        Ok(load)
    }

    fn new() -> Load {
        Load {
            tasks: JoinSet::new(),
            answers: Arc::default(),
            delays: Arc::default(),
        }
    }

    /// Answers so far.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// The nanoseconds that each event since the last call was on its way.
    pub fn take_delays(&self) -> Vec<u64> {
        std::mem::take(&mut self.delays.lock().expect("no panic"))
    }

    /// What has gone wrong, if anything has: then the figures mean nothing.
    ///
    /// # Errors
    /// The first failure.
    pub fn check(&mut self) -> io::Result<()> {
        match self.tasks.try_join_next() {
            None => Ok(()),
            Some(ended) => ended.expect("no panic"),
        }
    }
}

/// Opens connections and has each answered once: they are idle keep-alive connections then.
///
/// # Errors
/// If one is not answered in time.
pub async fn connect_all(
    peer: &Running,
    connections: usize,
    request: &[u8],
) -> io::Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut client = Client::connect(peer.listen).await?;
        let answer = client.exchange(request);
        tokio::time::timeout(ANSWER_TIME, answer).await??;
        clients.push(client);
    }
    Ok(clients)
}

/// Asks on one connection for `time`; gives the microseconds that each answer took.
///
/// # Errors
/// If one is not answered.
pub async fn latencies(peer: &Running, time: Duration) -> io::Result<Vec<f64>> {
    let request = request(peer, "small");
    let mut client = connect_all(peer, 1, &request).await?.remove(0);
    let began = Instant::now();
    let mut taken = Vec::new();
    while began.elapsed() < time {
        let asked = Instant::now();
        client.exchange(&request).await?;
        taken.push(asked.elapsed().as_secs_f64() * 1e6);
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::origin::{DOWNLOAD_OCTETS, Origin};
    use crate::peers::settings::Setup;
    use harness::Authority;

    #[tokio::test]
    async fn clients_and_origin_understand_each_other() {
        let origin = Origin::start(&Authority::new());
        let peer = Running::direct(&Setup {
            upstream: origin.plain,
            authority: None,
            routes: 1,
            connections: 1,
        });
        assert_eq!(request(&peer, "small").len(), REQUEST_OCTETS);
        let mut client = Client::connect(peer.listen).await.expect("the origin");
        for (name, octets) in [("small", 15), ("download", DOWNLOAD_OCTETS as u64)] {
            let answer = client.exchange(&request(&peer, name)).await;
            assert_eq!(answer.expect("an answer"), octets);
        }
        let mut load = Load::of_events(&peer, 2).await.expect("the origin");
        while load.take_delays().is_empty() {
            tokio::task::yield_now().await;
        }
        load.check().expect("no failure");
    }
}
