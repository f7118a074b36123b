//! What leaves in one write: octets of ours, then runs of the read buffer, then octets
//! of ours.

use std::io::{self, IoSlice};
use std::iter::once;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::ReadBuffer;
use crate::limits::{READ_BUFFER_KEPT_OCTETS, RUNS_PER_WRITE, SMALL_WRITE_OCTETS};

/// A head or a chunk-size line, the payload it announces, and what ends the chunk.
///
/// The payload is not copied, unless the write is a small one: a run is a range of the
/// read buffer's unread octets, and the buffer is consumed when the whole batch has left.
#[derive(Default)]
pub(crate) struct Batch {
    /// Our octets before the payload; also the memory in which heads are encoded.
    pub(crate) lead: Vec<u8>,
    /// Not an array: a batch is moved in and out of every exchange.
    runs: Vec<Range<usize>>,
    payload: usize,
    /// Our octets after the payload.
    pub(crate) trail: &'static [u8],
    /// Octets of the read buffer that this batch uses up, framing included.
    uses: usize,
    written: usize,
}

impl Batch {
    /// Adds a run of the read buffer. Check [`Batch::is_full`] first.
    pub(crate) fn push(&mut self, run: Range<usize>) {
        self.payload += run.len();
        self.runs.push(run);
    }

    /// Whether no further run fits.
    pub(crate) fn is_full(&self) -> bool {
        self.runs.len() == RUNS_PER_WRITE
    }

    /// Octets of the read buffer to consume when all has left.
    pub(crate) fn set_uses(&mut self, uses: usize) {
        self.uses = uses;
    }

    /// Payload octets in this batch.
    pub(crate) fn payload(&self) -> usize {
        self.payload
    }

    /// Octets of this batch that have left.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// Whether nothing is waiting to leave.
    pub(crate) fn is_empty(&self) -> bool {
        self.lead.is_empty() && self.runs.is_empty() && self.trail.is_empty() && self.uses == 0
    }

    /// Consumes what this batch uses of `buffer` although it has not left.
    pub(crate) fn discard(&mut self, buffer: &mut ReadBuffer) {
        buffer.consume(self.uses);
        self.clear();
    }

    /// To be written once more from its first octet, on another connection.
    pub(crate) fn rewind(&mut self) {
        self.written = 0;
    }

    /// Empty, with its memory kept.
    pub(crate) fn clear(&mut self) {
        self.lead.clear();
        // One large head must not stay in the memory of a small one.
        self.lead.shrink_to(READ_BUFFER_KEPT_OCTETS);
        self.runs.clear();
        self.payload = 0;
        self.trail = b"";
        self.uses = 0;
        self.written = 0;
    }

    /// Whether all of it has left.
    pub(crate) fn is_written(&self) -> bool {
        self.remaining() == 0
    }

    fn remaining(&self) -> usize {
        self.lead.len() + self.payload + self.trail.len() - self.written
    }

    /// Writes until everything has left, then consumes what it used of `buffer`.
    /// The batch keeps its content until [`Batch::clear`], so that it can be rewound.
    pub(crate) fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        writer: &mut W,
        buffer: &mut ReadBuffer,
    ) -> Poll<io::Result<()>> {
        while self.remaining() > 0 {
            let writer = Pin::new(&mut *writer);
            let sent = if self.remaining() <= SMALL_WRITE_OCTETS {
                let mut block = [0; SMALL_WRITE_OCTETS];
                let octets = self.beside_each_other(buffer.unread(), &mut block);
                ready!(writer.poll_write(context, octets))?
            } else {
                let mut slices = [IoSlice::new(b""); RUNS_PER_WRITE + 2];
                let count = self.slices(buffer.unread(), &mut slices);
                ready!(writer.poll_write_vectored(context, &slices[..count]))?
            };
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += sent;
        }
        buffer.consume(self.uses);
        self.uses = 0;
        Poll::Ready(Ok(()))
    }

    /// The octets still to be written, copied into `block`; where they lie if they do so
    /// side by side.
    fn beside_each_other<'b>(&'b self, unread: &'b [u8], block: &'b mut [u8]) -> &'b [u8] {
        let mut parts = self.rest(unread);
        let first = parts.next().unwrap_or_default();
        let mut length = 0;
        for part in parts {
            if length == 0 {
                block[..first.len()].copy_from_slice(first);
                length = first.len();
            }
            block[length..length + part.len()].copy_from_slice(part);
            length += part.len();
        }
        match length {
            0 => first,
            length => &block[..length],
        }
    }

    /// The octets still to be written, as slices of where they lie.
    fn slices<'a>(&'a self, unread: &'a [u8], slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slice, part) in slices.iter_mut().zip(self.rest(unread)) {
            *slice = IoSlice::new(part);
            count += 1;
        }
        count
    }

    /// The parts still to be written, none of them empty.
    fn rest<'a>(&'a self, unread: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut skip = self.written;
        let runs = self.runs.iter().map(|run| &unread[run.clone()]);
        let parts = once(&self.lead[..]).chain(runs).chain(once(self.trail));
        parts.filter_map(move |part| {
            let skipped = skip.min(part.len());
            skip -= skipped;
            part.get(skipped..).filter(|rest| !rest.is_empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Takes `step` octets a write.
    struct Narrow {
        taken: Vec<u8>,
        step: usize,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            let count = octets.len().min(self.step);
            self.taken.extend_from_slice(&octets[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_batch_leaves_in_order_whatever_the_size_of_a_write() {
        for step in 1..20 {
            let mut buffer = ReadBuffer::default();
            let mut input: &[u8] = b"5\r\nhello\r\n6\r\n world\r\nnext";
            poll_fn(|context| buffer.poll_fill(context, &mut input))
                .await
                .unwrap();
            let mut batch = Batch::default();
            batch.lead.extend_from_slice(b"b\r\n");
            batch.push(3..8);
            batch.push(13..19);
            batch.trail = b"\r\n";
            batch.set_uses(21);
            let mut writer = Narrow {
                taken: Vec::new(),
                step,
            };
            poll_fn(|context| batch.poll_write(context, &mut writer, &mut buffer))
                .await
                .unwrap();
            assert_eq!(writer.taken, b"b\r\nhello world\r\n");
            assert_eq!(buffer.unread(), b"next");
        }
    }
}
