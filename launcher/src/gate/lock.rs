//! One at a time: who changes a mirror's refs.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::limits::LOCK_LOOK;
use super::place::Place;

/// The lock of one mirror; dropped, it is free.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for it.
    ///
    /// # Errors
    ///
    /// The file system's, or that another held it all the time.
    pub(super) fn of(place: &Place, name: &str, within: Duration) -> io::Result<Lock> {
        let path = place.mirror(name).join("bottle-gate.lock");
        let mut options = File::options();
        let file = options.create(true).append(true).open(path)?;
        let latest = Instant::now() + within;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < latest => {
                    // The kernel has no wait with an end for it.
                    std::thread::sleep(LOCK_LOOK);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(io::ErrorKind::TimedOut.into()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
