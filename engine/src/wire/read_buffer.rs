//! The octets that were read and not yet used, at the front of a growing block.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use crate::limits::{READ_BUFFER_CEILING_OCTETS, READ_BUFFER_KEPT_OCTETS, READ_BUFFER_OCTETS};

/// A read buffer. Payload leaves it straight from here: what is read from one socket
/// is written to the other from the same octets.
///
/// It holds no memory until the first read, doubles while reads fill it, and gives the
/// memory back when it has grown beyond what is worth keeping.
#[derive(Default)]
pub(crate) struct ReadBuffer {
    octets: BytesMut,
    /// What the next read asks for, in octets; 0 before the first.
    wanted: usize,
}

impl ReadBuffer {
    /// What was read and not yet consumed.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.octets
    }

    /// The same, for who deciphers them in place.
    pub(crate) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.octets
    }

    /// Whether it holds no memory.
    pub(crate) fn is_unallocated(&self) -> bool {
        self.octets.capacity() == 0
    }

    /// Drops `count` octets from the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.octets.advance(count);
    }

    /// Reads once, as much as the peer has sent and the block takes. `Ok(0)` is the end
    /// of input.
    pub(crate) fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        reader: &mut R,
    ) -> Poll<io::Result<usize>> {
        self.make_room();
        // The allocator may have given more than was wanted.
        let room = self.wanted.min(self.octets.capacity() - self.octets.len());
        let mut space = (&mut self.octets).limit(room);
        let count = ready!(poll_read_buf(Pin::new(reader), context, &mut space))?;
        if count == room {
            self.wanted = (self.wanted * 2).min(READ_BUFFER_CEILING_OCTETS);
        }
        Poll::Ready(Ok(count))
    }

    /// Room for a worthwhile read. An emptied block starts again at its front, which
    /// moves nothing; a rest is moved to the front only when it leaves too little room.
    fn make_room(&mut self) {
        self.wanted = self.wanted.max(READ_BUFFER_OCTETS);
        let room = self.octets.capacity() - self.octets.len();
        if self.octets.is_empty() || room < self.wanted / 4 {
            self.octets.reserve(self.wanted);
        }
    }

    /// Empties the buffer for its next user, without the memory that only a large body needs.
    pub(crate) fn recycle(&mut self) {
        self.octets.clear();
        if self.octets.capacity() > READ_BUFFER_KEPT_OCTETS || self.wanted > READ_BUFFER_KEPT_OCTETS
        {
            *self = ReadBuffer::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn fill(buffer: &mut ReadBuffer, mut input: &[u8]) -> usize {
        poll_fn(|context| buffer.poll_fill(context, &mut input))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_was_read_stays_in_order_until_consumed() {
        let mut buffer = ReadBuffer::default();
        assert_eq!(fill(&mut buffer, b"abc").await, 3);
        assert_eq!(fill(&mut buffer, b"def").await, 3);
        buffer.consume(2);
        assert_eq!(buffer.unread(), b"cdef");
    }

    #[tokio::test]
    async fn no_memory_is_held_before_the_first_read() {
        assert_eq!(ReadBuffer::default().octets.capacity(), 0);
    }

    #[tokio::test]
    async fn an_emptied_buffer_reads_again_without_a_new_block() {
        let mut buffer = ReadBuffer::default();
        fill(&mut buffer, &[7; 5000]).await;
        let block = buffer.unread().as_ptr();
        buffer.consume(5000);
        fill(&mut buffer, &[8; 5000]).await;
        assert_eq!(buffer.unread().as_ptr(), block);
        assert_eq!(buffer.unread(), &[8; 5000]);
    }

    #[tokio::test]
    async fn full_reads_double_the_buffer_up_to_the_ceiling() {
        let mut buffer = ReadBuffer::default();
        let flood = vec![1; 2 * READ_BUFFER_CEILING_OCTETS];
        for _ in 0..20 {
            let count = fill(&mut buffer, &flood).await;
            assert!(count <= READ_BUFFER_CEILING_OCTETS);
            buffer.consume(count);
        }
        assert_eq!(fill(&mut buffer, &flood).await, READ_BUFFER_CEILING_OCTETS);
        buffer.recycle();
        assert_eq!(buffer.octets.capacity(), 0);
    }
}
