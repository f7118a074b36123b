//! Another program, run without a shell, for at most so long, for what it writes.

use core::fmt;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use zeroize::Zeroizing;

use crate::bounded::read_at_most;
use crate::limits::COMMAND_ERROR_OCTETS;
use crate::visible::visible;

/// Why a program gave no answer. Its output is in no variant: it may be a token.
#[derive(Debug)]
pub(crate) enum ChildError {
    /// It did not begin.
    Start(io::Error),
    /// It took longer, and was ended.
    TimedOut(Duration),
    /// It wrote more than so many octets, and was ended.
    TooLong(usize),
    /// Its output could not be read, or its end not awaited.
    Io(io::Error),
    /// It failed; this is the end of its error text.
    Failed(ExitStatus, String),
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildError::Start(error) => write!(f, "could not be run: {error}"),
            ChildError::TimedOut(time) => {
                write!(f, "took more than {} s and was ended", time.as_secs())
            }
            ChildError::TooLong(limit) => write!(f, "wrote more than {limit} octets"),
            ChildError::Io(error) => write!(f, "could not be read: {error}"),
            ChildError::Failed(status, text) => {
                match (status.code(), status.signal()) {
                    (Some(code), _) => write!(f, "ended with {code}")?,
                    (None, signal) => write!(f, "was ended by signal {}", signal.unwrap_or(0))?,
                }
                match text.as_str() {
                    "" => f.write_str(" and no error text"),
                    text => write!(f, ": {text}"),
                }
            }
        }
    }
}

/// Whatever comes first: an output at its end, or the program at its own.
enum Event {
    Output(io::Result<Zeroizing<Vec<u8>>>),
    ErrorText(String),
    Ended(io::Result<ExitStatus>),
}

/// Whom the end of the time ends.
#[derive(Clone, Copy)]
enum Ends {
    /// The program and all that it started.
    Group,
    /// The program.
    Program,
}

/// What the program writes to its standard output, if it ends well and in time. Its standard
/// input is empty, and its process group its own, so that what it started is ended with it.
pub(crate) fn output(
    command: &mut Command,
    time: Duration,
    limit_octets: usize,
) -> Result<Zeroizing<Vec<u8>>, ChildError> {
    run(command.process_group(0), Ends::Group, time, limit_octets)
}

/// The same, but the program stays in this program's process group: who ends that group ends
/// the program too. What it started may outlive its time, as long as the group is not ended.
pub(crate) fn output_in_this_group(
    command: &mut Command,
    time: Duration,
    limit_octets: usize,
) -> Result<Zeroizing<Vec<u8>>, ChildError> {
    run(command, Ends::Program, time, limit_octets)
}

fn run(
    command: &mut Command,
    ends: Ends,
    time: Duration,
    limit_octets: usize,
) -> Result<Zeroizing<Vec<u8>>, ChildError> {
    let deadline = Instant::now() + time;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(ChildError::Start)?;
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (events, received) = mpsc::channel();
    watch(&mut child, limit_octets, &events);
    thread::spawn(move || events.send(Event::Ended(child.wait())));

    let (mut output, mut error_text, mut status) = (None, None, None);
    while output.is_none() || error_text.is_none() || status.is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        match received.recv_timeout(left) {
            Ok(Event::Output(Ok(octets))) if octets.len() > limit_octets => {
                end(id, ends);
                return Err(ChildError::TooLong(limit_octets));
            }
            Ok(Event::Output(octets)) => output = Some(octets),
            Ok(Event::ErrorText(text)) => error_text = Some(text),
            Ok(Event::Ended(ended)) => status = Some(ended),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                end(id, ends);
                return Err(ChildError::TimedOut(time));
            }
        }
    }
    let status = status
        .unwrap_or_else(|| Err(io::ErrorKind::NotFound.into()))
        .map_err(ChildError::Io)?;
    if !status.success() {
        let text = error_text.unwrap_or_default();
        return Err(ChildError::Failed(status, text));
    }
    output
        .unwrap_or_else(|| Ok(Zeroizing::new(Vec::new())))
        .map_err(ChildError::Io)
}

