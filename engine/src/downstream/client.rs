//! One client connection: its stream, what was read ahead, its one timer.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::error::{Failure, Lapse};
use crate::limits::{HANG_UP_CHECK_TIME, LINGER_OCTETS, Limits, READ_BUFFER_KEPT_OCTETS};
use crate::message::{HeadLimits, HeadScan};
use crate::wire::{Deadline, ReadBuffer, Stream};

/// What a client's stream must tell beyond its octets.
pub(crate) trait ClientStream: Stream + Send {
    /// Ready when a read would find something, without a buffer to read into: an idle
    /// connection holds none.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether octets or the end have arrived, asked of the kernel: the reactor may not
    /// have told of them yet.
    fn has_input(&self) -> bool;

    /// Whether the peer has closed or reset, although octets may lie unread before that.
    fn has_hung_up(&self) -> bool;

    /// Makes the coming close a reset.
    fn reset_on_close(&self);
}

impl ClientStream for TcpStream {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }

    fn has_input(&self) -> bool {
        is_now(self, PollFlags::IN)
    }

    fn has_hung_up(&self) -> bool {
        is_now(self, PollFlags::RDHUP)
    }

    fn reset_on_close(&self) {
        // Should it fail, the connection closes all the same.
        let _ = self.set_zero_linger();
    }
}

