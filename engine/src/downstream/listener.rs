//! Listening sockets, and the loop that accepts on one of them.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::limits::{ACCEPT_BACK_OFF_TIME, ACCEPT_BACKLOG};

/// One listening socket for each worker.
pub(crate) struct Listeners {
    sockets: Vec<StdListener>,
    address: SocketAddr,
}

impl Listeners {
    /// Opens `workers` sockets on one address with `SO_REUSEPORT`, so that the kernel
    /// spreads connections and no worker wakes another.
    pub(crate) fn open(address: SocketAddr, workers: usize) -> io::Result<Self> {
        let first = open_one(address)?;
        // Port 0 becomes a real one with the first; the others join it.
        let address = first.local_addr()?;
        let mut sockets = vec![first];
        for _ in 1..workers {
            sockets.push(open_one(address)?);
        }
        Ok(Listeners { sockets, address })
    }

    /// Takes sockets made elsewhere: one each where there are as many as workers, else
    /// the workers share clones.
    pub(crate) fn inherit(inherited: &[StdListener], workers: usize) -> io::Result<Self> {
        let Some(first) = inherited.first() else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "no listening socket was handed over",
            ));
        };
        let address = first.local_addr()?;
        let mut sockets = Vec::with_capacity(workers.max(inherited.len()));
        for index in 0..workers.max(inherited.len()) {
            let socket = &inherited[index % inherited.len()];
            socket.set_nonblocking(true)?;
            sockets.push(socket.try_clone()?);
        }
        Ok(Listeners { sockets, address })
    }

    /// Where the first socket listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The sockets, shared out: a worker may get more than one where more were handed
    /// over than there are workers.
    pub(crate) fn share_out(self, workers: usize) -> Vec<Vec<StdListener>> {
        let mut shares: Vec<Vec<StdListener>> = (0..workers).map(|_| Vec::new()).collect();
        for (index, socket) in self.sockets.into_iter().enumerate() {
            shares[index % workers].push(socket);
        }
        shares
    }
}

fn open_one(address: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(ACCEPT_BACKLOG)?;
    Ok(socket.into())
}

/// The right to hold one of the process's connections; given back when dropped.
pub(crate) type Admission = OwnedSemaphorePermit;

/// Accepts until `stop`, each connection with its admission. While the process is at its
/// limit, at most one accepted connection a listener waits here, the others in the
/// accept queue.
///
/// At the end the queue is emptied before the socket is closed, for the kernel resets what
/// is in it; requests may have been sent on it long ago. No faster than they are admitted:
/// taken out all at once they would hold the descriptors that their exchanges need.
pub(crate) async fn accept(
    listener: TcpListener,
    admissions: Arc<Semaphore>,
    stop: CancellationToken,
    report: impl Fn(&io::Error),
    mut serve: impl FnMut(TcpStream, Admission),
) {
    let mut waiting = None;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors or memory: they come back when a connection ends.
                // A client that is gone already is no reason to wait.
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    report(&error);
                    tokio::time::sleep(ACCEPT_BACK_OFF_TIME).await;
                }
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            report(&error); // Slower, not wrong.
        }
        let admission = tokio::select! {
            admission = Arc::clone(&admissions).acquire_owned() => admission,
            () = stop.cancelled() => {
                waiting = Some(stream);
                break;
            }
        };
        let Ok(admission) = admission else {
            return; // The semaphore is never closed; were it, nobody could be served.
        };
        serve(stream, admission);
    }
    let listener = match listener.into_std() {
        Ok(listener) => listener,
        Err(error) => return report(&error),
    };
    for _ in 0..ACCEPT_BACKLOG {
        let stream = match waiting
            .take()
            .map_or_else(|| next(&listener), |one| Ok(Some(one)))
        {
            Ok(Some(stream)) => stream,
            Ok(None) => return,
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                report(&error);
                if !is_exhaustion(&error) {
                    return;
                }
                tokio::time::sleep(ACCEPT_BACK_OFF_TIME).await;
                continue;
            }
        };
        let Ok(admission) = Arc::clone(&admissions).acquire_owned().await else {
            return;
        };
        serve(stream, admission);
    }
}

/// What is first in the accept queue; `None` if it is empty.
fn next(listener: &StdListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            TcpStream::from_std(stream).map(Some)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a connection that ends may help.
fn is_exhaustion(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    errno.is_some_and(|errno| exhausted.contains(&errno))
}
