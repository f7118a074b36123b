//! One connection toward a service, plain or TLS.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop;
use tokio_rustls::client::TlsStream;

use crate::route::PoolKey;

/// The octets to and from a service.
///
/// Over TLS the end of input without a close_notify is an error of kind
/// `UnexpectedEof`, never an end: else anyone on the way could cut a
/// close-delimited body short and nobody would know (RFC 9112 §9.8).
#[derive(Debug)]
pub enum UpstreamStream {
    /// An `http` upstream.
    Plain(TcpStream),
    /// An `https` upstream. Boxed: a session is some 1 KiB, and a stream is moved
    /// in and out of the pool by every exchange.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection toward a service, to be used by one exchange at a time.
#[derive(Debug)]
pub struct UpstreamConnection {
    /// Where the exchange happens.
    pub stream: UpstreamStream,
    /// Whether an earlier exchange used it: only then may the service have closed it
    /// before it saw this request (RFC 9112 §9.3.1), and only then is it replaced.
    pub reused: bool,
    key: PoolKey,
}

impl UpstreamConnection {
    pub(super) fn new(stream: UpstreamStream, key: PoolKey) -> Self {
        UpstreamConnection {
            stream,
            reused: false,
            key,
        }
    }

    /// Which origin and credential it belongs to: no exchange of another key may use it.
    pub fn key(&self) -> PoolKey {
        self.key
    }

    /// Whether it neither ended nor holds octets that nobody asked for. What arrives
    /// between two exchanges answers no request (RFC 9112 §9.2); taken for the answer
    /// to the next one, it would be response smuggling.
    ///
    /// Costs no system call where the reactor has seen nothing. TLS session tickets
    /// come late and unasked by design; the look takes them in and stays quiet.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut octet = [0];
        let mut unread = ReadBuf::new(&mut octet);
        let look = poll_fn(|context| Pin::new(&mut self.stream).poll_read(context, &mut unread));
        // A task that has used up its budget is told `Pending` whatever the socket
        // holds; here that would pass a dead connection off as a quiet one.
        let look = pin!(coop::unconstrained(look));
        // The waker left behind is the one of nobody; the exchange's own first poll
        // takes its place.
        look.poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    }
}

impl AsyncRead for UpstreamStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            UpstreamStream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for UpstreamStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            UpstreamStream::Plain(stream) => Pin::new(stream).poll_write(context, octets),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_write(context, octets),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            UpstreamStream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            UpstreamStream::Plain(stream) => stream.is_write_vectored(),
            UpstreamStream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            UpstreamStream::Plain(stream) => Pin::new(stream).poll_flush(context),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            UpstreamStream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
