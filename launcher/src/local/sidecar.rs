//! A program outside the agent's sandbox that serves it: a child of the launcher that dies with
//! it, holds the sockets on which it accepts, and has a log.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Pid;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::cgroup::Cgroup;
use super::log::{self, Log};
use super::wire::{self, Word};
use crate::bottle::LauncherId;

/// All that one is started with.
pub(super) struct Recipe<'a> {
    /// The name by which the agent knows it.
    pub name: &'static str,
    /// What fails without it.
    pub serves: &'static str,
    /// The launcher, as it holds a child to itself.
    pub tether: Command,
    /// Where its log goes.
    pub directory: &'a Path,
    /// What counts its memory; none: nothing does.
    pub group: Option<&'a Cgroup>,
}

/// One that runs.
pub(super) struct Sidecar {
    name: &'static str,
    serves: &'static str,
    directory: PathBuf,
    process: Option<u32>,
    child: Mutex<Child>,
    /// Ends once all that it wrote is in its log.
    log: Mutex<Option<JoinHandle<()>>>,
}

/// A command that becomes `program` and dies with this process. What follows are the words of
/// the program. It has no variables.
pub(super) fn tether(launcher: &Path, options: &[&str], program: &OsStr) -> Command {
    let mut command = Command::new(launcher);
    command
        .args(["tether", "--launcher", &std::process::id().to_string()])
        .args(options)
        .arg("--")
        .arg(program)
        .env_clear()
        .stdout(Stdio::null());
    command
}

impl Sidecar {
    /// Starts one on `sockets`.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub(super) fn start(recipe: Recipe<'_>, sockets: &[BorrowedFd<'_>]) -> io::Result<Self> {
        let (ours, theirs) = wire::pair()?;
        let mut command = recipe.tether;
        command
            .stdin(Stdio::from(theirs))
            .stderr(Stdio::piped())
            .current_dir("/")
            // A key of the terminal's is for the launcher, which ends things in their order.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let log = Log::create(recipe.directory, recipe.name)?;
        let written = child.stderr.take();
        let log = written.map(|written| tokio::spawn(keep(written, log)));
        // It waits for the word, and all that it starts is born in its group.
        let process = child.id().and_then(|number| i32::try_from(number).ok());
        if let (Some(group), Some(process)) = (recipe.group, process.and_then(Pid::from_raw)) {
            group.take(process)?;
        }
        wire::send(ours.as_fd(), &Word::Listening, sockets)?;
        Ok(Self {
            name: recipe.name,
            serves: recipe.serves,
            directory: recipe.directory.to_owned(),
            process: child.id(),
            child: Mutex::new(child),
            log: Mutex::new(log),
        })
    }

    /// Its process; none: it has ended.
    pub(super) fn id(&self) -> Option<LauncherId> {
        self.process.and_then(LauncherId::of_process)
    }

    /// The number of its process.
    pub(super) fn process(&self) -> Option<u32> {
        self.process
    }

    /// Its end, for whoever waits; it can be ended meanwhile.
    pub(super) async fn wait(&self) -> io::Result<ExitStatus> {
        self.child.lock().await.wait().await
    }

    /// A sentence once it has ended.
    pub(super) async fn end_told(&self) -> String {
        let how = match self.wait().await {
            Ok(status) => format!("ended ({status})"),
            Err(error) => format!("is out of sight: {error}"),
        };
        let (name, serves, words) = (self.name, self.serves, self.last_words());
        format!("{name} {how}; {serves} from now on{words}")
    }

    /// Waits until all that it wrote is in its log, if it is about to end.
    pub(super) async fn written(&self, within: Duration) {
        if let Some(log) = self.log.lock().await.take() {
            let _not_yet = tokio::time::timeout(within, log).await;
        }
    }

    /// What it wrote last, as it ends a sentence.
    pub(super) fn last_words(&self) -> String {
        log::last_words(&self.directory, self.name)
    }

    /// Ends it by force.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub(super) async fn kill(&self) -> io::Result<()> {
        self.child.lock().await.kill().await
    }
}

/// Keeps what it writes. A full disk costs lines, and never its time.
async fn keep(mut written: ChildStderr, mut log: Log) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = written.read(&mut piece).await {
        let _lost = log.write(piece.get(..length).unwrap_or_default());
    }
}
