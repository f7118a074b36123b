//! The scanner: gitleaks, told nothing but text.

use std::ffi::OsStr;
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::thread::JoinHandle;

use memchr::memmem;

use super::Failure;
use super::report::Report;
use crate::child::last_text;
use crate::gate::clean_room;
use crate::gate::limits::{SCANNER_MEMORY, SCANNER_WRITE_OCTETS};
use crate::gate::place::Place;

/// Its own rules, and none that anybody else wrote. Some of them look at files of one name
/// only, and what they are given here has none: they look at all, where what they look for is
/// so much of its own kind that nothing else is taken for it.
const RULES: &str = "\
[extend]
useDefault = true

[[rules]]
id = 'kubernetes-secret-yaml'
path = '.*'

[[rules]]
id = 'nuget-config-password'
path = '.*'

[[rules]]
id = 'freemius-secret-key'
path = '.*'
";

/// What it ends with when it has found something; with 1 it ends for other reasons too.
const FOUND: i32 = 42;

/// Comments that allow a secret are whoever's who wrote the secret; nothing is too large.
const ARGUMENTS: [&str; 16] = [
    "stdin",
    "--no-banner",
    "--no-color",
    "--log-level",
    "info",
    "--redact",
    "--ignore-gitleaks-allow",
    "--max-target-megabytes",
    "0",
    "--exit-code",
    "42",
    "--report-format",
    "json",
    "--report-path",
    "-",
    "--config",
];

/// One that runs.
pub(super) struct Scanner {
    program: String,
    child: Child,
    report: JoinHandle<io::Result<Report>>,
    complaint: JoinHandle<String>,
}

/// Where it is fed.
pub(super) type Input = BufWriter<ChildStdin>;

impl Scanner {
    /// Starts it, in a directory where nothing is.
    pub(super) fn start(place: &Place, words: &[String]) -> Result<(Scanner, Input), Failure> {
        let (program, arguments) = words.split_first().ok_or(Failure::NoScanner)?;
        let (directory, rules) = room(place).map_err(Failure::Room)?;
        let failed = |error: io::Error| Failure::Scanner(program.clone(), error.to_string());
        let mut child = clean_room::program(place, program)
            .args(arguments)
            .args(ARGUMENTS.map(OsStr::new))
            .arg(rules)
            .current_dir(directory)
            .env("GOMEMLIMIT", SCANNER_MEMORY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(mut stdout), Some(mut stderr)) = pipes else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let report = std::thread::spawn(move || {
            let report = Report::read(&mut stdout);
            // What is no report is read all the same, or its writer would wait.
            let _ = io::copy(&mut stdout.take(u64::MAX), &mut io::sink());
            report
        });
        let complaint = std::thread::spawn(move || last_text(&mut stderr));
        let scanner = Scanner {
            program: program.clone(),
            child,
            report,
            complaint,
        };
        Ok((
            scanner,
            BufWriter::with_capacity(SCANNER_WRITE_OCTETS, stdin),
        ))
    }

    /// The process.
    pub(super) const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// What it found in a feed of so many octets; `None`: it stopped reading before its end.
    /// Its input must be closed.
    pub(super) fn finish(mut self, fed: Option<u64>) -> Result<Report, Failure> {
        let status = self.child.wait();
        let complaint = self.complaint.join().unwrap_or_default();
        let program = self.program;
        let failed = |why: String| Failure::Scanner(program.clone(), why);
        let status = status.map_err(|error| failed(error.to_string()))?;
        let code = status.code();
        if code != Some(0) && code != Some(FOUND) {
            return Err(failed(with(&status.to_string(), &complaint)));
        }
        let Some(fed) = fed else {
            return Err(failed(with("it stopped reading", &complaint)));
        };
        match scanned(&complaint) {
            Some(octets) if octets == fed => {}
            Some(octets) => return Err(failed(format!("it read {octets} of {fed} octets"))),
            None => return Err(failed(with("it does not say what it read", &complaint))),
        }
        let report = self.report.join();
        let report = report.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        let report = report.map_err(|error| failed(format!("its report: {error}")))?;
        if report.is_empty() == (code == Some(FOUND)) {
            return Err(failed("its exit code and its report differ".to_owned()));
        }
        Ok(report)
    }
}

/// What was wrong, with the scanner's own words on it.
fn with(wrong: &str, complaint: &str) -> String {
    match complaint {
        "" => wrong.to_owned(),
        complaint => format!("{wrong}: {complaint}"),
    }
}

/// The octets that it says to have scanned: `scanned ~60901 bytes (60.90 KB) in 364ms`.
fn scanned(complaint: &str) -> Option<u64> {
    let at = memmem::rfind(complaint.as_bytes(), b"scanned ~")?;
    let (octets, _) = complaint[at..]
        .strip_prefix("scanned ~")?
        .split_once(" bytes ")?;
    octets.parse().ok()
}

/// A directory without anything, and the file of rules, which no repository can have brought.
/// Both are the same for all scans, so that there is nothing to remove.
fn room(place: &Place) -> io::Result<(PathBuf, PathBuf)> {
    let room = place.mirrors.join(".scan");
    let (directory, rules) = (room.join("empty"), room.join("rules.toml"));
    std::fs::create_dir_all(&directory)?;
    if std::fs::read(&rules).is_ok_and(|text| text == RULES.as_bytes()) {
        return Ok((directory, rules));
    }
    write_at_once(&room, &rules)?;
    Ok((directory, rules))
}

/// Another scan never sees a part of it.
fn write_at_once(room: &Path, rules: &Path) -> io::Result<()> {
    let new = room.join(format!("rules.{}", std::process::id()));
    let mut file = std::fs::File::create(&new)?;
    file.write_all(RULES.as_bytes())?;
    std::fs::rename(new, rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_octets_is_read_exactly() {
        let text = "1:02PM INF scanned ~60901 bytes (60.90 KB) in 364ms; 1:02PM INF no leaks found";
        assert_eq!(scanned(text), Some(60_901));
        assert_eq!(
            scanned("scanned ~1 bytes (x); scanned ~2 bytes (y)"),
            Some(2)
        );
        for text in [
            "",
            "scanned 7 bytes (x)",
            "scanned ~x bytes (x)",
            "scanned ~7",
        ] {
            assert_eq!(scanned(text), None, "{text}");
        }
    }

    #[test]
    fn its_room_is_made_once_and_its_rules_are_ours() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place {
            state: folder.path().join("state"),
            mirrors: folder.path().join("mirrors"),
        };
        for _ in 0..2 {
            let (directory, rules) = room(&place).expect("a room");
            assert_eq!(std::fs::read_dir(directory).expect("there").count(), 0);
            assert_eq!(std::fs::read_to_string(&rules).expect("there"), RULES);
            // Somebody else's are replaced.
            std::fs::write(rules, "[allowlist]").expect("written");
        }
    }
}
