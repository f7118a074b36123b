//! The agent at work: its streams joined to the user's, signals passed on.

use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::pin;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Failure;
use super::limits::{AGENT_GRACE, PIECE_OCTETS, PIECES_WAITING};
use crate::progress::Progress;
use crate::signals::{Sent, Signals};
use crate::terminal;

/// An agent that runs, wherever it does.
pub(crate) trait Agent {
    /// Sends it a signal.
    async fn signal(&self, sent: Sent) -> Result<(), Failure>;
    /// Waits for its end. Gives its exit code.
    async fn wait(&self) -> Result<u8, Failure>;
    /// Tells its terminal how large ours is.
    async fn resize(&self, rows: u16, columns: u16);
    /// A sentence once a sidecar has ended. It never ends by itself while an agent works.
    async fn sidecar_end(&self) -> String;
}

/// What an agent reads.
pub(crate) trait AgentInput: Send + 'static {
    /// Writes all of `octets`.
    fn write(&mut self, octets: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
    /// Ends it; what the agent writes goes on.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// What an agent writes.
pub(crate) trait AgentOutput: Send + 'static {
    /// The next piece; none once the agent has closed it.
    fn next(&mut self) -> impl Future<Output = Result<Option<Piece>, Failure>> + Send;
}

/// A piece of what an agent wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// To its standard output, or its terminal.
    Output(Bytes),
    /// To its standard error.
    Error(Bytes),
}

/// An agent that has begun, and its streams.
pub(crate) struct Session<A, I, O> {
    /// The agent.
    pub agent: A,
    /// What it reads.
    pub input: I,
    /// What it writes.
    pub output: O,
    /// Whether it has the user's terminal.
    pub is_terminal: bool,
}

/// How the joined streams came to their end.
enum StreamsEnd {
    /// The agent closed them: it has ended.
    Agent,
    /// Nobody reads what it writes.
    NobodyReads,
    /// They broke off.
    Broken(Failure),
}

impl<A: Agent, I: AgentInput, O: AgentOutput> Session<A, I, O> {
    /// Stays with the agent to its end. Gives its exit code.
    ///
    /// # Errors
    ///
    /// It went out of reach, or a signal asked for the end.
    pub(crate) async fn run(
        self,
        progress: &mut Progress,
        signals: &mut Signals,
    ) -> Result<u8, Failure> {
        let raw = match self.is_terminal {
            true => Some(terminal::Raw::enter().map_err(|error| {
                Failure::NotStarted(format!("could not take the terminal: {error}"))
            })?),
            false => None,
        };
        let at_work = AtWork {
            agent: self.agent,
            is_terminal: self.is_terminal,
        };
        at_work.resize().await;
        let input = tokio::spawn(feed(self.input));
        let streams = tokio::spawn(show(self.output));
        let ended = at_work.stay(streams, progress, signals).await;
        input.abort();
        drop(raw);
        ended.map_err(Failure::after_start)
    }
}

/// An agent whose streams are joined.
struct AtWork<A> {
    agent: A,
    is_terminal: bool,
}

impl<A: Agent> AtWork<A> {
    async fn stay(
        &self,
        streams: tokio::task::JoinHandle<StreamsEnd>,
        progress: &mut Progress,
        signals: &mut Signals,
    ) -> Result<u8, Failure> {
        let mut streams = pin!(streams);
        let mut sidecar = pin!(self.agent.sidecar_end());
        let mut sidecar_lives = true;
        loop {
            tokio::select! {
                end = &mut streams => break self.after(end.unwrap_or(StreamsEnd::Agent)).await,
                sentence = &mut sidecar, if sidecar_lives => {
                    sidecar_lives = false;
                    progress.tell(&sentence);
                }
                sent = signals.next() => match sent {
                    Sent::Resize => self.resize().await,
                    Sent::Interrupt | Sent::Quit | Sent::User1 | Sent::User2 => {
                        self.agent.signal(sent).await?;
                    }
                    Sent::Terminate | Sent::HangUp => {
                        self.agent.signal(sent).await?;
                        let ended = self.agent.wait();
                        // One that does not end is ended with the rest of the bottle.
                        let ended = tokio::time::timeout(AGENT_GRACE, ended).await;
                        if ended.is_ok() {
                            // What it said last.
                            let _shown = tokio::time::timeout(AGENT_GRACE, &mut streams).await;
                        }
                        break Err(sent.into());
                    }
                }
            }
        }
    }

    async fn after(&self, end: StreamsEnd) -> Result<u8, Failure> {
        match end {
            StreamsEnd::Agent => self.agent.wait().await,
            // What a shell gives for a program that wrote to nobody.
            StreamsEnd::NobodyReads => Ok(super::exit_code::SIGNAL + SIGPIPE),
            StreamsEnd::Broken(failure) => Err(failure),
        }
    }

    async fn resize(&self) {
        if let Some((rows, columns)) = terminal::size().filter(|_| self.is_terminal) {
            self.agent.resize(rows, columns).await;
        }
    }
}

/// `SIGPIPE`.
const SIGPIPE: u8 = 13;

/// Passes standard input on until it ends. It is read by a thread: a terminal, a file and a
/// pipe differ in what an event loop can do with them, and a read can't be cut off.
fn feed(mut input: impl AgentInput) -> impl Future<Output = ()> {
    let (sender, mut pieces) = mpsc::channel::<Bytes>(PIECES_WAITING);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut piece = vec![0; PIECE_OCTETS];
        while let Ok(length @ 1..) = stdin.read(&mut piece) {
            let octets = Bytes::copy_from_slice(&piece[..length]);
            if sender.blocking_send(octets).is_err() {
                return;
            }
        }
    });
    async move {
        while let Some(piece) = pieces.recv().await {
            if input.write(&piece).await.is_err() {
                return;
            }
        }
        input.end().await;
    }
}

/// Shows what the agent writes, to its end.
async fn show(mut output: impl AgentOutput) -> StreamsEnd {
    let mut out = Sink::to(io::stdout());
    let mut err = Sink::to(io::stderr());
    loop {
        let shown = match output.next().await {
            Ok(Some(Piece::Output(octets))) => out.write(octets).await,
            Ok(Some(Piece::Error(octets))) => err.write(octets).await,
            Ok(None) => {
                out.finish().await;
                err.finish().await;
                return StreamsEnd::Agent;
            }
            Err(error) => return StreamsEnd::Broken(error),
        };
        if !shown {
            return StreamsEnd::NobodyReads;
        }
    }
}

/// A stream of ours, written by a thread: one that is slow must not hold signals up.
struct Sink {
    pieces: mpsc::Sender<Bytes>,
    done: tokio::sync::oneshot::Receiver<()>,
}

impl Sink {
    fn to(mut stream: impl Write + Send + 'static) -> Self {
        let (pieces, mut waiting) = mpsc::channel::<Bytes>(PIECES_WAITING);
        let (over, done) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            while let Some(piece) = waiting.blocking_recv() {
                if stream
                    .write_all(&piece)
                    .and_then(|()| stream.flush())
                    .is_err()
                {
                    return;
                }
            }
            let _gone = over.send(());
        });
        Self { pieces, done }
    }

    /// Whether somebody reads.
    async fn write(&mut self, octets: Bytes) -> bool {
        self.pieces.send(octets).await.is_ok()
    }

    async fn finish(self) {
        drop(self.pieces);
        let _written = self.done.await;
    }
}
