//! `bottle tether`: becomes a program that dies with the launcher, and holds its sockets.
//!
//! The program finds the sockets at the descriptors from 3 on, as `LISTEN_FDS` promises, or the
//! one that it has as its standard input: bubblewrap hands that one on. They come over a socket
//! that is standard input, so that no number has to be kept free.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::net::RecvFlags;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::descriptors;
use super::wire::{Word, hear};

/// The first descriptor of `LISTEN_FDS`.
const FIRST: i32 = 3;

/// Becomes `program`. Comes back with what stood in the way.
///
/// # Errors
///
/// A sentence.
pub fn run(launcher: u32, on_stdin: bool, program: &[OsString]) -> Result<Infallible, String> {
    become_program(launcher, on_stdin, program).map_err(|error| format!("could not start: {error}"))
}

fn become_program(launcher: u32, on_stdin: bool, program: &[OsString]) -> io::Result<Infallible> {
    descriptors::close_inherited()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // One that ended before this line sends no signal.
    if getppid().map(Pid::as_raw_pid) != i32::try_from(launcher).ok() {
        return Err(io::Error::other("the launcher is gone"));
    }
    let received = hear(io::stdin(), RecvFlags::empty())?;
    let sockets = received.descriptors;
    if received.word != Word::Listening {
        return Err(io::Error::other("no sockets were given"));
    }
    for (expected, socket) in (FIRST..).zip(&sockets) {
        if socket.as_raw_fd() != expected {
            let found = socket.as_raw_fd();
            return Err(io::Error::other(format!(
                "a socket is {found}, not {expected}"
            )));
        }
    }
    let (path, arguments) = program.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(path);
    command.args(arguments);
    // An exec keeps what has no close-on-exec mark: the sockets, until this returns.
    let _kept = match on_stdin {
        true => become_stdin(sockets).map(|()| Vec::new())?,
        false => {
            let nothing = std::fs::File::open("/dev/null")?;
            rustix::stdio::dup2_stdin(nothing.as_fd())?;
            let names = vec!["reverse"; sockets.len()];
            command
                .env("LISTEN_FDS", sockets.len().to_string())
                .env("LISTEN_PID", std::process::id().to_string())
                .env("LISTEN_FDNAMES", names.join(":"));
            sockets
        }
    };
    let error = command.exec();
    let path = Path::new(path).display();
    Err(io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// Puts the one socket in the place of standard input, and nowhere else.
fn become_stdin(sockets: Vec<OwnedFd>) -> io::Result<()> {
    match sockets.as_slice() {
        [socket] => Ok(rustix::stdio::dup2_stdin(socket)?),
        others => {
            let count = others.len();
            Err(io::Error::other(format!("{count} sockets, not one")))
        }
    }
}
