//! The service behind the proxies: a thread that answers three paths as cheaply as it can.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use harness::Authority;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_rustls::TlsAcceptor;

/// Octets of the body of `download`.
pub const DOWNLOAD_OCTETS: usize = 100 << 20;

/// Between two events of a stream.
pub const EVENT_PERIOD: Duration = Duration::from_millis(10);

const SMALL: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"login\":\"you\"}";
const EVENTS: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n";

/// As large as an event of a model that streams its answer.
const EVENT_PADDING: &str = "................................................................\
    ................................................................";

/// Where the service listens.
#[derive(Clone, Copy)]
pub struct Origin {
    /// Plain HTTP.
    pub plain: SocketAddr,
    /// HTTPS, as `127.0.0.1` and `localhost`.
    pub tls: SocketAddr,
}

impl Origin {
    /// Starts the thread, which goes on until the process ends.
    pub fn start(authority: &Authority) -> Origin {
        let config = authority.server_config(&["localhost", "127.0.0.1"]);
        let plain = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let tls = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = Origin {
            plain: plain.local_addr().expect("an address"),
            tls: tls.local_addr().expect("an address"),
        };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(serve(plain, tls, TlsAcceptor::from(config)));
        });
        origin
    }
}

/// Nanoseconds since the first call: the clock that events carry, and their reader compares.
pub fn now_nanoseconds() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let elapsed = BEGAN.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

async fn serve(plain: std::net::TcpListener, tls: std::net::TcpListener, acceptor: TlsAcceptor) {
    let listener = |socket: std::net::TcpListener| {
        socket.set_nonblocking(true).expect("a socket");
        TcpListener::from_std(socket).expect("a listener")
    };
    let (plain, tls) = (listener(plain), listener(tls));
    let download: Arc<[u8]> = vec![b'x'; 256 << 10].into();
    loop {
        let download = Arc::clone(&download);
        // A connection that breaks is the client's end of it: a measurement is over.
        tokio::select! {
            Ok((stream, _)) = accept(&plain) => {
                tokio::spawn(async move { let _ = converse(stream, &download).await; });
            }
            Ok((stream, _)) = accept(&tls) => {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = converse(stream, &download).await;
                    }
                });
            }
        }
    }
}

async fn accept(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, address))
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, data: &[u8]) -> io::Result<()> {
    let mut buffer = [0; 2048];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        // No request of ours has a body, and none is sent before the answer to the last.
        if !buffer[..filled].ends_with(b"\r\n\r\n") {
            continue;
        }
        let line = memchr::memchr(b'\r', &buffer[..filled]).unwrap_or(filled);
        let path = buffer[..line]
            .split(|&octet| octet == b' ')
            .nth(1)
            .unwrap_or_default();
        if path.ends_with(b"/small") {
            stream.write_all(SMALL).await?;
        } else if path.ends_with(b"/download") {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {DOWNLOAD_OCTETS}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            for _ in 0..DOWNLOAD_OCTETS / data.len() {
                stream.write_all(data).await?;
            }
        } else {
            return send_events(stream).await;
        }
        stream.flush().await?;
        filled = 0;
    }
}

/// Sends events, each with the time at which it was made, until nobody listens any more.
///
/// Streams take turns within a period: else their events would come in one heap, and what
/// is measured were the place in it. A timer of tokio tells milliseconds apart.
async fn send_events(mut stream: impl AsyncWrite + Unpin) -> io::Result<()> {
    static STREAMS: AtomicU32 = AtomicU32::new(0);
    stream.write_all(EVENTS).await?;
    stream.flush().await?;
    let slots = u32::try_from(EVENT_PERIOD.as_millis()).unwrap_or(1).max(1);
    let turn = EVENT_PERIOD / slots * (STREAMS.fetch_add(1, Ordering::Relaxed) % slots);
    let mut clock = interval_at((next_period() + turn).into(), EVENT_PERIOD);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        clock.tick().await;
        let event = format!("data: {:020} {EVENT_PADDING}\n\n", now_nanoseconds());
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        stream.write_all(chunk.as_bytes()).await?;
        stream.flush().await?;
    }
}

/// When the next period begins, the same for all streams.
fn next_period() -> Instant {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let first = *FIRST.get_or_init(Instant::now);
    let periods = first.elapsed().as_micros() / EVENT_PERIOD.as_micros() + 1;
    first + EVENT_PERIOD * u32::try_from(periods).unwrap_or(u32::MAX)
}
