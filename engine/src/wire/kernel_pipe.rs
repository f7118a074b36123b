//! Pipes through which the kernel moves octets from one socket to another: they never come
//! into our memory, which saves both copies of a large body.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::limits::{KERNEL_PIPE_OCTETS, KERNEL_PIPES};

/// The pipes of the process: so few that they never contend with connections for
/// descriptors, and kept once they are open.
#[derive(Debug, Default)]
pub(crate) struct KernelPipes(Mutex<Stock>);

#[derive(Debug, Default)]
struct Stock {
    free: Vec<Pipe>,
    /// How many are open, those in use included.
    open: usize,
}

#[derive(Debug)]
struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl KernelPipes {
    /// An empty pipe for one body; none where all are in use or none can be had.
    pub(crate) fn take(self: &Arc<Self>) -> Option<KernelPipe> {
        let mut stock = self.stock();
        let pipe = match stock.free.pop() {
            Some(pipe) => pipe,
            None if stock.open < KERNEL_PIPES => {
                // Where there is no descriptor left, the body is copied as any other.
                let pipe = Pipe::open().ok()?;
                stock.open += 1;
                pipe
            }
            None => return None,
        };
        Some(KernelPipe {
            pipe: Some(pipe),
            held: 0,
            home: Arc::clone(self),
        })
    }

    fn stock(&self) -> std::sync::MutexGuard<'_, Stock> {
        // Whole between any two of its statements, even if a thread died there.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipe {
    fn open() -> io::Result<Pipe> {
        let (reader, writer) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        // Refused to a user who has many: then it stays at the kernel's 64 KiB.
        let _ = fcntl_setpipe_size(&writer, KERNEL_PIPE_OCTETS);
        Ok(Pipe { reader, writer })
    }
}

/// A pipe while one body goes through it. Gone back to its stock on drop, or closed if
/// octets are left in it.
#[derive(Debug)]
pub(crate) struct KernelPipe {
    /// `None` only while it is being dropped.
    pipe: Option<Pipe>,
    held: usize,
    home: Arc<KernelPipes>,
}

impl KernelPipe {
    /// Whether nothing is on its way.
    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Takes what has arrived, at most `limit` octets, into the empty pipe; 0 is the end.
    ///
    /// # Errors
    /// The socket's own; or that its octets cannot be moved this way, see [`is_unfit`].
    pub(crate) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        from: &TcpStream,
        limit: u64,
    ) -> Poll<io::Result<usize>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let limit = limit.min(KERNEL_PIPE_OCTETS);
        let Some(pipe) = &self.pipe else {
            return Poll::Ready(Ok(0));
        };
        let count = ready!(poll_io(context, from, Interest::READABLE, || {
            splice(from, None, &pipe.writer, None, limit, FLAGS)
        }))?;
        self.held += count;
        Poll::Ready(Ok(count))
    }

    /// Hands on what the pipe holds, as much as the socket takes.
    pub(crate) fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        to: &TcpStream,
    ) -> Poll<io::Result<usize>> {
        let Some(pipe) = &self.pipe else {
            return Poll::Ready(Ok(0));
        };
        let held = self.held;
        let count = ready!(poll_io(context, to, Interest::WRITABLE, || {
            splice(&pipe.reader, None, to, None, held, FLAGS)
        }))?;
        // As for any write: it would be tried for ever.
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.held -= count;
        Poll::Ready(Ok(count))
    }
}

impl Drop for KernelPipe {
    fn drop(&mut self) {
        let mut stock = self.home.stock();
        match self.pipe.take().filter(|_| self.held == 0) {
            Some(pipe) => stock.free.push(pipe),
            None => stock.open -= 1,
        }
    }
}

const FLAGS: SpliceFlags = SpliceFlags::NONBLOCK.union(SpliceFlags::MOVE);

