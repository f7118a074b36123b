//! A real client program, run with nothing of this machine's environment but `PATH`:
//! a machine may export proxies, certificates and settings that change what it does.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use crate::process::{Finished, GUARD, Tap, pid_of, wait_for_exit};

/// How long a whole run of a client may take before it counts as hung.
const RUN_TIME: Duration = Duration::from_secs(90);

/// A program about to be run.
pub struct Program {
    name: String,
    command: Command,
}

/// A program that runs while the test speaks with it, line by line.
pub struct Running {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    stdout: Tap,
    stderr: Tap,
    lines_heard: usize,
}

impl Program {
    /// The program of that name or path, with `home` as its home and work directory.
    pub fn new(program: impl AsRef<OsStr>, home: &Path) -> Program {
        let name = program.as_ref().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.env_clear().env("HOME", home).current_dir(home);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        Program { name, command }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.command.arg(argument);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Program {
        self.command.args(arguments);
        self
    }

    /// One environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Program {
        self.command.env(name, value);
        self
    }

    /// The directory it works in, where that is not its home.
    #[must_use]
    pub fn within(mut self, directory: &Path) -> Program {
        self.command.current_dir(directory);
        self
    }

    /// Runs it to its end with an empty standard input.
    ///
    /// # Panics
    /// When it cannot be started or hangs.
    pub fn run(self) -> Finished {
        self.run_with(b"")
    }

    /// Runs it to its end with these octets as standard input.
    ///
    /// # Panics
    /// When it cannot be started or hangs.
    pub fn run_with(self, input: &[u8]) -> Finished {
        let mut running = self.start();
        let mut pipe = running.input.take().expect("a piped standard input");
        thread::scope(|scope| {
            scope.spawn(move || {
                let _not_wanted = pipe.write_all(input);
            });
            running.finish()
        })
    }

    /// Starts it, to be spoken with.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut self) -> Running {
        let command = &mut self.command;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let spawned = command.stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|why| panic!("{}: {why}", self.name));
        Running {
            name: self.name,
            input: child.stdin.take(),
            stdout: Tap::on(child.stdout.take().expect("a piped standard output")),
            stderr: Tap::on(child.stderr.take().expect("a piped standard error")),
            child,
            lines_heard: 0,
        }
    }
}

impl Running {
    /// The next line of its standard output.
    ///
    /// # Panics
    /// When it says none.
    pub fn line(&mut self) -> String {
        let index = self.lines_heard;
        self.lines_heard += 1;
        // Before the first line it loads itself: a Python SDK takes ten seconds for that on a
        // busy machine. What follows is the exchange's pace.
        let limit = if index == 0 { RUN_TIME } else { GUARD };
        let pick = |lines: &[String]| lines.get(index).cloned();
        let line = self.stdout.wait_within(limit, "line", pick);
        line.unwrap_or_else(|| panic!("{} ended: {}", self.name, self.stderr.text()))
    }

    /// Writes one line to its standard input.
    ///
    /// # Panics
    /// When it has stopped listening.
    pub fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an open standard input");
        let told = writeln!(input, "{line}").and_then(|()| input.flush());
        told.unwrap_or_else(|_| panic!("{} ended: {}", self.name, self.stderr.text()));
    }

    /// Its standard output so far.
    pub fn stdout(&self) -> &Tap {
        &self.stdout
    }

    /// Its standard error so far.
    pub fn stderr(&self) -> &Tap {
        &self.stderr
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it has been waited for.
    pub fn signal(&self, signal: Signal) {
        kill_process(pid_of(&self.child), signal).expect("the process is there");
    }

    /// Asks it to end, and waits until it has, or else ends it by force.
    pub fn stop(&mut self) {
        let _gone = kill_process(pid_of(&self.child), Signal::TERM);
        if wait_for_exit(&mut self.child, GUARD).is_none() {
            self.kill();
        }
    }

    /// Ends it by force, as a user would with the window.
    pub fn kill(&mut self) {
        let _gone = self.child.kill();
    }

    /// Closes its standard input and waits for its end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn finish(mut self) -> Finished {
        drop(self.input.take());
        self.end()
    }

    /// Waits for its end while its standard input stays open: what ends it is something else.
    ///
    /// # Panics
    /// When it hangs.
    pub fn end(mut self) -> Finished {
        let Some(status) = wait_for_exit(&mut self.child, RUN_TIME) else {
            let (said, complained) = (self.stdout.text(), self.stderr.text());
            panic!("{} hangs: {said}\n{complained}", self.name);
        };
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        Finished {
            status,
            stdout: text(self.stdout.finish()),
            stderr: text(self.stderr.finish()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = (self.child.kill(), self.child.wait());
    }
}
