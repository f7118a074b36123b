//! The socket that the gate accepts on: its own, or one that it was handed.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::AsFd as _;

use rustix::net::sockopt::socket_acceptconn;
use rustix::stdio::dup2_stdin;
use tokio::net::TcpListener;

/// Where to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// On a socket of its own.
    Address(SocketAddr),
    /// On standard input, which is a listening socket.
    Inherited,
}

/// Opens it, or takes it over. From then on clients are let in.
///
/// # Errors
///
/// A sentence: the address can't be had, or what was handed over is no listening socket.
pub(super) fn open(wanted: Wanted) -> Result<TcpListener, String> {
    let listener = match wanted {
        Wanted::Address(address) => StdListener::bind(address)
            .map_err(|error| format!("{address} can't be listened on: {error}"))?,
        Wanted::Inherited => inherited()
            .map_err(|error| format!("standard input is no listening socket: {error}"))?,
    };
    let usable = listener
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(listener));
    usable.map_err(|error| format!("the listening socket can't be used: {error}"))
}

/// Takes it off standard input, which no child of ours may get.
fn inherited() -> io::Result<StdListener> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    if !socket_acceptconn(&socket)? {
        return Err(io::ErrorKind::NotConnected.into());
    }
    dup2_stdin(File::open("/dev/null")?)?;
    Ok(StdListener::from(socket))
}
