//! Signals that reach the launcher.

use std::future::Future;

use futures_util::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that somebody sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGQUIT`.
    Quit,
    /// `SIGTERM`.
    Terminate,
    /// `SIGHUP`: the terminal is gone.
    HangUp,
    /// `SIGUSR1`.
    User1,
    /// `SIGUSR2`.
    User2,
    /// `SIGWINCH`: the terminal has another size.
    Resize,
}

impl Sent {
    /// Its number.
    pub fn number(self) -> u8 {
        let kind = self.kind().as_raw_value();
        u8::try_from(kind).unwrap_or(u8::MAX)
    }

    /// Its name as Docker takes it.
    pub fn name(self) -> &'static str {
        match self {
            Sent::Interrupt => "SIGINT",
            Sent::Quit => "SIGQUIT",
            Sent::Terminate => "SIGTERM",
            Sent::HangUp => "SIGHUP",
            Sent::User1 => "SIGUSR1",
            Sent::User2 => "SIGUSR2",
            Sent::Resize => "SIGWINCH",
        }
    }

    /// Does it ask this process to end?
    pub fn ends(self) -> bool {
        matches!(
            self,
            Sent::Interrupt | Sent::Quit | Sent::Terminate | Sent::HangUp
        )
    }

    fn kind(self) -> SignalKind {
        match self {
            Sent::Interrupt => SignalKind::interrupt(),
            Sent::Quit => SignalKind::quit(),
            Sent::Terminate => SignalKind::terminate(),
            Sent::HangUp => SignalKind::hangup(),
            Sent::User1 => SignalKind::user_defined1(),
            Sent::User2 => SignalKind::user_defined2(),
            Sent::Resize => SignalKind::window_change(),
        }
    }
}

/// All signals that are caught, from its making on: none of them ends the process by itself.
#[derive(Debug)]
pub struct Signals {
    caught: Vec<(Sent, Signal)>,
}

impl Signals {
    /// Catches them.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn catch() -> std::io::Result<Self> {
        let all = [
            Sent::Interrupt,
            Sent::Quit,
            Sent::Terminate,
            Sent::HangUp,
            Sent::User1,
            Sent::User2,
            Sent::Resize,
        ];
        let caught = all.map(|sent| signal(sent.kind()).map(|signal| (sent, signal)));
        Ok(Self {
            caught: caught.into_iter().collect::<Result<_, _>>()?,
        })
    }

    /// The next signal.
    pub async fn next(&mut self) -> Sent {
        std::future::poll_fn(|context| {
            for (sent, signal) in &mut self.caught {
                if signal.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*sent);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// The next signal that asks this process to end.
    pub async fn next_end(&mut self) -> Sent {
        loop {
            let sent = self.next().await;
            if sent.ends() {
                return sent;
            }
        }
    }

    /// The signal that has asked this process to end, if one has.
    pub fn asked_to_end(&mut self) -> Option<Sent> {
        self.next_end().now_or_never()
    }

    /// Waits for `work` unless a signal asks this process to end; then `work` is dropped.
    ///
    /// # Errors
    ///
    /// The signal.
    pub async fn unless_ended<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Sent> {
        tokio::select! {
            biased;
            sent = self.next_end() => Err(sent),
            done = work => Ok(done),
        }
    }
}
