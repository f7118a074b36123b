//! One message body on its way from one side to the other, behind the head that opens it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::limits::KERNEL_PIPE_FROM_OCTETS;
use crate::message::encode::{CHUNK_END, CHUNK_END_AND_LAST, LAST_CHUNK, chunk_size_line};
use crate::message::{BodyDecoder, BodyEncoding, Fault, Step};
use crate::wire::{Batch, KernelPipe, KernelPipes, ReadBuffer, Stream, is_unfit};

/// Reads, decodes, frames anew and writes. Whatever has arrived leaves in the same turn;
/// nothing waits for more, nothing is copied, and no more is read than was written.
pub(super) struct Relay {
    decoder: BodyDecoder,
    encoding: BodyEncoding,
    batch: Batch,
    /// Whether the end of the body is in the batch, or has left.
    ended: bool,
    unflushed: bool,
    waiting_for: Side,
    payload: u64,
    progress: u64,
    /// Whether the batch is still the first one.
    holds_head: bool,
    /// What the rest of the body goes through, where neither side needs to see it.
    pipe: Option<KernelPipe>,
    /// Whether the kernel has not refused to move octets this way.
    may_pipe: bool,
}

/// The side a relay waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The one that sends the body.
    Sender,
    /// The one that takes it.
    Taker,
}

/// Why a body did not reach its end.
pub(super) enum RelayError {
    /// The sender closed, or its connection broke, before the end of the body.
    Truncated,
    /// The sender's octets are no body.
    Faulty(Fault),
    /// The taker's connection broke.
    Unwritable,
}

impl Relay {
    /// A relay whose first write is `head` with whatever of the body is buffered. A
    /// fault in that is found before an octet has left.
    pub(super) fn new(
        head: Vec<u8>,
        decoder: BodyDecoder,
        encoding: BodyEncoding,
        mut batch: Batch,
        buffer: &ReadBuffer,
    ) -> Result<Self, Fault> {
        batch.clear();
        batch.lead = head;
        let mut relay = Relay {
            decoder,
            encoding,
            batch,
            ended: false,
            unflushed: false,
            waiting_for: Side::Taker,
            payload: 0,
            progress: 0,
            holds_head: true,
            pipe: None,
            may_pipe: true,
        };
        relay.gather(buffer)?;
        Ok(relay)
    }

    /// The batch, for its memory.
    pub(super) fn into_batch(self) -> Batch {
        self.batch
    }

    /// Which side the last `poll` was waiting for.
    pub(super) fn waiting_for(&self) -> Side {
        self.waiting_for
    }

    /// Payload octets that have left.
    pub(super) fn payload(&self) -> u64 {
        self.payload
    }

    /// Grows with every read and write.
    pub(super) fn progress(&self) -> u64 {
        self.progress
    }

    /// Whether nothing of a body was taken from the sender, so that what was written can be
    /// written once more elsewhere.
    pub(super) fn can_rewind(&self) -> bool {
        self.holds_head && self.batch.payload() == 0
    }

    /// To be written from its head once more, on another connection.
    pub(super) fn rewind(&mut self) {
        // Else the body would leave before the head.
        self.pipe = None;
        self.batch.rewind();
    }

    /// Drops what is buffered of the body; whether that was all of it.
    pub(super) fn discard(&mut self, buffer: &mut ReadBuffer) -> bool {
        self.batch.discard(buffer);
        self.ended
    }

