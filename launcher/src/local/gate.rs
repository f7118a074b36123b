//! The git gate outside the agent's sandbox, in one of its own: with this machine's network,
//! the private keys and the mirrors, and nothing else.

use std::fs::{self, DirBuilder};
use std::io::{self, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::cgroup::Cgroup;
use super::client::Client;
use super::gate_sandbox::GateSandbox;
use super::life::Request;
use super::mounts::System;
use super::sidecar::{self, Sidecar, tether};
use super::{etc, tree};
use crate::bottle::gate_files::{GateFile, files};
use crate::bottle::limits::{GATE_GRACE, LAST_WORDS_WITHIN, TEARDOWN_WITHIN};
use crate::bottle::sidecars::WITHOUT_GATE;
use crate::bottle::{Failure, GateRequest};
use crate::host::secret::Secret;
use crate::manifest::WorkdirMode;
use crate::plan::{GATE_HOST, Gate as GatePlan};
use crate::visible::visible;

/// What it says once its mirrors are filled and it serves.
const READY: &[u8] = b"ready\n";

/// All that it is started from.
pub(super) struct Recipe<'a> {
    /// All of the bottle.
    pub request: &'a Request<'a>,
    /// What it is to serve.
    pub plan: &'a GatePlan,
    /// Its programs.
    pub made_from: &'a GateRequest,
    /// The private keys, by the names of their repositories.
    pub keys: &'a [(String, Secret)],
    /// The program that makes its sandbox.
    pub bubblewrap: &'a Path,
    /// The bottle's state.
    pub directory: &'a Path,
    /// What counts its memory.
    pub group: Option<&'a Cgroup>,
}

/// A git gate that runs.
pub(super) struct Gate {
    /// Its sandbox.
    pub sidecar: Sidecar,
    said: UnixStream,
    /// It, once it has said something.
    process: Option<OwnedFd>,
    place: Place,
}

impl Gate {
    /// Writes its files and starts it on `socket`.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn start(recipe: &Recipe<'_>, socket: OwnedFd) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::NotStarted(format!("{GATE_HOST} can't be started: {error}"))
        };
        let program = fs::canonicalize(&recipe.made_from.program).map_err(|error| {
            let path = recipe.made_from.program.display();
            failed(io::Error::new(error.kind(), format!("{path}: {error}")))
        })?;
        let place = Place::of(recipe.directory);
        let etc = place.fill(recipe).map_err(failed)?;
        let client = recipe.client();
        let words = GateSandbox {
            system: &System::of_host(),
            program: &program,
            state: &place.state,
            mirrors: &place.mirrors,
            etc: &etc,
            client: &client,
        }
        .arguments();
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
        rustix::net::sockopt::set_socket_passcred(&ours, true)
            .map_err(|error| failed(error.into()))?;
        ours.set_nonblocking(true).map_err(failed)?;
        let launcher = &recipe.request.launcher;
        let mut command = tether(launcher, &["--on-stdin"], recipe.bubblewrap.as_os_str());
        command
            .args(words)
            .env("PATH", client.search_path())
            .stdout(Stdio::from(OwnedFd::from(theirs)));
        let sidecar = sidecar::Recipe {
            name: GATE_HOST,
            serves: WITHOUT_GATE,
            tether: command,
            directory: recipe.directory,
            group: recipe.group,
        };
        Ok(Self {
            sidecar: Sidecar::start(sidecar, &[socket.as_fd()]).map_err(failed)?,
            said: UnixStream::from_std(ours).map_err(failed)?,
            process: None,
            place,
        })
    }

    /// Waits until it serves.
    ///
    /// # Errors
    ///
    /// A sentence: why it does not, in its own words.
    pub(super) async fn ready(&mut self) -> Result<(), Failure> {
        let mut said = Vec::new();
        while said.len() < READY.len() {
            let read = || read(self.said.as_fd());
            let (octets, sender) = match self.said.async_io(Interest::READABLE, read).await {
                Ok(piece) => piece,
                Err(error) => return Err(self.not_ready(&error.to_string()).await),
            };
            if octets.is_empty() {
                return Err(self.not_ready("does not serve").await);
            }
            said.extend(octets);
            let process = sender.map(|sender| pidfd_open(sender, PidfdFlags::empty()));
            self.process = process.and_then(Result::ok).or(self.process.take());
        }
        match said == READY {
            true => Ok(()),
            false => {
                let said = visible(String::from_utf8_lossy(&said).trim());
                Err(self.not_ready(&format!("says {said}")).await)
            }
        }
    }

    async fn not_ready(&self, how: &str) -> Failure {
        self.sidecar.written(LAST_WORDS_WITHIN).await;
        let words = self.sidecar.last_words();
        Failure::NotStarted(format!("{GATE_HOST} {how}{words}"))
    }

    /// Ends it and all that it started: it is asked to, or else it has to. Its keys and mirrors
    /// go at once, whatever becomes of the bottle's state.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) async fn end(self) -> Result<(), String> {
        // bubblewrap is told of their end when the kernel has ended all of them.
        let first = self.sidecar.process().and_then(first_inside);
        let asked = match (&self.process, &first) {
            (Some(gate), _) => pidfd_send_signal(gate, Signal::TERM),
            (None, Some(first)) => pidfd_send_signal(first, Signal::KILL),
            (None, None) => Ok(()),
        };
        // One that has ended needs no signal.
        let _ended = asked;
        let mut ended = tokio::time::timeout(GATE_GRACE, self.sidecar.wait()).await;
        if let (Err(_late), Some(first)) = (&ended, &first) {
            let _ended = pidfd_send_signal(first, Signal::KILL);
            ended = tokio::time::timeout(TEARDOWN_WITHIN, self.sidecar.wait()).await;
        }
        let killed = match ended {
            Ok(ended) => ended.map(drop),
            Err(_late) => self.sidecar.kill().await,
        };
        self.sidecar.written(TEARDOWN_WITHIN).await;
        let removed = tree::remove(&self.place.root);
        let done = killed.and(removed);
        done.map_err(|error| format!("{GATE_HOST}: {error}"))
    }
}

