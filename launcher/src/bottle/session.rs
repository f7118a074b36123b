//! The agent at work: its streams joined to the user's, signals passed on.

use std::future::Future;
use std::io::{Read, Write};
use std::pin::pin;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::limits::{AGENT_GRACE, PIECE_OCTETS, PIECES_WAITING};
use super::{Failure, seal};
use crate::docker::{Docker, DockerError, Input, Output, Reader, Stream};
use crate::progress::Progress;
use crate::signals::{Sent, Signals};
use crate::terminal;

/// An agent that is about to run.
pub(super) struct Session<'a> {
    /// The engine.
    pub docker: &'a Docker,
    /// Its container.
    pub agent: &'a str,
    /// The sidecar whose end is told.
    pub proxy: Option<&'a str>,
    /// Whether it has the user's terminal.
    pub is_terminal: bool,
}

/// How the joined streams came to their end.
enum StreamsEnd {
    /// The agent closed them: it has ended.
    Agent,
    /// Nobody reads what it writes.
    NobodyReads,
    /// The engine broke them off.
    Broken(DockerError),
}

impl Session<'_> {
    /// Starts the agent and stays with it to its end. Gives its exit code.
    ///
    /// # Errors
    ///
    /// It could not be started, the engine went away, or a signal asked for the end.
    pub(super) async fn run(
        &self,
        progress: &mut Progress,
        signals: &mut Signals,
    ) -> Result<u8, Failure> {
        let attached = self
            .docker
            .attach(self.agent, true, self.is_terminal)
            .await?;
        self.docker.start_container(self.agent).await?;
        let raw = match self.is_terminal {
            true => Some(terminal::Raw::enter().map_err(|error| {
                Failure::NotStarted(format!("could not take the terminal: {error}"))
            })?),
            false => None,
        };
        self.resize().await;
        let input = tokio::spawn(feed(attached.input));
        let streams = tokio::spawn(show(attached.output));
        let ended = self.stay(streams, progress, signals).await;
        input.abort();
        drop(raw);
        ended.map_err(Failure::after_start)
    }

    async fn stay(
        &self,
        streams: tokio::task::JoinHandle<StreamsEnd>,
        progress: &mut Progress,
        signals: &mut Signals,
    ) -> Result<u8, Failure> {
        let mut streams = pin!(streams);
        let mut sidecar = pin!(self.sidecar_end());
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
                        self.docker.signal_container(self.agent, sent.name()).await?;
                    }
                    Sent::Terminate | Sent::HangUp => {
                        self.docker.signal_container(self.agent, sent.name()).await?;
                        let ended = self.docker.wait_container(self.agent);
                        // One that does not end is ended with the rest of the bottle.
                        let _ended = tokio::time::timeout(AGENT_GRACE, ended).await;
                        let _shown = tokio::time::timeout(AGENT_GRACE, &mut streams).await;
                        break Err(sent.into());
                    }
                }
            }
        }
    }

    async fn after(&self, end: StreamsEnd) -> Result<u8, Failure> {
        match end {
            StreamsEnd::Agent => {
                let code = self.docker.wait_container(self.agent).await?;
                Ok(u8::try_from(code).unwrap_or(u8::MAX))
            }
            // What a shell gives for a program that wrote to nobody.
            StreamsEnd::NobodyReads => Ok(super::exit_code::SIGNAL + SIGPIPE),
            StreamsEnd::Broken(error) => Err(error.into()),
        }
    }

    /// A sentence once the sidecar has ended. It never ends by itself while an agent works.
    async fn sidecar_end(&self) -> String {
        let Some(proxy) = self.proxy else {
            return std::future::pending().await;
        };
        let how = match self.docker.wait_container(proxy).await {
            Ok(code) => format!("ended with exit code {code}"),
            Err(error) => format!("is out of sight: {error}"),
        };
        let words = seal::last_words(self.docker, proxy).await;
        format!("cred-proxy {how}; the agent's calls fail from now on{words}")
    }

    /// Tells the agent's terminal how large ours is. A container that was started this very
    /// moment may not have one yet, so it is told again.
    async fn resize(&self) {
        let Some((rows, columns)) = terminal::size().filter(|_| self.is_terminal) else {
            return;
        };
        for _attempt in 0..10 {
            let resized = self.docker.resize_terminal(self.agent, rows, columns).await;
            if resized.is_ok() {
                return;
            }
            tokio::time::sleep(super::limits::HEALTH_LOOK).await;
        }
    }
}

/// `SIGPIPE`.
const SIGPIPE: u8 = 13;

/// Passes standard input on until it ends. It is read by a thread: a terminal, a file and a
/// pipe differ in what an event loop can do with them, and a read can't be cut off.
fn feed(mut input: Input) -> impl Future<Output = ()> {
    let (sender, mut pieces) = mpsc::channel::<Bytes>(PIECES_WAITING);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
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
        // An agent that has ended reads no more.
        let _gone = input.end().await;
    }
}

/// Shows what the agent writes, to its end.
async fn show(mut output: Reader) -> StreamsEnd {
    let mut out = Sink::to(std::io::stdout());
    let mut err = Sink::to(std::io::stderr());
    loop {
        let shown = match output.next().await {
            Ok(Some(Output {
                stream: Stream::Output,
                octets,
            })) => out.write(octets).await,
            Ok(Some(Output {
                stream: Stream::Error,
                octets,
            })) => err.write(octets).await,
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
