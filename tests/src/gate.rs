//! The real git gate, `bottle-gate serve`, with what it is told and where its mirrors are.

mod children;
mod files;

use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::binary::bottle_gate;
use crate::leak::Leaks;
use crate::process::{Finished, GUARD, Tap, pid_of, wait_for_exit};
use crate::upstream::listen;

pub use children::GateChild;
pub use files::{GateFiles, Opening};

/// How long a gate may take until it is ready: it asks its scanner and fills its mirrors.
const READY: Duration = Duration::from_secs(60);

/// How often a condition is looked at that nothing tells of.
const LOOK: Duration = Duration::from_millis(5);

/// A running gate. When it goes out of scope it is ended, and nothing that it said may hold a
/// private key or another thing that [`must_not_tell`](Gate::must_not_tell) names.
pub struct Gate {
    files: Option<GateFiles>,
    address: SocketAddr,
    child: Child,
    stdout: Tap,
    stderr: Tap,
    secrets: Mutex<Vec<String>>,
}

impl Gate {
    /// Starts it on a free port of loopback, and waits until it is ready.
    ///
    /// # Panics
    /// When it is not, with what it says.
    pub fn start(files: GateFiles) -> Gate {
        Gate::try_start(files).unwrap_or_else(|(_, finished)| panic!("no start: {finished:#?}"))
    }

    /// The same, where it may end before it is ready: then what it was told comes back, and
    /// what it left behind.
    ///
    /// # Errors
    /// It ended.
    ///
    /// # Panics
    /// When it is neither ready nor ended in time.
    pub fn try_start(files: GateFiles) -> Result<Gate, (GateFiles, Finished)> {
        files.write();
        let listener = listen();
        let address = listener.local_addr().expect("an address");
        let mut command = Command::new(bottle_gate());
        command.env_clear().envs(files.environment());
        command.current_dir(files.folder());
        command.args(["serve", "--listener", "stdin", "--state"]);
        command
            .arg(files.state())
            .arg("--mirrors")
            .arg(files.mirrors());
        command.stdin(OwnedFd::from(listener));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("bottle-gate");
        drop(command); // and its copy of the listener
        let secrets = files.private_lines();
        let mut gate = Gate {
            files: Some(files),
            address,
            stdout: Tap::on(child.stdout.take().expect("a piped standard output")),
            stderr: Tap::on(child.stderr.take().expect("a piped standard error")),
            child,
            secrets: Mutex::new(secrets),
        };
        let first = |lines: &[String]| lines.first().cloned();
        let line = gate.stdout.wait_within(READY, "line of the gate", first);
        match line.as_deref() {
            Some("ready") => Ok(gate),
            Some(line) => panic!("the gate says {line:?}: {}", gate.stderr.text()),
            None => {
                let finished = gate.finish();
                Err((gate.files.take().expect("its files"), finished))
            }
        }
    }

    /// What it was told.
    pub fn files(&self) -> &GateFiles {
        self.files.as_ref().expect("the files of a running gate")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection of a client of no particular kind.
    ///
    /// # Panics
    /// When it is refused.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("a connection to the gate");
        stream.set_read_timeout(Some(GUARD)).expect("SO_RCVTIMEO");
        stream
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.stderr.text()
    }

    /// Waits for a line of its log that has all these words.
    ///
    /// # Panics
    /// When there is none.
    pub fn wait_for_log(&self, words: &[&str]) {
        let has_all = |line: &String| words.iter().all(|word| line.contains(word));
        let found = |lines: &[String]| lines.iter().any(has_all).then_some(());
        let waited = self.stderr.wait(&format!("line with {words:?}"), found);
        assert!(waited.is_some(), "ended: {}", self.log());
    }

    /// Whatever else must not be in its log.
    pub fn must_not_tell(&self, secret: &str) {
        let mut secrets = self.secrets.lock().expect("a sound lock");
        secrets.push(secret.to_owned());
    }

    /// What runs on its behalf now: git, ssh, its hooks, the scanner.
    pub fn children(&self) -> Vec<GateChild> {
        GateChild::of(&self.files().state())
    }

    /// Waits until what runs on its behalf is as wanted, and gives how long that took.
    ///
    /// # Panics
    /// When it never is.
    #[track_caller]
    pub fn wait_for_children(
        &self,
        wanted: &str,
        is_wanted: impl Fn(&[GateChild]) -> bool,
    ) -> Duration {
        let begun = Instant::now();
        loop {
            let children = self.children();
            if is_wanted(&children) {
                return begun.elapsed();
            }
            let is_late = begun.elapsed() > GUARD;
            assert!(!is_late, "not {wanted}: {children:#?}\n{}", self.log());
            thread::sleep(LOOK);
        }
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, signal: Signal) {
        kill_process(pid_of(&self.child), signal).expect("the process is there");
    }

    /// Ends it as a service manager would, and gives what it was told, and what it left.
    ///
    /// # Panics
    /// When it does not end, or has told a secret.
    pub fn stop(mut self) -> (GateFiles, Finished) {
        self.signal(Signal::TERM);
        let finished = self.finish();
        self.assert_nothing_told();
        let files = self.files.take().expect("the files of a running gate");
        (files, finished)
    }

    fn finish(&mut self) -> Finished {
        let status = self.end();
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        Finished {
            status: status.unwrap_or_else(|| panic!("the gate does not end: {}", self.log())),
            stdout: text(self.stdout.finish()),
            stderr: text(self.stderr.finish()),
        }
    }

    fn end(&mut self) -> Option<ExitStatus> {
        wait_for_exit(&mut self.child, GUARD)
    }

    /// Fails if a secret is in anything that it has said so far.
    ///
    /// # Panics
    /// When one is.
    pub fn assert_nothing_told(&self) {
        let secrets = self.secrets.lock().expect("a sound lock").clone();
        let leaks = Leaks::of(&secrets);
        let texts = [("its output", self.stdout.text()), ("its log", self.log())];
        for (place, text) in texts {
            leaks.stream(place).feed(text.as_bytes());
        }
        leaks.assert_none();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if self.files.is_none() {
            return;
        }
        let _gone = kill_process(pid_of(&self.child), Signal::TERM);
        if self.end().is_none() {
            let _gone = (self.child.kill(), self.child.wait());
        }
        if thread::panicking() {
            eprintln!("the gate's log:\n{}", self.log());
        } else {
            self.assert_nothing_told();
        }
    }
}
