//! The engine outside the sandbox: a child of the launcher that dies with it.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::log::Log;
use super::wire::{self, Word};
use crate::bottle::limits::LAST_WORDS_WITHIN;
use crate::plan::PROXY_HOST;

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
    process: Option<u32>,
    child: Mutex<Child>,
    /// Ends once all that the engine wrote is in its log.
    log: Option<JoinHandle<()>>,
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
        let written = child.stderr.take();
        let log = written.map(|written| tokio::spawn(keep(written, log)));
        wire::send(ours.as_fd(), &Word::Listening, sockets)?;
        Ok(Self {
            process: child.id(),
            child: Mutex::new(child),
            log,
        })
    }

    /// Its number.
    pub(super) fn process(&self) -> Option<u32> {
        self.process
    }

    /// Its end, for whoever waits; the engine itself can be ended meanwhile.
    pub(super) async fn wait(&self) -> io::Result<ExitStatus> {
        self.child.lock().await.wait().await
    }

    /// Waits until all that it wrote is in its log, if it is about to end.
    pub(super) async fn written(&mut self) {
        if let Some(log) = self.log.take() {
            let _not_yet = tokio::time::timeout(LAST_WORDS_WITHIN, log).await;
        }
    }

    /// Ends it.
    pub(super) async fn end(&self) -> io::Result<()> {
        self.child.lock().await.kill().await
    }
}

/// Keeps what the engine writes. A full disk costs lines, and never the engine's time.
async fn keep(mut written: ChildStderr, mut log: Log) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = written.read(&mut piece).await {
        let _lost = log.write(piece.get(..length).unwrap_or_default());
    }
}
