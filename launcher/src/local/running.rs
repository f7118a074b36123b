//! A sandbox that runs: bubblewrap with the helper in it, and what is said with that.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

use super::agent::SandboxedAgent;
use super::client::Client;
use super::life::{Request, not_started};
use super::mounts::System;
use super::place::Place;
use super::sandbox::{HOME, OWN, Sandbox};
use super::sidecar::Sidecar;
use super::streams::Control;
use super::wire::{self, Received, Word};
use super::{bubblewrap, filter, inside, reach, seal};
use crate::bottle::Failure;
use crate::bottle::limits::{AGENT_PROCESSES, SANDBOX_WORDS_OCTETS, TEARDOWN_WITHIN};
use crate::manifest::WorkdirMode;
use crate::plan::{GATE_PORT, PROXY_PORT, Plan};

/// A sandbox that runs.
pub(super) struct Running {
    bubblewrap: Child,
    /// What bubblewrap says; it ends when the sandbox does.
    words: Option<JoinHandle<String>>,
    /// None once the agent runs: its sandbox still has the other end, and nobody listens.
    control: Option<Control>,
    /// The process that becomes the agent.
    process: Option<(Pid, OwnedFd)>,
}

/// What it is started from.
pub(super) struct Recipe<'a> {
    /// All of the bottle.
    pub request: &'a Request<'a>,
    /// The program that makes it.
    pub bubblewrap: &'a Path,
    /// Its files.
    pub place: &'a Place,
    /// Who it runs as; none: as the launcher.
    pub user: Option<(u32, u32)>,
    /// Octets of data that each of its processes may have, where the kernel does not count the
    /// memory of all of them together.
    pub data_octets: Option<u64>,
}

impl Running {
    /// Starts bubblewrap.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn start(recipe: &Recipe<'_>) -> Result<Self, Failure> {
        let failed = not_started("the sandbox can't be started");
        let plan = recipe.request.plan;
        let client = recipe.client()?;
        let system = System::of_host();
        let inside = recipe.inside()?;
        let arguments = Sandbox {
            system: &system,
            runtime: &recipe.place.runtime,
            launcher: &recipe.place.launcher,
            workdir: &plan.workdir,
            client: &client,
            inside: &inside,
        }
        .arguments();
        let (ours, theirs) = wire::pair().map_err(&failed)?;
        let mut command = Command::new(recipe.bubblewrap);
        command
            .args(arguments)
            .env_clear()
            .envs(recipe.variables(&client))
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::from(filter().map_err(&failed)?))
            .stderr(Stdio::piped())
            .current_dir("/")
            // A key of the terminal's is for the launcher, which passes it on to the agent.
            .process_group(0)
            .kill_on_drop(true);
        if let Some((user, group)) = recipe.user {
            command.uid(user).gid(group);
        }
        let mut bubblewrap = command.spawn().map_err(&failed)?;
        let words = tokio::spawn(words_of(bubblewrap.stderr.take()));
        Ok(Self {
            bubblewrap,
            words: Some(words),
            control: Some(Control::of(ours).map_err(&failed)?),
            process: None,
        })
    }

    /// The process that becomes the agent, once it has said something.
    pub(super) fn process(&self) -> Option<Pid> {
        self.process.as_ref().map(|(process, _)| *process)
    }

    /// The agent, for a session.
    pub(super) fn agent<'a>(
        &'a mut self,
        terminal: Option<OwnedFd>,
        sidecars: Vec<&'a Sidecar>,
    ) -> SandboxedAgent<'a> {
        self.control = None;
        let process = self.process.as_ref();
        let process = process.map(|(process, pidfd)| (*process, pidfd));
        SandboxedAgent::of(&mut self.bubblewrap, process, terminal, sidecars)
    }

    /// Says a word to the inside.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) fn say(&self, word: &Word, with: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        let said = match &self.control {
            Some(control) => control.say(word, with),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        said.map_err(not_started("the sandbox is out of reach"))
    }

    /// Waits for this word from inside, and knows from then on who says it.
    ///
    /// # Errors
    ///
    /// A sentence: another word came, or none.
    pub(super) async fn hear(&mut self, expected: &Word) -> Result<Received, Failure> {
        let heard = match &self.control {
            Some(control) => control.hear().await,
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        let Some(received) = heard.map_err(not_started("the sandbox is out of reach"))? else {
            let words = match self.words.take() {
                Some(words) => words.await.unwrap_or_default(),
                None => String::new(),
            };
            let switches = bubblewrap::Switches::of_host();
            let sentence = bubblewrap::refusal(&words, &switches);
            return Err(Failure::NotStarted(sentence));
        };
        if let Word::Failed(sentence) = received.word {
            return Err(Failure::NotStarted(sentence));
        }
        if received.word != *expected {
            let sentence = format!("the sandbox says {}, not {expected}", received.word);
            return Err(Failure::NotStarted(sentence));
        }
        if let (None, Some(sender)) = (&self.process, received.sender) {
            let pidfd = pidfd_open(sender.pid, PidfdFlags::empty());
            let pidfd = pidfd.map_err(|error| not_started("the agent's process")(error.into()))?;
            self.process = Some((sender.pid, pidfd));
        }
        Ok(received)
    }

    /// Ends it, with all of its processes.
    ///
    /// # Errors
    ///
    /// A sentence.
    pub(super) async fn end(&mut self) -> Result<(), String> {
        let killed = self.bubblewrap.kill().await;
        // bubblewrap's words end with the last process that could say some.
        if let Some(words) = self.words.take() {
            let _gone = tokio::time::timeout(TEARDOWN_WITHIN, words).await;
        }
        killed.map_err(|error| format!("the sandbox: {error}"))
    }
}

