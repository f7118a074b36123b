//! One connection toward a service, plain or TLS.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop;

#[cfg(feature = "pipes")]
use super::pipe::UpstreamPipe;
use super::tls_stream::TlsStream;
use crate::route::PoolKey;
use crate::wire::Stream;

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
    Tls(Box<TlsStream>),
    /// What stands for either where there is no socket.
    #[cfg(feature = "pipes")]
    Pipe(Box<dyn UpstreamPipe>),
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
        let quiet = look.poll(&mut Context::from_waker(Waker::noop()));
        self.give_back_memory();
        quiet.is_pending()
    }

    /// To be called when an exchange is over: an idle connection holds no buffer.
    pub(super) fn give_back_memory(&mut self) {
        if let UpstreamStream::Tls(stream) = &mut self.stream {
            stream.give_back_memory();
        }
    }

    /// Says goodbye to a service whose connection is about to be dropped: a TLS client
    /// has to send its closure alert, but need not wait for the other (RFC 9112 §9.8).
    /// Best effort: where the socket takes nothing now, nobody listens any more.
    pub(super) fn say_goodbye(&mut self) {
        if let UpstreamStream::Tls(stream) = &mut self.stream {
            let goodbye = poll_fn(|context| Pin::new(&mut *stream).poll_shutdown(context));
            let goodbye = pin!(coop::unconstrained(goodbye));
            let _sent = goodbye.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl Stream for UpstreamStream {
    fn socket(&self) -> Option<&TcpStream> {
        match self {
            UpstreamStream::Plain(stream) => Some(stream),
            UpstreamStream::Tls(_) => None,
            #[cfg(feature = "pipes")]
            UpstreamStream::Pipe(_) => None,
        }
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
            #[cfg(feature = "pipes")]
            UpstreamStream::Pipe(stream) => Pin::new(stream).poll_read(context, buffer),
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
            #[cfg(feature = "pipes")]
            UpstreamStream::Pipe(stream) => Pin::new(stream).poll_write(context, octets),
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
            #[cfg(feature = "pipes")]
            UpstreamStream::Pipe(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            UpstreamStream::Plain(stream) => stream.is_write_vectored(),
            UpstreamStream::Tls(stream) => stream.is_write_vectored(),
            #[cfg(feature = "pipes")]
            UpstreamStream::Pipe(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            UpstreamStream::Plain(stream) => Pin::new(stream).poll_flush(context),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_flush(context),
            #[cfg(feature = "pipes")]
            UpstreamStream::Pipe(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            UpstreamStream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            UpstreamStream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(feature = "pipes")]
            UpstreamStream::Pipe(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{plain_pair, readable, tls_pair};
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_silent_connection_is_quiet() {
        let (mut connection, _service) = plain_pair(PoolKey::unique()).await;
        assert!(connection.is_quiet());
        assert!(connection.is_quiet());
    }

    #[tokio::test]
    async fn an_end_or_an_unasked_octet_is_not_quiet() {
        let (mut ended, service) = plain_pair(PoolKey::unique()).await;
        drop(service);
        readable(&ended).await;
        assert!(!ended.is_quiet());

        let (mut spoken_to, mut service) = plain_pair(PoolKey::unique()).await;
        service.write_all(b"H").await.unwrap();
        readable(&spoken_to).await;
        assert!(!spoken_to.is_quiet());
    }

    #[tokio::test]
    async fn session_tickets_are_quiet_and_taken_in() {
        let (mut connection, mut service) = tls_pair(PoolKey::unique()).await;
        service.flush().await.unwrap();
        readable(&connection).await;
        assert!(connection.is_quiet());

        service.write_all(b"H").await.unwrap();
        readable(&connection).await;
        assert!(!connection.is_quiet());
    }

    #[tokio::test]
    async fn an_end_over_tls_is_not_quiet_announced_or_not() {
        for announced in [true, false] {
            let (mut connection, mut service) = tls_pair(PoolKey::unique()).await;
            readable(&connection).await;
            assert!(connection.is_quiet());
            if announced {
                service.shutdown().await.unwrap();
            }
            drop(service);
            readable(&connection).await;
            assert!(!connection.is_quiet(), "announced: {announced}");
        }
    }

    #[tokio::test]
    async fn the_look_does_not_believe_an_exhausted_budget() {
        let (mut connection, service) = plain_pair(PoolKey::unique()).await;
        drop(service);
        readable(&connection).await;
        let looked = tokio::spawn(async move {
            poll_fn(|context| {
                while coop::has_budget_remaining() {
                    if let Poll::Ready(spent) = coop::poll_proceed(context) {
                        spent.made_progress();
                    }
                }
                Poll::Ready(connection.is_quiet())
            })
            .await
        });
        assert!(!looked.await.unwrap());
    }

    #[tokio::test]
    async fn a_read_after_the_look_is_still_woken() {
        let (mut connection, mut service) = plain_pair(PoolKey::unique()).await;
        assert!(connection.is_quiet());
        let mut answer = [0; 2];
        let (read, written) = tokio::join!(
            connection.stream.read_exact(&mut answer),
            service.write_all(b"ok")
        );
        assert_eq!((read.unwrap(), written.is_ok(), &answer), (2, true, b"ok"));

        let (mut connection, mut service) = tls_pair(PoolKey::unique()).await;
        readable(&connection).await;
        assert!(connection.is_quiet());
        let (read, written) = tokio::join!(
            connection.stream.read_exact(&mut answer),
            service.write_all(b"OK")
        );
        assert_eq!((read.unwrap(), written.is_ok(), &answer), (2, true, b"OK"));
    }

    #[tokio::test]
    async fn a_body_cut_off_over_tls_is_an_error_not_an_end() {
        let (mut connection, mut service) = tls_pair(PoolKey::unique()).await;
        service.write_all(b"half a bo").await.unwrap();
        drop(service);
        let mut body = Vec::new();
        let end = connection.stream.read_to_end(&mut body).await;
        assert_eq!(end.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(body, b"half a bo");

        let (mut connection, mut service) = tls_pair(PoolKey::unique()).await;
        service.write_all(b"whole").await.unwrap();
        service.shutdown().await.unwrap();
        let mut body = Vec::new();
        connection.stream.read_to_end(&mut body).await.unwrap();
        assert_eq!(body, b"whole");
    }

    #[tokio::test]
    async fn several_slices_leave_in_one_write() {
        let slices = [
            IoSlice::new(b"head"),
            IoSlice::new(b""),
            IoSlice::new(b"body"),
        ];
        let (mut plain, mut service) = plain_pair(PoolKey::unique()).await;
        assert!(plain.stream.is_write_vectored());
        assert_eq!(plain.stream.write_vectored(&slices).await.unwrap(), 8);
        plain.stream.flush().await.unwrap();
        let mut received = [0; 8];
        service.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"headbody");

        let (mut tls, mut service) = tls_pair(PoolKey::unique()).await;
        assert!(tls.stream.is_write_vectored());
        assert_eq!(tls.stream.write_vectored(&slices).await.unwrap(), 8);
        tls.stream.flush().await.unwrap();
        let mut received = [0; 8];
        service.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"headbody");
    }
}
