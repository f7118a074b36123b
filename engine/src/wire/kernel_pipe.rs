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
