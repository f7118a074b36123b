//! A program that is fed, heard and ended in bounds.

use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::limits::{ERRAND_LINE_OCTETS, ERRAND_OCTETS, QUESTION_TIME};

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Its exit code; none where a signal ended it.
    pub(super) code: Option<i32>,
    /// What it wrote to its standard output.
    pub(super) output: String,
}

/// Feeds it `input` and hears each line of its error text as it comes, harmless to a terminal.
/// It has a process group of its own, and is ended with all that it started.
///
/// # Errors
///
/// It can't be started or read, or writes more than [`ERRAND_OCTETS`].
pub(super) fn run(
    command: &mut Command,
    input: &str,
    within: Duration,
    heard: &mut (dyn FnMut(&str) + Send),
) -> io::Result<Ended> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let end = move || group.map(|group| kill_process_group(group, Signal::KILL));
    let (done, is_done) = mpsc::channel::<()>();
    let mut octets = Vec::new();
    let (read, status, late) = thread::scope(|scope| {
        // It may end before it has read all: its exit code says what that means.
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(input.as_bytes())));
        let told = scope.spawn(|| stderr.map(|mut pipe| lines(&mut pipe, &mut *heard)));
        let watch = scope.spawn(move || {
            let late = is_done.recv_timeout(within) == Err(RecvTimeoutError::Timeout);
            late.then(end).is_some()
        });
        let read = stdout.map_or(Ok(()), |mut pipe| read_bounded(&mut pipe, &mut octets));
        if read.is_err() {
            end();
        }
        let status = child.wait();
        // Whoever holds its error text open is part of it.
        let _ = told.join();
        drop(done);
        (read, status, watch.join().unwrap_or(true))
    });
    read?;
    if late {
        heard(&format!(
            "it took more than {} s and was ended",
            within.as_secs()
        ));
    }
    let output = String::from_utf8_lossy(&octets).into_owned();
    Ok(Ended {
        code: status?.code(),
        output,
    })
}

fn read_bounded(input: &mut impl Read, octets: &mut Vec<u8>) -> io::Result<()> {
    let limit = u64::try_from(ERRAND_OCTETS).unwrap_or(u64::MAX);
    input.take(limit).read_to_end(octets)?;
    match input.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::other(format!(
            "it wrote more than {ERRAND_OCTETS} octets"
        ))),
    }
}

/// The answer of a program that is asked a question about what is on this machine.
///
/// # Errors
///
/// As [`answer`].
pub(super) fn ask(command: &mut Command, input: &str) -> io::Result<String> {
    answer(command, input, QUESTION_TIME)
}

/// The answer of a program that is asked a question.
///
/// # Errors
///
/// It gives none: with its last words.
pub(super) fn answer(command: &mut Command, input: &str, within: Duration) -> io::Result<String> {
    let mut last_words = String::new();
    let mut hear = |line: &str| line.clone_into(&mut last_words);
    let ended = run(command, input, within, &mut hear)?;
    match ended.code {
        Some(0) => Ok(ended.output),
        Some(_) | None => {
            let name = command.get_program().display();
            Err(io::Error::other(format!(
                "{name} gave no answer: {last_words}"
            )))
        }
    }
}

/// Tells each line. A carriage return ends one as well: it would be written over.
fn lines(input: &mut impl Read, heard: &mut (dyn FnMut(&str) + Send)) {
    let mut tell = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if !text.is_empty() {
            heard(&crate::visible::visible(text));
        }
        line.clear();
    };
    let (mut block, mut line) = ([0; 4096], Vec::new());
    while let Ok(count) = input.read(&mut block)
        && count > 0
    {
        for octet in &block[..count] {
            match octet {
                b'\n' | b'\r' => tell(&mut line),
                octet => line.push(*octet),
            }
            if line.len() == ERRAND_LINE_OCTETS {
                tell(&mut line);
            }
        }
    }
    tell(&mut line);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str, input: &str, within: Duration) -> (io::Result<Ended>, Vec<String>) {
        let mut heard = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut hear = |line: &str| heard.push(line.to_owned());
        let ended = run(&mut command, input, within, &mut hear);
        (ended, heard)
    }

    #[test]
    fn it_is_fed_and_read_at_once() {
        let input = "a line\n".repeat(100_000);
        let (ended, heard) = shell("tee /dev/stderr; exit 3", &input, LONG);
        let ended = ended.expect("it runs");
        assert_eq!(ended.code, Some(3));
        assert_eq!(ended.output, input);
        assert_eq!(heard, vec!["a line"; 100_000]);
    }

    #[test]
    fn it_need_not_read_what_it_is_fed() {
        let (ended, _) = shell("exec <&-; echo done", &"x".repeat(1 << 20), LONG);
        assert_eq!(ended.expect("it runs").output, "done\n");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let (ended, heard) = shell("sleep 600 & sleep 600", "", Duration::from_millis(300));
        assert_eq!(ended.expect("it ran").code, None);
        assert_eq!(heard, ["it took more than 0 s and was ended"]);
        // It has ended itself, and left somebody behind who holds its outputs.
        let (ended, heard) = shell("sleep 600 & echo x", "", Duration::from_millis(300));
        assert_eq!(ended.expect("it ran").output, "x\n");
        assert_eq!(heard, ["it took more than 0 s and was ended"]);
    }

    #[test]
    fn an_output_is_read_up_to_its_limit() {
        let read = |octets| {
            let output = io::repeat(b'x').take(octets);
            let mut read = Vec::new();
            read_bounded(&mut { output }, &mut read).map(|()| read.len())
        };
        let limit = ERRAND_OCTETS as u64;
        assert_eq!(read(limit).expect("as much as may be"), ERRAND_OCTETS);
        read(limit + 1).expect_err("one octet more");
    }

    #[test]
    fn what_writes_for_ever_is_ended() {
        let (ended, _) = shell("yes", "", LONG);
        let told = ended.expect_err("too long").to_string();
        assert_eq!(told, format!("it wrote more than {ERRAND_OCTETS} octets"));
    }

    #[test]
    fn a_line_is_harmless_and_bounded() {
        let (_, heard) = shell("printf '1%%\\r2%%   \\n\\n\\033[1mx' >&2", "", LONG);
        assert_eq!(heard, ["1%", "2%", "\\u{1b}[1mx"]);
        let (_, heard) = shell(
            &format!("printf '%{}s' x >&2", ERRAND_LINE_OCTETS + 1),
            "",
            LONG,
        );
        assert_eq!(heard, ["x"]);
        let (_, heard) = shell("head -c 4001 /dev/zero | tr '\\0' y >&2", "", LONG);
        assert_eq!(
            heard.iter().map(String::len).collect::<Vec<_>>(),
            [2000, 2000, 1]
        );
    }

    #[test]
    fn an_answer_is_one_of_success() {
        let mut asked = Command::new("sh");
        let told = ask(asked.args(["-c", "echo x; echo why >&2; exit 1"]), "").expect_err("none");
        assert_eq!(told.to_string(), "sh gave no answer: why");
        let told = ask(&mut Command::new("/no/such/program"), "").expect_err("none");
        assert_eq!(told.kind(), io::ErrorKind::NotFound);
    }
}
