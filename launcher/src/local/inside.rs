//! `bottle inside`: runs first in the sandbox, and becomes the agent's command.
//!
//! Is it sealed? Then the ports are bound, the listening sockets handed out, the agent's files
//! put into its home; at the launcher's word it takes the streams or a terminal, gives up what
//! is left, and is the agent from then on.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::net::RecvFlags;
use rustix::process::{Resource, Rlimit, getppid, getrlimit, prlimit, setrlimit, setsid};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::termios::{Winsize, tcsetwinsize};

use super::wire::{Received, Word, hear, send};
use super::{descriptors, seal};
use crate::bottle::limits::{ANSWER_WITHIN, DESCRIPTORS};

/// What a shell gives for a program that is not there.
const NOT_FOUND: u8 = 127;

/// What it gives for one that can't be run.
const NOT_RUNNABLE: u8 = 126;

/// Stands before the name of each of the agent's variables until the agent has them.
const SEAL: &str = "BOTTLE_AGENT_";

/// What bubblewrap says of where it has put this process.
const PLACE: &str = "PWD";

/// What the helper is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Where to listen on loopback.
    pub ports: Vec<u16>,
    /// The host's namespaces, none of which this process may be in.
    pub outside: Vec<String>,
    /// Where the agent's files are.
    pub files: PathBuf,
    /// Where they go.
    pub home: PathBuf,
    /// Processes that the agent may have.
    pub processes: u64,
    /// Octets of memory that a process may have for its data.
    pub data_octets: Option<u64>,
    /// What runs.
    pub command: Vec<OsString>,
}

/// Becomes the agent. Comes back with an exit code if that can't be.
pub fn run(orders: &Orders) -> u8 {
    match prepare(orders) {
        Ok(()) => become_agent(&orders.command),
        Err(sentence) => {
            // The launcher tells it; if it is gone, nobody has to be told.
            let _gone = send(io::stdin().as_fd(), &Word::Failed(sentence), &[]);
            NOT_RUNNABLE
        }
    }
}

fn prepare(orders: &Orders) -> Result<(), String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("{what}: {error}")
    };
    descriptors::close_inherited().map_err(failed("descriptors can't be closed"))?;
    seal::check(&orders.outside)?;
    let sockets = listen(&orders.ports)?;
    let ends: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
    let control = io::stdin();
    let lost = failed("the launcher is out of reach");
    send(control.as_fd(), &Word::Listening, &ends).map_err(&lost)?;
    // Who accepts is the one that has them.
    drop(sockets);
    put_files(&orders.files, &orders.home).map_err(failed("the agent's files can't be put"))?;
    limit(orders).map_err(failed("limits can't be set"))?;
    loop {
        let Received {
            word, descriptors, ..
        } = hear(&control, RecvFlags::CMSG_CLOEXEC).map_err(&lost)?;
        match word {
            Word::Accepted => {
                let port = orders.ports.first().copied().unwrap_or_default();
                ask(port).map_err(failed("cred-proxy does not answer"))?;
                send(control.as_fd(), &Word::Answered, &[]).map_err(&lost)?;
            }
            Word::RunOnStreams => return take_streams(&descriptors).map_err(failed("streams")),
            Word::RunOnTerminal { rows, columns } => {
                return take_terminal(rows, columns).map_err(failed("a terminal"));
            }
            Word::Listening | Word::Answered | Word::Terminal | Word::Failed(_) => {
                return Err(format!("{word} is not for this side"));
            }
        }
    }
}

fn listen(ports: &[u16]) -> Result<Vec<TcpListener>, String> {
    let listen = |port: &u16| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
        TcpListener::bind(address).map_err(|error| format!("{address} can't be had: {error}"))
    };
    ports.iter().map(listen).collect()
}

/// Asks the engine whether it is there. A connection waits in the socket's queue until it is.
fn ask(port: u16) -> io::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; 13];
    stream.read_exact(&mut status)?;
    match &status {
        b"HTTP/1.1 204 " => Ok(()),
        _ => Err(io::Error::other("it gave another answer than it should")),
    }
}

