//! The streams of an agent in a sandbox: three pipes, or the outer end of its terminal.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use bytes::Bytes;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::pipe::{Receiver, Sender};

use crate::bottle::Failure;
use crate::bottle::limits::PIECE_OCTETS;
use crate::bottle::session::{AgentInput, AgentOutput, Piece};

/// What the agent reads: a pipe, or a terminal.
pub(super) struct Input(Sender);

/// What it writes.
pub(super) enum Output {
    /// Two pipes; one that has ended is none.
    Pipes {
        /// Standard output.
        output: Option<Receiver>,
        /// Standard error.
        error: Option<Receiver>,
    },
    /// A terminal.
    Terminal(Receiver),
}

/// Three pipes: our ends, and the agent's in the order of its descriptors.
///
/// # Errors
///
/// The kernel's.
pub(super) fn pipes() -> io::Result<(Input, Output, [OwnedFd; 3])> {
    let pipe = || pipe_with(PipeFlags::CLOEXEC);
    let (input_read, input_write) = pipe()?;
    let (output_read, output_write) = pipe()?;
    let (error_read, error_write) = pipe()?;
    let output = Output::Pipes {
        output: Some(receiver(output_read)?),
        error: Some(receiver(error_read)?),
    };
    let input = Input(Sender::from_owned_fd(nonblocking(input_write)?)?);
    Ok((input, output, [input_read, output_write, error_write]))
}

/// The outer end of a terminal: for both directions, and for its size.
///
/// # Errors
///
/// The kernel's.
pub(super) fn terminal(outer: OwnedFd) -> io::Result<(Input, Output, OwnedFd)> {
    let outer = nonblocking(outer)?;
    let (input, size) = (outer.try_clone()?, outer.try_clone()?);
    // A terminal's end is read and written as a pipe's is.
    let input = Sender::from_owned_fd_unchecked(input)?;
    let output = Receiver::from_owned_fd_unchecked(outer)?;
    Ok((Input(input), Output::Terminal(output), size))
}

fn receiver(end: OwnedFd) -> io::Result<Receiver> {
    Receiver::from_owned_fd(nonblocking(end)?)
}

fn nonblocking(end: OwnedFd) -> io::Result<OwnedFd> {
    rustix::io::ioctl_fionbio(&end, true)?;
    Ok(end)
}

impl AgentInput for Input {
    async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.0.write_all(octets).await
    }

    /// A pipe is closed with it. A terminal has no end: its user ends it by a key.
    async fn end(self) {}
}

impl AgentOutput for Output {
    async fn next(&mut self) -> Result<Option<Piece>, Failure> {
        let next = match self {
            Output::Pipes { output, error } => next_of_pipes(output, error).await,
            Output::Terminal(terminal) => next_of_terminal(terminal).await,
        };
        next.map_err(|error| Failure::WhileRunning(format!("the agent's output: {error}")))
    }
}

async fn next_of_pipes(
    output: &mut Option<Receiver>,
    error: &mut Option<Receiver>,
) -> io::Result<Option<Piece>> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    while output.is_some() || error.is_some() {
        tokio::select! {
            read = read(output, &mut out) => if read? {
                return Ok(Some(Piece::Output(Bytes::from(out))));
            } else {
                *output = None;
            },
            read = read(error, &mut err) => if read? {
                return Ok(Some(Piece::Error(Bytes::from(err))));
            } else {
                *error = None;
            },
        }
    }
    Ok(None)
}

/// Whether something came; never of a pipe that has ended.
async fn read(pipe: &mut Option<Receiver>, into: &mut Vec<u8>) -> io::Result<bool> {
    let Some(pipe) = pipe else {
        return std::future::pending().await;
    };
    into.reserve(PIECE_OCTETS);
    Ok(pipe.read_buf(into).await? > 0)
}

async fn next_of_terminal(terminal: &mut Receiver) -> io::Result<Option<Piece>> {
    let mut piece = Vec::with_capacity(PIECE_OCTETS);
    match terminal.read_buf(&mut piece).await {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(Piece::Output(Bytes::from(piece)))),
        // Nobody has the inner end any more.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::IO) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The launcher's side of the control socket.
pub(super) struct Control(UnixStream);

impl Control {
    /// Takes it over.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub(super) fn of(socket: OwnedFd) -> io::Result<Self> {
        rustix::net::sockopt::set_socket_passcred(&socket, true)?;
        let socket = std::os::unix::net::UnixStream::from(nonblocking(socket)?);
        Ok(Self(UnixStream::from_std(socket)?))
    }

    /// Says a word.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub(super) fn say(&self, word: &super::wire::Word, with: &[BorrowedFd<'_>]) -> io::Result<()> {
        super::wire::send(self.0.as_fd(), word, with)
    }

    /// Hears a word; none: the other end is closed.
    ///
    /// # Errors
    ///
    /// The kernel's, or that it is none of ours.
    pub(super) async fn hear(&self) -> io::Result<Option<super::wire::Received>> {
        let flags = rustix::net::RecvFlags::CMSG_CLOEXEC;
        let hear = || super::wire::receive(self.0.as_fd(), flags);
        self.0.async_io(Interest::READABLE, hear).await
    }
}