    /// Ready when the whole body has left and was flushed.
    pub(super) fn poll<R, W>(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut R,
        buffer: &mut ReadBuffer,
        writer: &mut W,
        pipes: Option<&Arc<KernelPipes>>,
    ) -> Poll<Result<(), RelayError>>
    where
        R: Stream,
        W: Stream,
    {
        loop {
            // Before all else: the body may be over for the decoder and still on its way.
            ready!(self.poll_pipe(context, reader, writer))?;
            self.waiting_for = Side::Taker;
            ready!(self.poll_write(context, writer, buffer)).map_err(unwritable)?;
            if !self.ended && (!buffer.unread().is_empty() || self.decoder.is_complete()) {
                self.holds_head = false;
                self.batch.clear();
                self.gather(buffer).map_err(RelayError::Faulty)?;
                if !self.batch.is_empty() {
                    continue;
                }
            }
            if self.unflushed {
                ready!(Pin::new(&mut *writer).poll_flush(context)).map_err(unwritable)?;
                self.unflushed = false;
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if reader.socket().is_some() && writer.socket().is_some() && self.open_pipe(pipes) {
                continue;
            }
            self.waiting_for = Side::Sender;
            match ready!(buffer.poll_fill(context, reader)) {
                Ok(count @ 1..) => self.progress += count as u64,
                // An error is an end as well, and never the one that closes a body well:
                // TLS reports a missing close_notify this way (RFC 8446 §6.1).
                Err(_) => return Poll::Ready(Err(RelayError::Truncated)),
                Ok(0) => self
                    .decoder
                    .end_of_input()
                    .map_err(|_truncated| RelayError::Truncated)?,
            }
        }
    }

    /// Called with nothing in the buffer or the batch: whether the rest of the body is to
    /// go from socket to socket.
    fn open_pipe(&mut self, pipes: Option<&Arc<KernelPipes>>) -> bool {
        let is_worth_it = self.encoding == BodyEncoding::Identity
            && self.decoder.run() >= Some(KERNEL_PIPE_FROM_OCTETS);
        if is_worth_it && self.may_pipe {
            self.pipe = pipes.and_then(KernelPipes::take);
        }
        self.pipe.is_some()
    }

    /// Ready when nothing is left for the pipe to do.
    fn poll_pipe<R: Stream, W: Stream>(
        &mut self,
        context: &mut Context<'_>,
        reader: &R,
        writer: &W,
    ) -> Poll<Result<(), RelayError>> {
        while let Some(pipe) = &mut self.pipe
            && let (Some(from), Some(to)) = (reader.socket(), writer.socket())
        {
            if !pipe.is_empty() {
                self.waiting_for = Side::Taker;
                let count = ready!(pipe.poll_drain(context, to)).map_err(unwritable)? as u64;
                self.progress += count;
                self.payload += count;
                continue;
            }
            let Some(run @ 1..) = self.decoder.run() else {
                self.pipe = None;
                break;
            };
            self.waiting_for = Side::Sender;
            match ready!(pipe.poll_fill(context, from, run)) {
                Ok(count @ 1..) => {
                    // What goes through a pipe can't be sent again.
                    self.holds_head = false;
                    self.progress += count as u64;
                    self.decoder.pass(count as u64);
                }
                Err(error) if is_unfit(&error) => {
                    self.may_pipe = false;
                    self.pipe = None;
                }
                Ok(0) | Err(_) => return Poll::Ready(Err(RelayError::Truncated)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write<W: Stream>(
        &mut self,
        context: &mut Context<'_>,
        writer: &mut W,
        buffer: &mut ReadBuffer,
    ) -> Poll<io::Result<()>> {
        let before = self.batch.written();
        let result = self.batch.poll_write(context, writer, buffer);
        let sent = self.batch.written() - before;
        self.progress += sent as u64;
        self.unflushed |= sent > 0;
        if sent > 0 && self.batch.is_written() {
            self.payload += self.batch.payload() as u64;
        }
        result
    }

    /// Puts what is buffered of the body into the batch.
    fn gather(&mut self, buffer: &ReadBuffer) -> Result<(), Fault> {
        let unread = buffer.unread();
        let mut at = 0;
        while !self.batch.is_full() {
            let rest = unread.get(at..).unwrap_or_default();
            match self.decoder.decode(rest)? {
                Step::More { framing } => {
                    at += framing;
                    break;
                }
                Step::Data { framing, data } => {
                    at += framing;
                    self.batch.push(at..at + data);
                    at += data;
                }
                Step::End { framing } => {
                    at += framing;
                    self.ended = true;
                    break;
                }
            }
        }
        self.batch.set_uses(at);
        self.frame();
        Ok(())
    }

    /// Our framing around the runs: one chunk for all that is buffered.
    fn frame(&mut self) {
        match self.encoding {
            BodyEncoding::Identity => {}
            BodyEncoding::Chunked => {
                let payload = self.batch.payload() as u64;
                if payload > 0 {
                    chunk_size_line(payload, &mut self.batch.lead);
                }
                self.batch.trail = match (payload, self.ended) {
                    (0, false) => b"",
                    (0, true) => LAST_CHUNK,
                    (_, false) => CHUNK_END,
                    (_, true) => CHUNK_END_AND_LAST,
                };
            }
        }
    }
}

fn unwritable(_: io::Error) -> RelayError {
    RelayError::Unwritable
}
