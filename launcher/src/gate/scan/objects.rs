//! What a push brings: every object that no ref of the mirror leads to.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Stdio};
use std::thread::JoinHandle;

use super::ledger::Kind;
use crate::child::last_text;
use crate::gate::clean_room;
use crate::gate::limits::{OBJECT_HEADER_OCTETS, OBJECT_READ_OCTETS};
use crate::gate::place::Place;

/// Two gits, one of which lists the objects for the other to read.
pub(super) struct NewObjects {
    list: Git,
    read: Git,
    output: BufReader<ChildStdout>,
}

/// One of them, with what it complains of.
struct Git {
    child: Child,
    complaint: JoinHandle<String>,
}

/// What is told of an object before its content.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) octets: u64,
}

impl NewObjects {
    /// Those that these ids lead to. Commits come before what they lead to, and parents first:
    /// behind a commit stands what it was first to bring.
    pub(super) fn of(place: &Place, name: &str, ids: &[&str]) -> io::Result<NewObjects> {
        let mut list = clean_room::quarantined(place, name)
            .args(["rev-list", "--objects", "--no-object-names"])
            .args(["--in-commit-order", "--topo-order", "--reverse"])
            .args(["--stdin", "--not", "--all"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let listed = list.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut read = clean_room::quarantined(place, name)
            .args(["cat-file", "--batch", "--buffer"])
            .stdin(listed)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = read.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut objects = NewObjects {
            list: Git::of(list)?,
            read: Git::of(read)?,
            output: BufReader::with_capacity(OBJECT_READ_OCTETS, output),
        };
        // It reads all of them before it writes any. That it ended before is found at its end.
        if let Some(mut input) = objects.list.child.stdin.take() {
            let _ = input.write_all((ids.join("\n") + "\n").as_bytes());
        }
        Ok(objects)
    }

    /// The processes.
    pub(super) const fn children(&mut self) -> [&mut Child; 2] {
        [&mut self.list.child, &mut self.read.child]
    }

    /// The next one; its content must be read then.
    pub(super) fn header(&mut self) -> io::Result<Option<Header>> {
        let mut line = Vec::with_capacity(96);
        let mut limited = (&mut self.output).take(OBJECT_HEADER_OCTETS as u64);
        limited.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let missing = || {
            let line = String::from_utf8_lossy(&line);
            io::Error::other(format!("git can't read an object: {}", line.trim_end()))
        };
        Header::parse(&line).map(Some).ok_or_else(missing)
    }

    /// A part of the content, of which so many octets are left.
    pub(super) fn content(&mut self, left: u64) -> io::Result<&[u8]> {
        let octets = self.output.fill_buf()?;
        let count = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(octets.len());
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(&octets[..count])
    }

    /// So many octets were taken in.
    pub(super) fn consume(&mut self, count: usize) {
        self.output.consume(count);
    }

    /// The line end behind the content.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let mut end = [0];
        self.output.read_exact(&mut end)?;
        if end == *b"\n" {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    /// Both have ended, and well: none was left out.
    pub(super) fn finish(self) -> io::Result<()> {
        drop(self.output);
        self.list.finish("rev-list")?;
        self.read.finish("cat-file")
    }
}

impl Git {
    fn of(mut child: Child) -> io::Result<Git> {
        let mut stderr = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let complaint = std::thread::spawn(move || last_text(&mut stderr));
        Ok(Git { child, complaint })
    }

    fn finish(mut self, name: &str) -> io::Result<()> {
        let status = self.child.wait()?;
        let complaint = self.complaint.join().unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "git {name}: {status}: {complaint}"
        )))
    }
}

impl Header {
    /// `<id> SP <kind> SP <octets> LF`. An object that is not there has another line.
    fn parse(line: &[u8]) -> Option<Header> {
        let line = str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let mut words = line.split(' ');
        let (id, kind, octets) = (words.next()?, words.next()?, words.next()?);
        let kind = match kind {
            "blob" => Kind::Blob,
            "tree" => Kind::Tree,
            "commit" => Kind::Commit,
            "tag" => Kind::Tag,
            _ => return None,
        };
        let header = Header {
            id: octets_of(id)?,
            kind,
            octets: octets.parse().ok()?,
        };
        words.next().is_none().then_some(header)
    }
}

/// An id's octets.
fn octets_of(id: &str) -> Option<Vec<u8>> {
    let digits = id.as_bytes();
    if !matches!(digits.len(), 40 | 64) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let octet = |at: usize| u8::from_str_radix(id.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_three_words() {
        for digits in [40, 64] {
            let line = format!("{} blob 12\n", "0f".repeat(digits / 2));
            let header = Header {
                id: vec![15; digits / 2],
                kind: Kind::Blob,
                octets: 12,
            };
            assert_eq!(Header::parse(line.as_bytes()), Some(header));
        }
        let id = "0f".repeat(20);
        for line in [
            format!("{id} missing\n"),
            format!("{id} blob 12"),
            format!("{id} blob 12 x\n"),
            format!("{id} blob -1\n"),
            format!("{id} file 12\n"),
            format!("{}g blob 12\n", &id[1..]),
            format!("{} blob 12\n", &id[2..]),
        ] {
            assert_eq!(Header::parse(line.as_bytes()), None, "{line}");
        }
    }
}
