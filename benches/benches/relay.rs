//! Whole exchanges, from the client's octets to the service's and back, without a socket:
//! what the engine itself costs. Nothing is read from or written to the kernel.
//!
//! Time tells little on a machine that does other work too. Instructions are the same in
//! every run: this executable runs itself under callgrind for two numbers of exchanges,
//! and the difference is theirs alone.

use std::alloc::System;
use std::env;
use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use benches::routes;
use engine::AccessLog;
use engine::config::LogLevel;
use engine::limits::Limits;
use engine::pipes::{ClientPipe, Pipes, UpstreamPipe};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Exchanges before any is counted: memory and pool are warm.
const WARM_UP: usize = 20;

/// What is exchanged, how often for the time, and for the instructions, which take some
/// fifty times as long.
struct Exchange {
    name: &'static str,
    request: Vec<u8>,
    /// As many as the reads in which it arrives.
    response: Vec<Vec<u8>>,
    timed: usize,
    counted: usize,
}

/// What an exchange costs.
struct Cost {
    time: Duration,
    allocations: f64,
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, name, count] = &arguments[..]
        && flag == "--exchanges"
    {
        let exchange = exchanges().into_iter().find(|one| one.name == name);
        let count = count.parse().expect("a number");
        run(&exchange.expect("one of the exchanges"), count);
        return Ok(());
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:<24} {:>12} {:>10} {:>12} {:>14}",
        "exchange", "time", "MiB/s", "allocations", "instructions"
    )?;
    for exchange in exchanges() {
        let cost = run(&exchange, exchange.timed);
        let octets = exchange.request.len() + exchange.response.concat().len();
        let rate = octets as f64 / cost.time.as_secs_f64() / f64::from(1 << 20);
        writeln!(
            out,
            "{:<24} {:>12} {rate:>10.0} {:>12.2} {:>14}",
            exchange.name,
            format!("{:.2?}", cost.time),
            cost.allocations,
            instructions(&exchange)
        )?;
    }
    Ok(())
}

fn exchanges() -> [Exchange; 4] {
    let get = "GET /anthropic/v1/models HTTP/1.1\r\nHost: p\r\nUser-Agent: bench\r\n\
        Accept: */*\r\nAuthorization: Bearer placeholder\r\n\r\n";
    let post = "POST /anthropic/v1/messages HTTP/1.1\r\nHost: p\r\nUser-Agent: bench\r\n\
        Content-Type: application/json\r\nContent-Length: 4096\r\n\r\n";
    let event = "event: delta\ndata: {\"type\":\"delta\",\"text\":\"a few words\"}\n\n";
    let chunk = format!("{:x}\r\n{event}\r\n", event.len());
    let chunked = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n\
        Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut events = vec![chunk.into_bytes(); 16];
    events.insert(0, chunked.into());
    events.push(b"0\r\n\r\n".to_vec());
    let exchange = |name, request: Vec<u8>, response, timed, counted| Exchange {
        name,
        request,
        response,
        timed,
        counted,
    };
    [
        exchange("small-get", get.into(), vec![answer(13)], 100_000, 400),
        exchange(
            "post-4-kib",
            [post.as_bytes(), &[b'x'; 4096]].concat(),
            vec![answer(13)],
            100_000,
            400,
        ),
        exchange("16-events", get.into(), events, 30_000, 200),
        exchange(
            "download-1-mib",
            get.into(),
            vec![answer(1 << 20)],
            1_000,
            20,
        ),
    ]
}

fn answer(length: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nServer: bench\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), &vec![b'x'; length]].concat()
}

/// Makes so many exchanges on one client connection, over one pooled connection.
fn run(exchange: &Exchange, count: usize) -> Cost {
    let meter = Arc::new(Mutex::new(Meter::default()));
    let response = exchange.response.clone();
    let dial = move |_: &_| {
        let upstream = Upstream {
            response: response.clone(),
            asked: false,
            piece: 0,
            given: 0,
        };
        Ok(Box::new(Pipe(upstream)) as Box<dyn UpstreamPipe>)
    };
    let (log, _lines) = AccessLog::kept(LogLevel::Off);
    let pipes = Pipes::new(
        routes::services(),
        Limits::default(),
        Box::new(dial),
        Arc::new(log),
    );
    let client = Client {
        request: exchange.request.clone(),
        given: Mutex::new(exchange.request.len()),
        left: Mutex::new(WARM_UP + count),
        warm_at: count,
        meter: Arc::clone(&meter),
    };
    let runtime = Builder::new_current_thread().enable_time().build();
    let pipes = pipes.expect("no roots to be read");
    let serve = pipes.serve(Box::new(Pipe(client)));
    runtime.expect("a runtime").block_on(serve);
    let meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some((begun, allocations_before)), Some((ended, allocations))) = (meter.warm, meter.end)
    else {
        panic!("{}: the connection ended early", exchange.name);
    };
    let answered = exchange.response.iter().map(Vec::len).sum::<usize>() * (WARM_UP + count);
    // Heads and chunk sizes change by some octets, bodies do not.
    assert!(meter.heard * 10 > answered * 8, "not all was answered");
    Cost {
        time: (ended - begun) / u32::try_from(count).unwrap_or(u32::MAX),
        allocations: (allocations - allocations_before) as f64 / count as f64,
    }
}

