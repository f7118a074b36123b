//! The engine outside the sandbox: a child of the launcher that dies with it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::wire::{self, Word};
use crate::bottle::limits::{LOG_LINES, LOG_OCTETS};
use crate::plan::PROXY_HOST;

/// What the engine wrote last.
pub(super) const LOG: &str = "cred-proxy.log";

/// What it wrote before that.
pub(super) const OLD_LOG: &str = "cred-proxy.log.1";

/// All that it is started with.
pub(super) struct Recipe<'a> {
    /// This program, which holds it.
    pub launcher: &'a Path,
    /// The engine.
    pub program: &'a Path,
    /// Its routes file.
    pub routes: &'a Path,
    /// A record `NAME=VALUE`, ended by NUL, for each token.
    pub tokens: &'a Zeroizing<Vec<u8>>,
    /// The host's variables that steer its way out.
    pub way_out: &'a [(String, OsString)],
}

/// An engine that runs.
pub(super) struct Engine {
    child: Rc<Mutex<Child>>,
}

impl Engine {
    /// Starts it on `sockets`; its log goes to `directory`.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub(super) fn start(
        recipe: &Recipe<'_>,
        sockets: &[BorrowedFd<'_>],
        directory: &Path,
    ) -> io::Result<Self> {
        let (ours, theirs) = wire::pair()?;
        let own = std::process::id().to_string();
        let mut command = Command::new(recipe.launcher);
        command
            .args(["tether", "--launcher", &own, "--"])
            .arg(recipe.program)
            .arg("--routes")
            .arg(recipe.routes)
            .args(["--allow-host", PROXY_HOST, "--log", "access"])
            .env_clear()
            .envs(recipe.way_out.iter().cloned())
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .current_dir("/")
            .kill_on_drop(true);
        for record in recipe.tokens.split(|octet| *octet == 0) {
            let text = std::str::from_utf8(record).map_err(io::Error::other)?;
            if let Some((name, value)) = text.split_once('=') {
                command.env(name, value);
            }
        }
        let mut child = command.spawn()?;
        let log = Log::create(directory)?;
        if let Some(written) = child.stderr.take() {
            tokio::spawn(keep(written, log));
        }
        wire::send(ours.as_fd(), &Word::Listening, sockets)?;
        Ok(Self {
            child: Rc::new(Mutex::new(child)),
        })
    }

    /// Its end, for whoever waits; the engine itself can be ended meanwhile.
    pub(super) async fn wait(&self) -> io::Result<ExitStatus> {
        self.child.lock().await.wait().await
    }

    /// Ends it.
    pub(super) async fn end(&self) -> io::Result<()> {
        self.child.lock().await.kill().await
    }
}

/// A log that keeps no more than twice [`LOG_OCTETS`].
struct Log {
    directory: PathBuf,
    file: File,
    length: usize,
}

impl Log {
    fn create(directory: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(directory.join(LOG))?,
            directory: directory.to_owned(),
            length: 0,
        })
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.length > LOG_OCTETS {
            let names = [LOG, OLD_LOG].map(|name| self.directory.join(name));
            std::fs::rename(&names[0], &names[1])?;
            self.file = File::create(&names[0])?;
            self.length = 0;
        }
        self.length += octets.len();
        self.file.write_all(octets)
    }
}

/// Keeps what the engine writes. A full disk costs lines, and never the engine's time.
async fn keep(mut written: ChildStderr, mut log: Log) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = written.read(&mut piece).await {
        let _lost = log.write(piece.get(..length).unwrap_or_default());
    }
}

/// The last lines of the log in `directory`, as they end a sentence.
pub(super) fn last_words(directory: &Path) -> String {
    let text = std::fs::read(directory.join(LOG)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len().saturating_sub(LOG_LINES);
    let last = lines.get(last..).unwrap_or_default();
    match last.is_empty() {
        true => String::new(),
        false => format!("; its last words:\n{}", last.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_its_end_is_kept() {
        let place = tempfile::tempdir().expect("a directory");
        let mut log = Log::create(place.path()).expect("a log");
        let line = format!("{}\n", "x".repeat(1023));
        for _ in 0..3 * LOG_OCTETS / line.len() {
            log.write(line.as_bytes()).expect("written");
        }
        log.write(b"the end\n").expect("written");
        let size = |name: &str| {
            let facts = std::fs::metadata(place.path().join(name)).expect("a file");
            usize::try_from(facts.len()).expect("its length")
        };
        assert!(size(LOG) <= LOG_OCTETS + line.len() && size(OLD_LOG) <= LOG_OCTETS + line.len());
        assert!(last_words(place.path()).ends_with("x\nthe end"));
    }

    #[test]
    fn an_engine_that_said_nothing_has_no_last_words() {
        let place = tempfile::tempdir().expect("a directory");
        assert_eq!(last_words(place.path()), "");
    }
}
