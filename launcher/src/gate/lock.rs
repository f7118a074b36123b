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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_locked_for_one_and_another_mirror_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place {
            state: folder.path().to_owned(),
            mirrors: folder.path().to_owned(),
        };
        for name in ["app", "lib"] {
            std::fs::create_dir(place.mirror(name)).expect("a mirror");
        }
        let take = |name, within| Lock::of(&place, name, within).map_err(|error| error.kind());
        let first = take("app", Duration::ZERO).expect("it is free");
        let short = Duration::from_millis(50);
        assert_eq!(take("app", short).err(), Some(io::ErrorKind::TimedOut));
        take("lib", Duration::ZERO).expect("another's");
        std::thread::scope(|scope| {
            let second = scope.spawn(|| take("app", Duration::from_secs(60)).is_ok());
            drop(first);
            assert!(second.join().expect("no panic"), "who waits gets it");
        });
        take("none", short).map(drop).expect_err("no mirror");
    }
}