impl Recipe<'_> {
    /// What its programs need of the host.
    fn client(&self) -> Client {
        let (plan, private) = (self.request.plan, &self.request.private);
        let work = plan.workdir.host.as_deref();
        let work = work.filter(|_| plan.workdir.mode == WorkdirMode::Bind);
        let scanner = self.made_from.scanner.to_string_lossy();
        Client::of(&["git", "ssh", &scanner], &self.request.path, work, private)
    }
}

/// Its directories, below the bottle's state: on a disk, and for nobody else.
struct Place {
    root: PathBuf,
    state: PathBuf,
    mirrors: PathBuf,
    etc: PathBuf,
}

impl Place {
    fn of(directory: &Path) -> Self {
        let root = directory.join(GATE_HOST);
        Self {
            state: root.join("state"),
            mirrors: root.join("mirrors"),
            etc: root.join("etc"),
            root,
        }
    }

    /// Makes them and what stands in them. Gives the files of its `/etc`.
    fn fill(&self, recipe: &Recipe<'_>) -> io::Result<Vec<PathBuf>> {
        let mut private = DirBuilder::new();
        private.mode(0o700);
        for directory in [&self.root, &self.state, &self.mirrors, &self.etc] {
            private.create(directory)?;
        }
        private.recursive(true);
        let scanner = recipe.made_from.scanner.to_str();
        let scanner = scanner.ok_or_else(|| io::Error::other("the scanner's path is no text"))?;
        for GateFile { path, content } in files(recipe.plan, scanner, recipe.keys)? {
            let path = self.state.join(path);
            private.create(path.parent().unwrap_or(&self.state))?;
            write(&path, &content)?;
        }
        let mut paths = Vec::new();
        for (name, content) in etc::gate_files()? {
            let path = self.etc.join(name);
            write(&path, &content)?;
            paths.push(path);
        }
        Ok(paths)
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)
}

/// Some octets, none at the end, and who wrote them.
fn read(socket: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Option<Pid>)> {
    let mut octets = [0; READY.len()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(&mut octets)];
    let message = rustix::net::recvmsg(socket, &mut slices, &mut ancillary, RecvFlags::empty())?;
    let sender = ancillary.drain().find_map(|part| {
        let RecvAncillaryMessage::ScmCredentials(who) = part else {
            return None;
        };
        Some(who.pid)
    });
    Ok((
        octets.get(..message.bytes).unwrap_or_default().to_vec(),
        sender,
    ))
}

/// The first process in a sandbox that `bubblewrap` has made: with it all others end.
fn first_inside(bubblewrap: u32) -> Option<OwnedFd> {
    let path = format!("/proc/{bubblewrap}/task/{bubblewrap}/children");
    let children = fs::read_to_string(path).ok()?;
    let first = children.split_whitespace().next()?.parse().ok()?;
    pidfd_open(Pid::from_raw(first)?, PidfdFlags::empty()).ok()
}