fn is_now(stream: &TcpStream, what: PollFlags) -> bool {
    let mut descriptors = [PollFd::new(stream, what)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // A failing poll tells nothing; the next look, or the next write, will.
    poll(&mut descriptors, Some(&at_once)).is_ok_and(|count| count > 0)
}

/// A client connection while it is being served.
pub(crate) struct Client<S> {
    pub(crate) stream: S,
    pub(crate) buffer: ReadBuffer,
    deadline: Deadline,
    hang_up_check: Option<Pin<Box<Sleep>>>,
}

/// How waiting for a request head ended.
pub(crate) enum HeadEnd {
    /// The head is this many octets at the front of the buffer.
    Received(usize),
    /// Closed, idle too long, or draining, with nothing begun: no answer is due.
    Silence,
    /// There was nothing to read after all: a fresh socket is said to be readable before
    /// anybody has looked. It is to be waited for without memory.
    NothingYet,
}

impl<S: ClientStream> Client<S> {
    /// A connection just accepted.
    pub(crate) fn new(stream: S, limits: &Limits) -> Self {
        Client {
            stream,
            buffer: ReadBuffer::default(),
            deadline: Deadline::new(Instant::now() + limits.request_head_time),
            hang_up_check: None,
        }
    }

    /// Waits, without a buffer, until the client sends something. `false`: it closed, was
    /// idle too long, or the process is draining and nothing has arrived: a request that was
    /// there before the end is answered. `due` is settled when there is a wait: a client
    /// that is never silent costs no look at the clock.
    pub(crate) fn poll_readable<D: Future<Output = ()>>(
        &mut self,
        context: &mut Context<'_>,
        idle_time: Duration,
        due: &mut Option<Instant>,
        drained: Pin<&mut D>,
    ) -> Poll<bool> {
        if let Poll::Ready(result) = self.stream.poll_readable(context) {
            return Poll::Ready(result.is_ok());
        }
        let due = *due.get_or_insert_with(|| Instant::now() + idle_time);
        let is_over = drained.poll(context).is_ready() && !self.stream.has_input();
        if is_over || self.deadline.poll_passed(context, due).is_ready() {
            return Poll::Ready(false);
        }
        Poll::Pending
    }

    /// Reads until a whole request head lies at the front of the buffer. A head begins
    /// with an octet that is not of the empty line which may stand before it: until then
    /// the connection is idle.
    pub(crate) async fn request_head<D: Future<Output = ()>>(
        &mut self,
        limits: &Limits,
        mut drained: Pin<&mut D>,
    ) -> Result<HeadEnd, Failure> {
        let head_limits = HeadLimits::request(limits);
        let mut scan = HeadScan::default();
        let mut idle_due = None;
        let mut due = None;
        poll_fn(|context| {
            loop {
                if !self.buffer.unread().is_empty() {
                    if let Some(length) = scan.scan(self.buffer.unread(), &head_limits)? {
                        return Poll::Ready(Ok(HeadEnd::Received(length)));
                    }
                    if due.is_none() && !matches!(self.buffer.unread(), b"\r" | b"\r\n") {
                        due = Some(Instant::now() + limits.request_head_time);
                    }
                }
                match self.buffer.poll_fill(context, &mut self.stream) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(Ok(0) | Err(_)) if due.is_none() => {
                        return Poll::Ready(Ok(HeadEnd::Silence));
                    }
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Failure::ClientGone)),
                    Poll::Pending if self.buffer.unread().is_empty() => {
                        return Poll::Ready(Ok(HeadEnd::NothingYet));
                    }
                    Poll::Pending => break,
                }
            }
            let is_over = due.is_none() && drained.as_mut().poll(context).is_ready();
            if is_over && !self.stream.has_input() {
                return Poll::Ready(Ok(HeadEnd::Silence));
            }
            let next = due.unwrap_or_else(|| {
                *idle_due.get_or_insert_with(|| Instant::now() + limits.idle_time)
            });
            match (self.deadline.poll_passed(context, next), due) {
                (Poll::Pending, _) => Poll::Pending,
                (Poll::Ready(()), None) => Poll::Ready(Ok(HeadEnd::Silence)),
                (Poll::Ready(()), Some(_)) => {
                    Poll::Ready(Err(Failure::TimedOut(Lapse::RequestHead)))
                }
            }
        })
        .await
    }

    /// Ready when the client has gone. What it sends meanwhile is read ahead, up to a
    /// bound; beyond that only its state is looked at.
    pub(crate) fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.buffer.unread().len() < READ_BUFFER_KEPT_OCTETS {
            match self.buffer.poll_fill(context, &mut self.stream) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.poll_hung_up(context)
    }

    /// Ready when the client has gone, for when its input can't be read: the reactor does
    /// not tell of a close that lies behind unread octets, so its state is asked for.
    pub(crate) fn poll_hung_up(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let check = self
            .hang_up_check
            .get_or_insert_with(|| Box::pin(sleep(HANG_UP_CHECK_TIME)));
        while check.as_mut().poll(context).is_ready() {
            if self.stream.has_hung_up() {
                return Poll::Ready(());
            }
            check.as_mut().reset(Instant::now() + HANG_UP_CHECK_TIME);
        }
        Poll::Pending
    }

    /// See [`Deadline::poll_passed`].
    pub(crate) fn poll_deadline(&mut self, context: &mut Context<'_>, due: Instant) -> Poll<()> {
        self.deadline.poll_passed(context, due)
    }

    /// Runs `work` while the client is there.
    pub(crate) async fn unless_gone<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(done));
            }
            self.poll_gone(context).map(|()| Err(Failure::ClientGone))
        })
        .await
    }

    /// Writes an answer of our own.
    pub(crate) async fn send(&mut self, octets: &[u8], limits: &Limits) -> Result<(), Failure> {
        let due = Instant::now() + limits.client_read_idle_time;
        let Client {
            stream, deadline, ..
        } = self;
        let mut write = pin!(async {
            stream.write_all(octets).await?;
            stream.flush().await
        });
        poll_fn(|context| {
            if let Poll::Ready(result) = write.as_mut().poll(context) {
                return Poll::Ready(result.or(Err(Failure::ClientGone)));
            }
            deadline
                .poll_passed(context, due)
                .map(|()| Err(Failure::TimedOut(Lapse::ClientRead)))
        })
        .await
    }

    /// Closes so that what was written is not lost: half-close, then swallow what still
    /// comes, within bounds (RFC 9112 §9.6). A socket closed over unread input resets,
    /// and the reset eats the answer.
    pub(crate) async fn linger(mut self, limits: &Limits) {
        if self.stream.shutdown().await.is_err() {
            return; // It is gone already; nobody is left to read the answer.
        }
        let end = Instant::now() + limits.linger_time;
        let mut idle_end = Instant::now() + limits.linger_idle_time;
        let mut swallowed = self.buffer.unread().len();
        poll_fn(|context| {
            while swallowed < LINGER_OCTETS {
                let unread = self.buffer.unread().len();
                self.buffer.consume(unread);
                match self.buffer.poll_fill(context, &mut self.stream) {
                    Poll::Ready(Ok(count @ 1..)) => {
                        swallowed += count;
                        idle_end = Instant::now() + limits.linger_idle_time;
                    }
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Pending => return self.deadline.poll_passed(context, end.min(idle_end)),
                }
            }
            Poll::Ready(())
        })
        .await;
    }
}
