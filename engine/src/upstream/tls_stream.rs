//! TLS over one TCP connection: plaintext to the exchange, records to the socket.
//!
//! rustls keeps the protocol, the buffers are ours: records are read in large pieces and
//! deciphered where they lie, and what leaves in one write is sealed into one block. rustls's
//! own buffers take a record a read, and move each octet twice more.

mod outgoing;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{fmt, mem};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop;
use tokio_rustls::rustls::client::UnbufferedClientConnection;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::unbuffered::{AppDataRecord, ConnectionState, UnbufferedStatus};
use tokio_rustls::rustls::{ClientConfig, Error as RustlsError, InvalidMessage};

use outgoing::Outgoing;

use crate::limits::{
    TLS_COPY_OCTETS, TLS_MESSAGE_OCTETS, TLS_RECORD_OCTETS, TLS_RECORDS_PER_READ, TLS_WRITE_OCTETS,
};
use crate::wire::ReadBuffer;

/// A TLS session as a client, and the connection that it runs over.
///
/// The end of input without a close_notify is an error of kind `UnexpectedEof`. It holds
/// buffers only between [`poll_read`](AsyncRead::poll_read) of a socket that has something and
/// `give_back_memory`.
pub struct TlsStream {
    tcp: TcpStream,
    session: UnbufferedClientConnection,
    /// Records as they came.
    incoming: ReadBuffer,
    /// Plaintext for which its reader had no room.
    spilt: BytesMut,
    /// Records that are to leave.
    outgoing: Outgoing,
    /// What ended the session, for whoever reads next.
    failure: Option<RustlsError>,
    peer_closed: bool,
    closed: bool,
}

/// What to do as soon as the session lets us speak.
#[derive(Clone, Copy)]
enum Intent<'a> {
    Read,
    Write(&'a [u8]),
    Close,
}

/// What a step of the session came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Something was done; there may be more to do.
    Progress,
    /// Every whole record was dealt with, and the intent was carried out.
    Done,
    /// The handshake goes on when more octets have come.
    Handshaking,
}