/// Tries when the socket is ready, until it is done or the socket is not.
fn poll_io(
    context: &mut Context<'_>,
    socket: &TcpStream,
    interest: Interest,
    mut step: impl FnMut() -> rustix::io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        if interest.is_readable() {
            ready!(socket.poll_read_ready(context))?;
        } else {
            ready!(socket.poll_write_ready(context))?;
        }
        match socket.try_io(interest, || Ok(step()?)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Poll::Ready(result),
        }
    }
}

/// Whether an error says that the kernel, or who restricts us, does not move octets this
/// way. Nothing has moved then.
pub(crate) fn is_unfit(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Two ends of a connection.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    async fn fill(pipe: &mut KernelPipe, from: &TcpStream, limit: u64) -> usize {
        let filled = std::future::poll_fn(|context| pipe.poll_fill(context, from, limit));
        filled.await.unwrap()
    }

    #[tokio::test]
    async fn octets_pass_in_order_and_none_beyond_the_limit() {
        let (mut sender, from) = connection().await;
        let (to, mut taker) = connection().await;
        sender.write_all(b"0123456789next").await.unwrap();
        let pipes = Arc::new(KernelPipes::default());
        let mut pipe = pipes.take().unwrap();
        assert_eq!(fill(&mut pipe, &from, 10).await, 10);
        assert!(!pipe.is_empty());
        let drained = std::future::poll_fn(|context| pipe.poll_drain(context, &to));
        assert_eq!(drained.await.unwrap(), 10);
        assert!(pipe.is_empty());
        let mut received = [0; 10];
        taker.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"0123456789");
        drop(sender);
        assert_eq!(fill(&mut pipe, &from, 100).await, 4);
        let drained = std::future::poll_fn(|context| pipe.poll_drain(context, &to));
        assert_eq!(drained.await.unwrap(), 4);
        assert_eq!(fill(&mut pipe, &from, 100).await, 0, "the end");
    }

    #[test]
    fn there_are_as_many_as_the_limit_says_and_no_more() {
        let pipes = Arc::new(KernelPipes::default());
        let mut taken: Vec<_> = (0..KERNEL_PIPES).filter_map(|_| pipes.take()).collect();
        assert_eq!(taken.len(), KERNEL_PIPES);
        assert!(pipes.take().is_none());
        taken.pop();
        assert!(pipes.take().is_some());
    }

    #[tokio::test]
    async fn a_pipe_with_octets_in_it_is_never_used_again() {
        let (mut sender, from) = connection().await;
        sender.write_all(b"left").await.unwrap();
        let pipes = Arc::new(KernelPipes::default());
        let mut pipe = pipes.take().unwrap();
        assert_eq!(fill(&mut pipe, &from, 4).await, 4);
        drop(pipe);
        let stock = pipes.stock();
        assert_eq!((stock.free.len(), stock.open), (0, 0));
    }

    #[tokio::test]
    async fn who_is_not_ready_is_waited_for() {
        let (mut sender, from) = connection().await;
        let (to, mut taker) = connection().await;
        let pipes = Arc::new(KernelPipes::default());
        let mut pipe = pipes.take().unwrap();
        let mut passed = 0;
        let send = async {
            // More than both sockets and the pipe hold at once.
            let block = vec![7; 64 * KERNEL_PIPE_OCTETS];
            sender.write_all(&block).await.unwrap();
            block.len()
        };
        let take = async {
            let mut taken = 0;
            let mut room = vec![0; KERNEL_PIPE_OCTETS];
            while taken < 64 * KERNEL_PIPE_OCTETS {
                taken += taker.read(&mut room).await.unwrap();
            }
        };
        let pass = std::future::poll_fn(|context| {
            while passed < 64 * KERNEL_PIPE_OCTETS {
                if pipe.is_empty() {
                    ready!(pipe.poll_fill(context, &from, u64::MAX)).unwrap();
                }
                passed += ready!(pipe.poll_drain(context, &to)).unwrap();
            }
            Poll::Ready(())
        });
        tokio::join!(send, take, pass);
    }
}
