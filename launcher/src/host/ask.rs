//! One question on a terminal, answered without echo.

use core::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use rustix::fs::OFlags;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::limits::ASKED_OCTETS;
use crate::visible::visible;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum AskError {
    /// There is no terminal to ask on.
    NoTerminal,
    /// The person said Ctrl-C, or Ctrl-D.
    Cancelled,
    /// More than [`ASKED_OCTETS`].
    TooLong,
    /// The answer is no UTF-8.
    NotText,
    /// The terminal failed.
    Io(io::Error),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::NoTerminal => f.write_str(
                "is asked on the terminal, and there is none: start from a terminal, or write ${NAME} in the manifest",
            ),
            AskError::Cancelled => f.write_str("was asked for, and not given"),
            AskError::TooLong => write!(f, "is longer than {ASKED_OCTETS} octets"),
            AskError::NotText => f.write_str("is no UTF-8"),
            AskError::Io(error) => write!(f, "could not be asked for: {error}"),
        }
    }
}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> AskError {
        AskError::Io(error)
    }
}

/// The terminal of this process, whatever its standard streams are.
pub(super) fn terminal() -> Result<File, AskError> {
    let flags = OFlags::NOCTTY.bits().cast_signed();
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(flags)
        .open("/dev/tty");
    opened.map_err(|_none| AskError::NoTerminal)
}

/// A terminal that shows nothing of what is typed and makes no signal of it, until dropped:
/// a signal in between would leave it so.
struct Quiet<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Quiet<'t> {
    fn new(terminal: &'t File) -> io::Result<Quiet<'t>> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Quiet { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // A terminal that has gone needs no mending.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Writes `question: ` and reads a line.
pub(super) fn ask(terminal: &File, question: &str) -> Result<Zeroizing<String>, AskError> {
    let quiet = Quiet::new(terminal)?;
    let mut writer = terminal;
    write!(writer, "{}: ", visible(question))?;
    let answer = line(terminal);
    writer.write_all(b"\r\n")?;
    drop(quiet);
    // A copy that is no UTF-8 is wiped with the rest of the octets.
    let octets = answer?;
    match core::str::from_utf8(&octets) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_invalid) => Err(AskError::NotText),
    }
}

/// Octets up to the end of the line, with a terminal's usual ways to take some back.
fn line(mut terminal: &File) -> Result<Zeroizing<Vec<u8>>, AskError> {
    const CANCEL: [u8; 3] = [0x03, 0x04, 0x1c];
    const ERASE: [u8; 2] = [0x08, 0x7f];
    const KILL: u8 = 0x15;
    let mut octets = Zeroizing::new(Vec::with_capacity(ASKED_OCTETS));
    let mut octet = Zeroizing::new([0]);
    loop {
        match terminal.read(&mut *octet) {
            Ok(0) => return Err(AskError::Cancelled),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        match octet[0] {
            b'\r' | b'\n' => return Ok(octets),
            typed if CANCEL.contains(&typed) => return Err(AskError::Cancelled),
            typed if ERASE.contains(&typed) => erase_letter(&mut octets),
            KILL => octets.clear(),
            _ if octets.len() == ASKED_OCTETS => return Err(AskError::TooLong),
            typed => octets.push(typed),
        }
    }
}

/// Takes the last letter back, which may be several octets of UTF-8.
fn erase_letter(octets: &mut Vec<u8>) {
    while let Some(octet) = octets.pop() {
        if octet & 0b1100_0000 != 0b1000_0000 {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::thread;

    /// Both ends of a terminal: the person's, and the program's.
    fn pair() -> (File, File) {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).expect("granted");
        unlockpt(&person).expect("unlocked");
        let name = ptsname(&person, Vec::new()).expect("its name");
        let flags = OFlags::NOCTTY.bits().cast_signed();
        let program = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open(name.to_str().expect("ASCII"))
            .expect("its other end");
        (File::from(person), program)
    }

    /// Types once the question is there; what the person sees, and the answer.
    fn typed(octets: &[u8]) -> (String, Result<String, String>) {
        let (mut person, program) = pair();
        let before = tcgetattr(&program).expect("modes").local_modes;
        let asked = thread::spawn(move || {
            let answer = ask(&program, "pass\u{1b}word");
            let after = tcgetattr(&program).expect("modes").local_modes;
            (answer, after)
        });
        let mut seen = Vec::new();
        let mut block = [0; 256];
        while !seen.ends_with(b": ") {
            let count = person.read(&mut block).expect("the question");
            seen.extend_from_slice(&block[..count]);
        }
        person.write_all(octets).expect("typed");
        while !seen.ends_with(b"\n") {
            let count = person.read(&mut block).expect("the end of the line");
            seen.extend_from_slice(&block[..count]);
        }
        let (answer, after) = asked.join().expect("asked");
        assert_eq!(before, after, "the terminal is as it was");
        let answer = answer
            .map(|text| text.to_string())
            .map_err(|error| error.to_string());
        (String::from_utf8(seen).expect("UTF-8"), answer)
    }

    #[test]
    fn an_answer_is_read_and_not_shown() {
        for (octets, answer) in [
            (&b"123456\r"[..], "123456"),
            (b"\n", ""),
            ("a\u{e9}\u{7f}b\r".as_bytes(), "ab"),
            (b"wrong\x15right\r", "right"),
            (b"\x7fx\x08\x08y\r", "y"),
        ] {
            let (seen, read) = typed(octets);
            assert_eq!(read.as_deref(), Ok(answer), "{octets:?}");
            assert!(seen.starts_with("pass\\u{1b}word: "), "{seen:?}");
            assert_eq!(seen.trim_end(), "pass\\u{1b}word:", "{octets:?}");
        }
    }

    #[test]
    fn a_person_may_decline() {
        for octet in [0x03, 0x04, 0x1c] {
            let (_, read) = typed(&[b'x', octet]);
            assert_eq!(read, Err("was asked for, and not given".to_owned()));
        }
        let (_, read) = typed(b"\xff\r");
        assert_eq!(read, Err("is no UTF-8".to_owned()));
    }

    #[test]
    fn an_answer_is_read_up_to_its_limit() {
        let at_bound = [vec![b'x'; ASKED_OCTETS], vec![b'\r']].concat();
        let (_, read) = typed(&at_bound);
        assert_eq!(read.map(|text| text.len()), Ok(ASKED_OCTETS));
        let past_bound = vec![b'x'; ASKED_OCTETS + 1];
        let (_, read) = typed(&past_bound);
        assert_eq!(read, Err("is longer than 4096 octets".to_owned()));
    }
}