impl TlsStream {
    /// The handshake with the service that `name` is verified to be.
    ///
    /// # Errors
    /// A [`RustlsError`] in an error of kind `InvalidData`, `UnexpectedEof` if the service hung
    /// up, or what the socket says.
    pub(super) async fn handshake(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        tcp: TcpStream,
    ) -> io::Result<TlsStream> {
        let mut stream = TlsStream {
            session: UnbufferedClientConnection::new(config, name).map_err(invalid)?,
            tcp,
            incoming: ReadBuffer::default(),
            spilt: BytesMut::new(),
            outgoing: Outgoing::default(),
            failure: None,
            peer_closed: false,
            closed: false,
        };
        poll_fn(|context| stream.poll_handshake(context)).await?;
        Ok(stream)
    }

    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let step = match self.step_aside(Intent::Read) {
                Ok(step) => step,
                Err(error) => {
                    // The service should hear why; that it does not is no other error.
                    let _told = self.outgoing.poll_send(context, &mut self.tcp);
                    return Poll::Ready(Err(error));
                }
            };
            match step {
                Step::Progress => {}
                Step::Done => return self.outgoing.poll_send(context, &mut self.tcp),
                Step::Handshaking => {
                    ready!(self.outgoing.poll_send(context, &mut self.tcp))?;
                    ready!(self.poll_records(context))?;
                }
            }
        }
    }

    /// The socket.
    #[cfg(test)]
    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// What was agreed on.
    #[cfg(test)]
    pub(super) fn session(&self) -> &UnbufferedClientConnection {
        &self.session
    }

    /// To be called when an exchange is over: an idle connection holds no buffer.
    pub(super) fn give_back_memory(&mut self) {
        if self.incoming.unread().is_empty() && !self.incoming.is_unallocated() {
            self.incoming = ReadBuffer::default();
        }
        if self.spilt.is_empty() {
            self.spilt = BytesMut::new();
        }
        self.outgoing.give_back_memory();
    }

    /// Reads what the service has sent; never nothing.
    fn poll_records(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.incoming.is_unallocated() {
            // Who waits for an answer, or only looks, needs no memory for it yet.
            ready!(self.tcp.poll_read_ready(context))?;
        }
        // The session leaves only the pieces of a message here. It bounds their content, not
        // the padding around it, of which each may have 16 KiB.
        if self.incoming.unread().len() > TLS_MESSAGE_OCTETS {
            let failure = RustlsError::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge);
            self.failure = Some(failure.clone());
            return Poll::Ready(Err(invalid(failure)));
        }
        match ready!(self.incoming.poll_fill(context, &mut self.tcp))? {
            0 => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Lets the session do one thing; plaintext goes to `take`.
    fn step(&mut self, intent: Intent<'_>, take: &mut dyn FnMut(&[u8])) -> io::Result<Step> {
        if let Some(failure) = &self.failure {
            return Err(invalid(failure.clone()));
        }
        let records = self.incoming.unread_mut();
        let UnbufferedStatus { discard, state } = self.session.process_tls_records(records);
        let mut used = discard;
        let step = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                let mut step = Ok(Step::Progress);
                while let Some(record) = traffic.next_record() {
                    match record {
                        Ok(AppDataRecord { discard, payload }) => {
                            used += discard;
                            take(payload);
                        }
                        Err(error) => step = Err(error),
                    }
                }
                step
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => self
                .outgoing
                .seal(|room| data.encode(room))
                .map(|()| Step::Progress),
            // What was sealed will leave before anything that is sealed later.
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Ok(Step::Progress)
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => match intent {
                Intent::Read => Ok(()),
                Intent::Write(octets) => self.outgoing.seal(|room| traffic.encrypt(octets, room)),
                Intent::Close => self.outgoing.seal(|room| traffic.queue_close_notify(room)),
            }
            .map(|()| Step::Done),
            Ok(ConnectionState::PeerClosed) => {
                self.peer_closed = true;
                Ok(Step::Progress)
            }
            Ok(ConnectionState::Closed) => Ok(Step::Done),
            Ok(ConnectionState::BlockedHandshake) => Ok(Step::Handshaking),
            // Early data is what a server reads. The rest is for states that rustls may get:
            // the enum is not exhaustive, and what has no meaning here ends the connection.
            Ok(ConnectionState::ReadEarlyData(_) | _) => {
                Err(RustlsError::General("a state without a meaning".to_owned()))
            }
            Err(error) => Err(error),
        };
        self.incoming.consume(used);
        step.map_err(|error| {
            self.seal_alerts();
            self.failure = Some(error.clone());
            invalid(error)
        })
    }

    /// What rustls has to say to the service about a failure.
    fn seal_alerts(&mut self) {
        while self.session.wants_write() {
            let records = self.incoming.unread_mut();
            let UnbufferedStatus { discard, state } = self.session.process_tls_records(records);
            let sealed = match state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    self.outgoing.seal(|room| data.encode(room)).is_ok()
                }
                Ok(_) | Err(_) => false,
            };
            self.incoming.consume(discard);
            if !sealed {
                return;
            }
        }
    }

    /// A step while nobody reads: what is deciphered on the way waits for its reader. That
    /// is no more than the records at hand, for none are fetched meanwhile.
    fn step_aside(&mut self, intent: Intent<'_>) -> io::Result<Step> {
        let mut spilt = mem::take(&mut self.spilt);
        let step = self.step(intent, &mut |octets| spilt.extend_from_slice(octets));
        self.spilt = spilt;
        step
    }

    /// Carries out `intent`, before which the session deals with the records at hand.
    fn speak(&mut self, intent: Intent<'_>) -> io::Result<()> {
        loop {
            match self.step_aside(intent)? {
                Step::Progress => {}
                Step::Done => return Ok(()),
                Step::Handshaking => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.incoming.unread().is_empty() {
            // A read of the socket takes from the task's budget, this would not; and one read
            // may have brought thousands of records.
            ready!(coop::poll_proceed(context)).made_progress();
        }
        let before = buffer.remaining();
        let mut records = 0;
        let mut spilt = mem::take(&mut this.spilt);
        let used = pour(&spilt, buffer);
        spilt.advance(used);
        let result = loop {
            if buffer.remaining() == 0 {
                break Poll::Ready(Ok(()));
            }
            // A session with nothing at hand need not be asked.
            let step = if this.incoming.unread().is_empty() && this.failure.is_none() {
                Ok(Step::Done)
            } else {
                this.step(Intent::Read, &mut |octets| {
                    let used = pour(octets, buffer);
                    spilt.extend_from_slice(&octets[used..]);
                })
            };
            match step {
                Ok(Step::Progress) => {
                    records += 1;
                    if records >= TLS_RECORDS_PER_READ && buffer.remaining() < before {
                        break Poll::Ready(Ok(()));
                    }
                    continue;
                }
                Ok(Step::Done | Step::Handshaking) => {}
                // What came before the failure is the reader's; it will ask again.
                Err(_) if buffer.remaining() < before => break Poll::Ready(Ok(())),
                Err(error) => {
                    let _told = this.outgoing.poll_send(context, &mut this.tcp);
                    break Poll::Ready(Err(error));
                }
            }
            if buffer.remaining() < before || this.peer_closed {
                break Poll::Ready(Ok(()));
            }
            match this.poll_records(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        this.spilt = spilt;
        result
    }
}

/// Copies what there is room for; how much that was.
fn pour(octets: &[u8], buffer: &mut ReadBuf<'_>) -> usize {
    let count = octets.len().min(buffer.remaining());
    for part in octets[..count].chunks(TLS_COPY_OCTETS) {
        buffer.put_slice(part);
    }
    count
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(octets)])
    }

    /// Takes octets only when all that was taken before has left.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.outgoing.poll_send(context, &mut this.tcp))?;
        if this.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut slices = slices.iter().filter(|slice| !slice.is_empty()).peekable();
        let Some(first) = slices.next() else {
            return Poll::Ready(Ok(0));
        };
        let count = if slices.peek().is_none() || first.len() >= TLS_RECORD_OCTETS {
            let count = first.len().min(TLS_WRITE_OCTETS);
            this.speak(Intent::Write(&first[..count]))?;
            count
        } else {
            // A record each would cost more than this copy, here and at the service.
            let mut record = Vec::with_capacity(TLS_RECORD_OCTETS);
            for slice in std::iter::once(first).chain(slices) {
                let room = TLS_RECORD_OCTETS - record.len();
                record.extend_from_slice(&slice[..slice.len().min(room)]);
            }
            this.speak(Intent::Write(&record))?;
            record.len()
        };
        match this.outgoing.poll_send(context, &mut this.tcp) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // It was taken: what the socket has no room for leaves by the next write or flush.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(count)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.outgoing.poll_send(context, &mut this.tcp)
    }

    /// Sends the close_notify, then closes our side of the connection.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closed {
            this.closed = true;
            // A session that failed has said why, and says nothing more.
            let _said = this.speak(Intent::Close);
        }
        ready!(this.outgoing.poll_send(context, &mut this.tcp))?;
        Pin::new(&mut this.tcp).poll_shutdown(context)
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("tcp", &self.tcp)
            .finish_non_exhaustive()
    }
}

fn invalid(error: RustlsError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
