//! A peer that follows its script, behind what the engine takes for a socket.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use engine::pipes::ClientPipe;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::messages::{self, Head};
use super::script::{ALL, Answer, Step};

/// How what a peer says comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has not.
    Open,
    /// It has closed.
    Closed,
    /// Its connection broke, or ended without the close_notify of TLS.
    Broken,
}

/// A write that the engine made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    /// Which write of all.
    pub(crate) number: u64,
    /// Octets of this connection that were written before.
    pub(crate) begin: usize,
    /// Octets of this connection that had been read by then.
    pub(crate) read: usize,
    /// Nobody had looked whether there is more, and there was.
    pub(crate) unseen: bool,
}

/// One connection as its far end knows it.
#[derive(Debug)]
pub(crate) struct Peer {
    steps: VecDeque<Step>,
    /// What it does when its script is over.
    for_ever: Option<Answer>,
    saying: Vec<u8>,
    /// Octets of it that were read.
    read: usize,
    timer: Option<Pin<Box<Sleep>>>,
    pieces: usize,
    width: usize,
    /// The last read found nothing.
    looked: bool,
    rested_from_read: bool,
    rested_from_write: bool,
    answers: usize,
    greeted: bool,
    hung_up: bool,
    waiting: Vec<Waker>,
    writes_of_all: Arc<AtomicU64>,

    /// What the engine has read.
    pub(crate) said: Vec<u8>,
    /// How that ended, as far as the engine has read it.
    pub(crate) end: End,
    /// What the engine has written.
    pub(crate) heard: Vec<u8>,
    pub(crate) writes: Vec<Write>,
    /// The engine closed by a reset.
    pub(crate) was_reset: bool,
    /// The engine has let the connection go.
    pub(crate) was_dropped: bool,
    /// A write was held up, or failed.
    pub(crate) was_slow: bool,
}

/// What the engine holds of a [`Peer`].
#[derive(Debug)]
pub(crate) struct Pipe(pub(crate) Arc<Mutex<Peer>>);

/// The peer, whatever has happened to another thread.
pub(crate) fn lock(peer: &Mutex<Peer>) -> MutexGuard<'_, Peer> {
    peer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peer {
    pub(crate) fn new(
        steps: VecDeque<Step>,
        for_ever: Option<Answer>,
        writes_of_all: &Arc<AtomicU64>,
    ) -> Arc<Mutex<Peer>> {
        Arc::new(Mutex::new(Peer {
            for_ever,
            steps,
            saying: Vec::new(),
            read: 0,
            timer: None,
            pieces: ALL,
            width: ALL,
            looked: false,
            rested_from_read: true,
            rested_from_write: true,
            answers: 0,
            greeted: false,
            hung_up: false,
            waiting: Vec::new(),
            writes_of_all: Arc::clone(writes_of_all),
            said: Vec::new(),
            end: End::Open,
            heard: Vec::new(),
            writes: Vec::new(),
            was_reset: false,
            was_dropped: false,
            was_slow: false,
        }))
    }

    /// It is gone, whatever its script says.
    pub(crate) fn hang_up(&mut self) {
        self.hung_up = true;
        self.wake();
    }

    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }

    /// Follows the script until there is something to read: octets or an end.
    fn poll_saying(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.hung_up || self.end == End::Closed {
                self.read = self.saying.len();
                self.end = End::Closed;
                return Poll::Ready(Ok(()));
            }
            if let Some(timer) = &mut self.timer {
                ready!(timer.as_mut().poll(context));
                self.timer = None;
            }
            if self.read < self.saying.len() {
                if self.pieces != ALL && !self.rested_from_read {
                    self.rested_from_read = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                return Poll::Ready(Ok(()));
            }
            self.saying.clear();
            self.read = 0;
            let next = self.steps.pop_front().or(self.for_ever.map(Step::Answer));
            match next {
                None => return self.wait(context),
                Some(Step::Send(octets)) => self.saying = octets,
                Some(Step::Split) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Pause(time)) => self.timer = Some(Box::pin(sleep(time))),
                Some(Step::Pieces(pieces)) => self.pieces = pieces,
                Some(Step::Width(width)) => {
                    self.width = width;
                    self.wake();
                }
                Some(Step::End) => self.end = End::Closed,
                Some(Step::Break) => {
                    self.steps.push_front(Step::Break);
                    self.end = End::Broken;
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                Some(Step::Answer(answer)) => {
                    if !self.answer(answer) {
                        self.steps.push_front(Step::Answer(answer));
                        return self.wait(context);
                    }
                }
            }
        }
    }

    fn wait<T>(&mut self, context: &Context<'_>) -> Poll<T> {
        let waker = context.waker();
        if !self.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
        Poll::Pending
    }

    /// Whether a read would find something that nobody knows of.
    fn has_unseen(&self) -> bool {
        let next = matches!(
            self.steps.front(),
            Some(Step::Send(_) | Step::End | Step::Break)
        );
        !self.looked && (self.read < self.saying.len() || next)
    }

    /// Says what follows from what was heard; `false`: nothing yet.
    fn answer(&mut self, answer: Answer) -> bool {
        let heard = messages::requests(&self.heard, Head::OfEngine);
        let Some(request) = heard.requests.get(self.answers) else {
            return false;
        };
        if !self.greeted && !answer.to_head().is_empty() {
            self.greeted = true;
            self.saying = answer.to_head().into();
            self.steps.push_front(Step::Answer(answer));
            return true;
        }
        if request.body.end.is_none() {
            return false;
        }
        let (head, body, ends) = answer.to_request();
        self.saying = head.into();
        if request.head.method != b"HEAD" {
            self.saying.extend_from_slice(body.as_bytes());
        }
        if ends {
            self.steps.push_front(Step::End);
        }
        self.answers += 1;
        self.greeted = false;
        true
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let peer = &mut *lock(&self.0);
        peer.looked = true;
        ready!(peer.poll_saying(context))?;
        peer.looked = false;
        let unread = &peer.saying[peer.read..];
        let unread = &unread[..unread.len().min(peer.pieces).min(buffer.remaining())];
        buffer.put_slice(unread);
        peer.said.extend_from_slice(unread);
        peer.read += unread.len();
        peer.rested_from_read = false;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(octets)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let peer = &mut *lock(&self.0);
        if peer.hung_up || peer.end == End::Broken {
            peer.was_slow = true;
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if peer.width == 0 {
            peer.was_slow = true;
            return peer.wait(context);
        }
        if peer.width != ALL && !peer.rested_from_write {
            peer.rested_from_write = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        peer.rested_from_write = false;
        let begin = peer.heard.len();
        peer.writes.push(Write {
            number: peer.writes_of_all.fetch_add(1, Ordering::Relaxed),
            begin,
            read: peer.said.len(),
            unseen: peer.has_unseen(),
        });
        let mut room = peer.width;
        for slice in slices {
            let count = slice.len().min(room);
            peer.heard.extend_from_slice(&slice[..count]);
            room -= count;
        }
        peer.wake();
        Poll::Ready(Ok(peer.heard.len() - begin))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl ClientPipe for Pipe {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_saying(context)
    }

    fn has_hung_up(&self) -> bool {
        let peer = lock(&self.0);
        peer.hung_up || peer.end != End::Open
    }

    fn reset_on_close(&self) {
        lock(&self.0).was_reset = true;
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        lock(&self.0).was_dropped = true;
    }
}