/// By callgrind, for one exchange, or why there is no number.
fn instructions(exchange: &Exchange) -> String {
    let one = callgrind(exchange.name, exchange.counted);
    let other = callgrind(exchange.name, exchange.counted * 2);
    match (one, other) {
        (Ok(one), Ok(other)) => (other.saturating_sub(one) / exchange.counted as u64).to_string(),
        (Err(error), _) | (_, Err(error)) => error,
    }
}

fn callgrind(name: &str, count: usize) -> Result<u64, String> {
    let own = env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["--exchanges", name, &count.to_string()])
        .output()
        .map_err(|_missing| "valgrind is missing".to_owned())?;
    let report = String::from_utf8_lossy(&output.stderr);
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let number = collected.and_then(|(_, number)| number.trim().parse().ok());
    number.ok_or_else(|| format!("callgrind: {}", output.status))
}

/// When the exchanges were warm, and when they were over: time and allocations so far.
#[derive(Debug, Default)]
struct Meter {
    warm: Option<(Instant, usize)>,
    end: Option<(Instant, usize)>,
    heard: usize,
}

fn reading() -> (Instant, usize) {
    let stats = ALLOCATOR.stats();
    (Instant::now(), stats.allocations + stats.reallocations)
}

/// A client that makes its next request as soon as it is asked for one. The engine asks
/// whether it is readable only between two exchanges.
struct Client {
    request: Vec<u8>,
    given: Mutex<usize>,
    left: Mutex<usize>,
    warm_at: usize,
    meter: Arc<Mutex<Meter>>,
}

impl ClientPipe for Pipe<Client> {
    fn poll_readable(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut left = self.0.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut given = self.0.given.lock().unwrap_or_else(PoisonError::into_inner);
        if *left == self.0.warm_at || *left == 0 {
            let mut meter = self.0.meter.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Some(reading());
            match *left {
                0 => meter.end = meter.end.or(now),
                _ => meter.warm = now,
            }
        }
        if let Some(fewer) = left.checked_sub(1) {
            *left = fewer;
            *given = 0;
        } else {
            *given = usize::MAX;
        }
        Poll::Ready(Ok(()))
    }

    fn has_hung_up(&self) -> bool {
        false
    }

    fn reset_on_close(&self) {}
}

impl Far for Client {
    fn poll_give(&mut self, buffer: &mut ReadBuf<'_>) -> Poll<()> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        match self.request.get(*given..) {
            Some([]) => Poll::Pending,
            Some(rest) => {
                *given += give(rest, buffer);
                Poll::Ready(())
            }
            None => Poll::Ready(()), // The end.
        }
    }

    fn hear(&mut self, count: usize) {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.heard += count;
    }
}

/// A service that answers whatever it is asked: the engine writes all it has of a request
/// before it reads.
#[derive(Debug)]
struct Upstream {
    response: Vec<Vec<u8>>,
    asked: bool,
    piece: usize,
    given: usize,
}

impl Far for Upstream {
    fn poll_give(&mut self, buffer: &mut ReadBuf<'_>) -> Poll<()> {
        if !self.asked {
            return Poll::Pending;
        }
        let piece = &self.response[self.piece];
        self.given += give(&piece[self.given..], buffer);
        if self.given == piece.len() {
            self.given = 0;
            self.piece = (self.piece + 1) % self.response.len();
            self.asked = self.piece != 0;
        }
        Poll::Ready(())
    }

    fn hear(&mut self, _: usize) {
        self.asked = true;
    }
}

/// The far end of a pipe.
trait Far: Unpin {
    /// What it has to say.
    fn poll_give(&mut self, buffer: &mut ReadBuf<'_>) -> Poll<()>;

    /// It is told so many octets.
    fn hear(&mut self, count: usize);
}

/// What the engine holds of a far end, which takes all that it is told at once.
#[derive(Debug)]
struct Pipe<F>(F);

impl<F: Far> AsyncRead for Pipe<F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_give(buffer).map(Ok)
    }
}

impl<F: Far> AsyncWrite for Pipe<F> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(octets)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = slices.iter().map(|slice| slice.len()).sum();
        self.0.hear(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// As much as there is room for; how much that was.
fn give(octets: &[u8], buffer: &mut ReadBuf<'_>) -> usize {
    let count = octets.len().min(buffer.remaining());
    buffer.put_slice(&octets[..count]);
    count
}