/// Both outputs are read at once: a program that fills one must not wait for the other.
fn watch(child: &mut Child, limit_octets: usize, events: &Sender<Event>) {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let sender = events.clone();
    thread::spawn(move || {
        let read = match stdout {
            Some(mut stdout) => read_at_most(&mut stdout, limit_octets),
            None => Ok(Zeroizing::new(Vec::new())),
        };
        sender.send(Event::Output(read))
    });
    let sender = events.clone();
    thread::spawn(move || {
        let text = stderr.map(|mut stderr| last_text(&mut stderr));
        sender.send(Event::ErrorText(text.unwrap_or_default()))
    });
}

/// Ends the program, or its whole group. Somebody of it is still there: the program, or who
/// holds its outputs open.
fn end(id: Option<Pid>, ends: Ends) {
    let Some(id) = id else { return };
    // It may be gone by now, which is what was wanted.
    let _ = match ends {
        Ends::Group => rustix::process::kill_process_group(id, Signal::KILL),
        Ends::Program => rustix::process::kill_process(id, Signal::KILL),
    };
}

/// The end of a text, on one line and harmless to a terminal.
pub(crate) fn last_text(input: &mut impl Read) -> String {
    let mut kept: Vec<u8> = Vec::new();
    let mut block = [0; 1024];
    while let Ok(count) = input.read(&mut block)
        && count > 0
    {
        kept.extend_from_slice(&block[..count]);
        let surplus = kept.len().saturating_sub(COMMAND_ERROR_OCTETS);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    let lines: Vec<String> = text
        .trim()
        .lines()
        .map(|line| visible(line.trim()))
        .collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str], time: Duration, limit: usize) -> Result<Vec<u8>, String> {
        let mut command = Command::new(words[0]);
        let octets = output(command.args(&words[1..]).current_dir("/"), time, limit);
        octets
            .map(|octets| octets.to_vec())
            .map_err(|error| error.to_string())
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_program_is_run_without_a_shell() {
        assert_eq!(
            run(&["printf", "%s", "$HOME;`x`"], LONG, 100),
            Ok(b"$HOME;`x`".to_vec())
        );
        assert_eq!(run(&["pwd"], LONG, 100), Ok(b"/\n".to_vec()));
    }

    #[test]
    fn output_is_read_up_to_its_limit() {
        assert_eq!(run(&["printf", "123"], LONG, 3), Ok(b"123".to_vec()));
        assert_eq!(
            run(&["printf", "1234"], LONG, 3),
            Err("wrote more than 3 octets".to_owned())
        );
        // It writes for ever, and is ended.
        assert_eq!(
            run(&["yes"], LONG, 3),
            Err("wrote more than 3 octets".to_owned())
        );
    }

    #[test]
    fn the_error_text_is_told_and_the_output_is_not() {
        let script = "echo s3cret; printf 'no\\033[1m login\\nrun x\\n' >&2; exit 4";
        assert_eq!(
            run(&["sh", "-c", script], LONG, 100),
            Err("ended with 4: no\\u{1b}[1m login; run x".to_owned())
        );
        assert_eq!(
            run(&["false"], LONG, 100),
            Err("ended with 1 and no error text".to_owned())
        );
        assert_eq!(
            run(&["sh", "-c", "kill -9 $$"], LONG, 100),
            Err("was ended by signal 9 and no error text".to_owned())
        );
        let start = run(&["/no/such/program"], LONG, 100).expect_err("none");
        assert!(start.starts_with("could not be run: "), "{start}");
        let long = format!("printf '%{}s' a >&2; exit 1", 2 * COMMAND_ERROR_OCTETS);
        let told = run(&["sh", "-c", &long], LONG, 100);
        assert_eq!(told, Err("ended with 1: a".to_owned()));
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let made = run(&["mkfifo", pipe.to_str().expect("UTF-8")], LONG, 10);
        assert_eq!(made, Ok(Vec::new()));
        // The grandchild holds the pipe's other end open as long as it lives.
        let script = format!("(exec 3>'{}'; sleep 600) & wait", pipe.display());
        let reader = thread::spawn(move || {
            let mut file = std::fs::File::open(pipe).expect("the pipe");
            read_at_most(&mut file, 10).map(|octets| octets.len())
        });
        assert_eq!(
            run(&["sh", "-c", &script], Duration::from_secs(1), 100),
            Err("took more than 1 s and was ended".to_owned())
        );
        let read = reader.join().expect("the reader");
        assert_eq!(read.expect("its end"), 0);
    }
}
