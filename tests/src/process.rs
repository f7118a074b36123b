//! A child process that cannot hang a test: its streams are read to the end by
//! threads, its exit is waited for under the guard.

use std::io::Read;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// How long any single wait of a test may take. Far above what a loaded machine of two
/// cores needs, so whoever waits longer waits for ever; below the deadlines of the proxy
/// that would end such a wait for it.
pub const GUARD: Duration = Duration::from_secs(20);

/// What a process that has ended left behind.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// The exit code; fails if a signal ended it.
    pub fn code(&self) -> i32 {
        let code = self.status.code();
        code.unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }
}

/// The output of a process, kept as it comes.
pub struct Tap {
    shared: Arc<(Mutex<Tapped>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Tapped {
    octets: Vec<u8>,
    ended: bool,
}

impl Tap {
    /// Reads `stream` to its end in a thread.
    pub fn on(mut stream: impl Read + Send + 'static) -> Tap {
        let shared = Arc::new((Mutex::new(Tapped::default()), Condvar::new()));
        let writer = Arc::clone(&shared);
        let reader = thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let count = stream.read(&mut buffer).unwrap_or(0);
                let mut tapped = writer.0.lock().unwrap();
                tapped.octets.extend_from_slice(&buffer[..count]);
                tapped.ended |= count == 0;
                writer.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Tap {
            shared,
            reader: Some(reader),
        }
    }

    /// What has come so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shared.0.lock().unwrap().octets).into_owned()
    }

    /// The complete lines that have come so far.
    pub fn lines(&self) -> Vec<String> {
        complete_lines(&self.text())
    }

    /// Waits until `pick` finds something in the complete lines; `None` at the end of
    /// the stream.
    pub fn wait<T>(&self, wanted: &str, pick: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        self.wait_within(GUARD, wanted, pick)
    }

    /// The same, where more or less than [`GUARD`] is to be waited.
    pub fn wait_within<T>(
        &self,
        limit: Duration,
        wanted: &str,
        pick: impl Fn(&[String]) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut tapped = self.shared.0.lock().unwrap();
        loop {
            let text = String::from_utf8_lossy(&tapped.octets).into_owned();
            if let Some(found) = pick(&complete_lines(&text)) {
                return Some(found);
            }
            if tapped.ended {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {wanted} within {limit:?} in:\n{text}");
            tapped = self.shared.1.wait_timeout(tapped, left).unwrap().0;
        }
    }

    /// Waits for the end of the stream, and gives all of it.
    pub fn finish(&mut self) -> Vec<u8> {
        if let Some(reader) = self.reader.take() {
            reader
                .join()
                .expect("the reader of an output does not panic");
        }
        self.shared.0.lock().unwrap().octets.clone()
    }
}

fn complete_lines(text: &str) -> Vec<String> {
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    text[..end].lines().map(str::to_owned).collect()
}

/// The child's id as rustix has it.
pub fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Waits for the exit of `child`, or gives `None` after `limit`.
pub fn wait_for_exit(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    if let Some(status) = child.try_wait().expect("the child can be waited for") {
        return Some(status);
    }
    let descriptor = pidfd_open(pid_of(child), PidfdFlags::empty()).expect("pidfd_open");
    let timeout = Timespec::try_from(limit).expect("a limit that fits");
    let mut watched = [PollFd::new(&descriptor, PollFlags::IN)];
    match poll(&mut watched, Some(&timeout)).expect("poll") {
        0 => None,
        _ => Some(child.wait().expect("the child can be waited for")),
    }
}