impl Recipe<'_> {
    /// What the agent's program needs of the host.
    fn client(&self) -> Result<Client, Failure> {
        let (plan, private) = (self.request.plan, &self.request.private);
        let work = plan.workdir.host.as_deref();
        let work = work.filter(|_| plan.workdir.mode == WorkdirMode::Bind);
        let command = plan.command.first().map_or("", String::as_str);
        let client = Client::of(&[command], &self.request.path, work, private);
        let Some(user) = self.user else {
            return Ok(client);
        };
        for path in client.bound.iter().map(PathBuf::as_path).chain(work) {
            if let Some(barrier) = reach::barrier(path, user) {
                let (path, barrier, user) = (path.display(), barrier.display(), user.0);
                return Err(Failure::NotStarted(format!(
                    "the agent needs {path}, and runs as user {user}, who may not pass {barrier}; put it elsewhere, or start the bottle as a user whose own it is"
                )));
            }
        }
        Ok(client)
    }

    /// The words of the helper.
    fn inside(&self) -> Result<Vec<OsString>, Failure> {
        let plan = self.request.plan;
        let own = Path::new(OWN);
        let outside = seal::namespaces().map_err(Failure::NotStarted)?.join(",");
        let mut words: Vec<OsString> = vec![
            own.join("bottle").into(),
            "inside".into(),
            "--outside".into(),
            outside.into(),
            "--files".into(),
            own.join("files").into(),
            "--home".into(),
            HOME.into(),
            "--processes".into(),
            AGENT_PROCESSES.to_string().into(),
        ];
        if let Some(octets) = self.data_octets {
            words.extend(["--data-octets".into(), octets.to_string().into()]);
        }
        for port in ports(plan) {
            words.extend(["--port".into(), port.to_string().into()]);
        }
        words.push("--".into());
        words.extend(plan.command.iter().map(OsString::from));
        Ok(words)
    }

    /// The agent's variables: these and no other. Under names that mean nothing to bubblewrap and
    /// its loader, which run outside: a library in the work directory is the agent's own.
    fn variables(&self, client: &Client) -> Vec<(OsString, OsString)> {
        let terminal = self.request.terminal.as_ref();
        let terminal = terminal.map(|name| ("TERM".into(), name.into()));
        let own = self.request.variables.iter();
        let own = own.filter(|(name, _)| name != "HOME");
        // Later ones win: the manifest's stand above ours.
        [
            ("PATH".into(), client.search_path()),
            ("HOME".into(), HOME.into()),
        ]
        .into_iter()
        .chain(terminal)
        .chain(own.map(|(name, value)| (name.into(), value.into())))
        .map(|(name, value): (OsString, OsString)| (inside::sealed(&name), value))
        .collect()
    }
}

/// Where somebody listens for the agent, in the order in which the sockets come out.
pub(super) fn ports(plan: &Plan) -> impl Iterator<Item = u16> {
    let proxy = (!plan.routes.is_empty()).then_some(PROXY_PORT);
    proxy
        .into_iter()
        .chain(plan.gate.as_ref().map(|_| GATE_PORT))
}

/// The filter of system calls in a pipe, which holds all of it.
fn filter() -> io::Result<OwnedFd> {
    let program = filter::program().ok_or_else(|| {
        io::Error::other("the system calls of this kind of processor are not known")
    })?;
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    std::fs::File::from(write).write_all(&program)?;
    Ok(read)
}

/// The last of what bubblewrap says, to its end.
async fn words_of(stderr: Option<ChildStderr>) -> String {
    let mut kept = Vec::new();
    let mut piece = vec![0; SANDBOX_WORDS_OCTETS];
    if let Some(mut stderr) = stderr {
        while let Ok(length @ 1..) = stderr.read(&mut piece).await {
            kept.extend_from_slice(piece.get(..length).unwrap_or_default());
            let surplus = kept.len().saturating_sub(SANDBOX_WORDS_OCTETS);
            kept.drain(..surplus);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}
