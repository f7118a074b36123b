//! An end for programs that take too long, whatever they wait for.

use std::io;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// As long as it lives, the programs may. Dropped, they are ended too, which is nothing for
/// those that have ended: nobody of them is left behind by a failure of another.
pub(in crate::gate) struct Watch {
    has_lapsed: Arc<AtomicBool>,
    _end: Sender<()>,
}

impl Watch {
    /// Over these, for so long.
    pub(in crate::gate) fn over(children: &mut [&mut Child], time: Duration) -> io::Result<Watch> {
        let mut processes = Vec::new();
        for child in children {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            let pid = pid.ok_or(io::ErrorKind::NotFound)?;
            // A descriptor means this process for ever; its number may be another's soon.
            processes.push(pidfd_open(pid, PidfdFlags::empty())?);
        }
        let has_lapsed = Arc::new(AtomicBool::new(false));
        let (end, ended) = mpsc::channel::<()>();
        let lapsed = Arc::clone(&has_lapsed);
        std::thread::spawn(move || {
            if ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                lapsed.store(true, Ordering::Relaxed);
            }
            for process in processes {
                // It may have ended.
                let _ = pidfd_send_signal(process, Signal::KILL);
            }
        });
        Ok(Watch {
            has_lapsed,
            _end: end,
        })
    }

    /// Whether it was too long.
    pub(in crate::gate) fn has_lapsed(&self) -> bool {
        self.has_lapsed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_takes_too_long_is_ended() {
        let mut child = Command::new("sleep").arg("600").spawn().expect("sleep");
        let time = Duration::from_millis(1);
        let watch = Watch::over(&mut [&mut child], time).expect("a watch");
        assert_eq!(child.wait().expect("its end").signal(), Some(9));
        assert!(watch.has_lapsed());
    }

    #[test]
    fn nobody_outlives_it() {
        let mut child = Command::new("sleep").arg("600").spawn().expect("sleep");
        let time = Duration::from_secs(600);
        drop(Watch::over(&mut [&mut child], time).expect("a watch"));
        assert_eq!(child.wait().expect("its end").signal(), Some(9));
    }
}