/// Copies the files that the launcher wrote for the agent into its home.
fn put_files(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            put_files(&entry.path(), &target)?;
        } else {
            fs::write(&target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Limits this process, and bubblewrap's above it: that one is of the agent's user and in its
/// namespaces, so that the agent may trace it, and have it start what it likes.
fn limit(orders: &Orders) -> io::Result<()> {
    let had = getrlimit(Resource::Nofile).maximum;
    let descriptors = had.map_or(DESCRIPTORS, |had| had.min(DESCRIPTORS));
    let limits = [
        (Resource::Core, Some(0)),
        (Resource::Nproc, Some(orders.processes)),
        (Resource::Nofile, Some(descriptors)),
        (Resource::Data, orders.data_octets),
    ];
    let above = getppid().ok_or_else(|| io::Error::other("no process is above this one"))?;
    for (resource, limit) in limits {
        if limit.is_some() {
            let most = || Rlimit {
                current: limit,
                maximum: limit,
            };
            prlimit(Some(above), resource, most())?;
            setrlimit(resource, most())?;
        }
    }
    Ok(())
}

/// The name that one of the agent's variables has until the agent runs.
pub(super) fn sealed(name: &OsStr) -> OsString {
    let mut sealed = OsString::from(SEAL);
    sealed.push(name);
    sealed
}

/// The name that the agent knows it by; none: it is no variable of the agent's.
fn unsealed(name: &OsStr) -> Option<&OsStr> {
    let own = name.as_bytes().strip_prefix(SEAL.as_bytes());
    own.map(OsStr::from_bytes)
        .or_else(|| (name == PLACE).then_some(name))
}

/// Takes the three streams in place of the control socket and bubblewrap's error pipe.
fn take_streams(streams: &[OwnedFd]) -> io::Result<()> {
    let [input, output, error] = streams else {
        return Err(io::Error::other("there are not three"));
    };
    own_session()?;
    dup2_stdin(input)?;
    dup2_stdout(output)?;
    Ok(dup2_stderr(error)?)
}

/// Makes a terminal of the sandbox's own, hands its outer end out and takes the inner one: the
/// launcher's terminal is never in the agent's hands.
fn take_terminal(rows: u16, columns: u16) -> io::Result<()> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let outer = openpt(flags)?;
    unlockpt(&outer)?;
    let inner = ioctl_tiocgptpeer(&outer, flags)?;
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&inner, size)?;
    send(io::stdin().as_fd(), &Word::Terminal, &[outer.as_fd()])?;
    own_session()?;
    rustix::process::ioctl_tiocsctty(&inner)?;
    dup2_stdin(&inner)?;
    dup2_stdout(&inner)?;
    Ok(dup2_stderr(&inner)?)
}

/// A session of its own, unless bubblewrap has made one already.
fn own_session() -> io::Result<()> {
    match setsid() {
        Ok(_) | Err(rustix::io::Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Gives way to the agent's command. An exec closes what is left; the standard library gives
/// signals back as they were.
fn become_agent(command: &[OsString]) -> u8 {
    let Some((program, arguments)) = command.split_first() else {
        return NOT_FOUND;
    };
    let all: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let own = all.iter();
    let own = own.filter_map(|(name, value)| Some((unsealed(name)?, value)));
    let error = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(own)
        .exec();
    let (sentence, code) = if error.kind() == io::ErrorKind::NotFound {
        let sentence = "there is no such program in the bottle";
        (sentence.to_owned(), NOT_FOUND)
    } else {
        (error.to_string(), NOT_RUNNABLE)
    };
    let program = program.to_string_lossy();
    let mut stderr = io::stderr().lock();
    // The exit code says it too.
    let _unread = writeln!(stderr, "bottle: {program}: {sentence}");
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_mean_nothing_until_the_agent_has_them() {
        for name in ["LD_PRELOAD", "PATH", "BOTTLE_AGENT_X"] {
            let sealed = sealed(OsStr::new(name));
            assert!(sealed.as_bytes().starts_with(b"BOTTLE_AGENT_"));
            assert_eq!(unsealed(&sealed), Some(OsStr::new(name)));
        }
        assert_eq!(unsealed(OsStr::new("PWD")), Some(OsStr::new("PWD")));
        assert_eq!(unsealed(OsStr::new("HOME")), None);
    }
}
