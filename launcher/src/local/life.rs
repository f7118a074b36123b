//! A local bottle from its first file to its last, in order.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::agent::SandboxedAgent;
use super::client::{Client, Private};
use super::engine::{self, Engine};
use super::log;
use super::place::{self, Place};
use super::sandbox::{self, HOME, OWN, RootEntry, Sandbox};
use super::streams::{self, Control, Input, Output};
use super::wire::{self, Received, Word};
use super::{bubblewrap, reach, seal};
use crate::bottle::limits::{
    AGENT_PROCESSES, PROCESS_DATA_OCTETS, SANDBOX_WORDS_OCTETS, TEARDOWN_WITHIN,
};
use crate::bottle::session::Session;
use crate::bottle::state::State;
use crate::bottle::{Failure, LauncherId, absent_mount_points, guarded, slug, survey};
use crate::manifest::WorkdirMode;
use crate::plan::{PROXY_PORT, Plan};
use crate::progress::Progress;
use crate::signals::Signals;
use crate::terminal;

/// Where programs are on every Linux.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What of the root leads to programs and libraries.
const ROOT: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// All that a local bottle is made from.
#[derive(Debug)]
pub struct Request<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// A record `NAME=VALUE`, ended by NUL, for each slot of the plan.
    pub tokens: Zeroizing<Vec<u8>>,
    /// The agent's variables with their values.
    pub variables: Vec<(String, String)>,
    /// The engine.
    pub engine: PathBuf,
    /// This program.
    pub launcher: PathBuf,
    /// Where the state of all bottles is.
    pub state_root: PathBuf,
    /// The host's variables that steer the engine's way out.
    pub way_out: Vec<(String, OsString)>,
    /// The host's `TERM`, if a person sits there.
    pub terminal: Option<String>,
    /// The host's `PATH`.
    pub path: OsString,
    /// What an agent's program may not bring with it.
    pub private: Private,
}

/// Whether this machine has what a sandbox takes, found without making one.
///
/// # Errors
///
/// A sentence with the remedy.
pub fn usable(path: &std::ffi::OsStr) -> Result<(), String> {
    bubblewrap::find(path).map(drop)
}

/// Starts a bottle, lets its agent work, and removes everything again. Gives the agent's
/// exit code.
///
/// # Errors
///
/// Why it did not start or did not end by itself. Everything is removed then, too; what
/// could not be is told.
pub async fn run(
    request: Request<'_>,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let bubblewrap = bubblewrap::find(&request.path).map_err(Failure::NotStarted)?;
    let own = LauncherId::own().map_err(not_started("this process"))?;
    let left = survey(None, &request.state_root, &own).await?;
    if let Some(sentence) = left.of_local().sentence() {
        progress.tell(&sentence);
    }
    let slug = slug::make(&request.plan.agent).map_err(not_started("no name for a bottle"))?;
    let state = State::of(&request.state_root, &slug);
    let user = place::user(&request.plan.workdir);
    let mut start = Start {
        place: Place::of(&state, &slug, user, &request.launcher),
        request,
        bubblewrap,
        user,
        state,
        progress,
        signals,
        sandbox: None,
        engine: None,
    };
    let lived = start.live().await;
    terminal::restore();
    start.progress.step("removing the bottle");
    start.end(&slug).await;
    start.progress.done();
    lived
}

/// A sandbox that runs.
struct Running {
    bubblewrap: Child,
    /// What bubblewrap says; it ends when the sandbox does.
    words: JoinHandle<String>,
    control: Control,
    /// The process that becomes the agent.
    agent: Option<(Pid, OwnedFd)>,
}

/// A start under way.
struct Start<'a> {
    request: Request<'a>,
    bubblewrap: PathBuf,
    place: Place,
    user: Option<(u32, u32)>,
    state: State,
    progress: &'a mut Progress,
    signals: &'a mut Signals,
    sandbox: Option<Running>,
    engine: Option<Engine>,
}

fn not_started(what: &str) -> impl Fn(io::Error) -> Failure {
    let what = what.to_owned();
    move |error| Failure::NotStarted(format!("{what}: {error}"))
}

impl Start<'_> {
    fn step(&mut self, step: &str) -> Result<(), Failure> {
        if let Some(sent) = self.signals.asked_to_end() {
            return Err(sent.into());
        }
        self.progress.step(step);
        Ok(())
    }

    async fn live(&mut self) -> Result<u8, Failure> {
        let plan = self.request.plan;
        self.step("writing the bottle's files")?;
        self.files()?;
        if let (WorkdirMode::Copy, Some(host)) = (plan.workdir.mode, &plan.workdir.host) {
            self.step("copying the work directory")?;
            let (place, host) = (self.place.clone(), host.clone());
            let copied = tokio::task::spawn_blocking(move || place.copy(&host));
            let copied = copied.await.map_err(io::Error::other);
            let failed = not_started("the work directory can't be copied");
            for path in copied.and_then(|copied| copied).map_err(failed)? {
                let path = path.display();
                self.progress
                    .tell(&format!("not copied, for it is no file: {path}"));
            }
        }
        self.step("making the sandbox")?;
        self.make_sandbox()?;
        let sockets = self.hear(&Word::Listening).await?.descriptors;
        if !plan.routes.is_empty() {
            self.step("starting cred-proxy")?;
            self.start_engine(sockets)?;
            self.say(&Word::Accepted, &[])?;
            self.hear(&Word::Answered).await?;
        }
        self.step("starting the agent")?;
        self.progress.done();
        let (input, output, size) = self.begin().await?;
        let Some(sandbox) = &mut self.sandbox else {
            return Err(Failure::NotStarted("there is no sandbox".to_owned()));
        };
        let session = Session {
            is_terminal: size.is_some(),
            agent: SandboxedAgent::of(
                &mut sandbox.bubblewrap,
                sandbox.agent.as_ref().map(|(pid, pidfd)| (*pid, pidfd)),
                size,
                self.engine.as_ref(),
                self.state.directory(),
            ),
            input,
            output,
        };
        session.run(self.progress, self.signals).await
    }

    fn files(&mut self) -> Result<(), Failure> {
        let plan = self.request.plan;
        let points = absent_mount_points(&plan.workdir);
        let launcher = LauncherId::own().map_err(not_started("this process"))?;
        let guards = guarded(&plan.workdir);
        let made = self
            .state
            .create(&launcher)
            .and_then(|()| self.state.note_local(&plan.agent, &self.place.runtime))
            .and_then(|()| self.state.note_mounts(&guards, &points))
            .and_then(|()| points.iter().try_for_each(std::fs::create_dir))
            .and_then(|()| {
                let launcher = &self.request.launcher;
                self.place.fill(launcher, &plan.routes_json, &plan.files)
            });
        let directory = self.state.directory().display();
        made.map_err(not_started(&format!("could not keep state in {directory}")))
    }

    fn make_sandbox(&mut self) -> Result<(), Failure> {
        let failed = not_started("the sandbox can't be started");
        let plan = self.request.plan;
        let client = self.client()?;
        let (root, covered) = (root_of_host(), covered_of_host());
        let inside = self.inside()?;
        let arguments = Sandbox {
            root: &root,
            covered: &covered,
            runtime: &self.place.runtime,
            launcher: &self.place.launcher,
            workdir: &plan.workdir,
            client: &client,
            inside: &inside,
        }
        .arguments();
        let (ours, theirs) = wire::pair().map_err(&failed)?;
        let mut command = Command::new(&self.bubblewrap);
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables(&client))
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .current_dir("/")
            .kill_on_drop(true);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        let mut bubblewrap = command.spawn().map_err(&failed)?;
        let words = tokio::spawn(words_of(bubblewrap.stderr.take()));
        self.sandbox = Some(Running {
            bubblewrap,
            words,
            control: Control::of(ours).map_err(&failed)?,
            agent: None,
        });
        Ok(())
    }

    /// What the agent's program needs of the host.
    fn client(&self) -> Result<Client, Failure> {
        let (plan, private) = (self.request.plan, &self.request.private);
        let work = plan.workdir.host.as_deref();
        let work = work.filter(|_| plan.workdir.mode == WorkdirMode::Bind);
        let command = plan.command.first().map_or("", String::as_str);
        let client = Client::of(command, &self.request.path, work, private);
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
            "--data-octets".into(),
            PROCESS_DATA_OCTETS.to_string().into(),
        ];
        if !plan.routes.is_empty() {
            words.extend(["--port".into(), PROXY_PORT.to_string().into()]);
        }
        words.push("--".into());
        words.extend(plan.command.iter().map(OsString::from));
        Ok(words)
    }

    /// The agent's variables: these and no other.
    fn variables(&self, client: &Client) -> Vec<(OsString, OsString)> {
        let system = std::env::split_paths(SYSTEM_PATH);
        let directories = client.directories.iter().cloned().chain(system);
        let path = std::env::join_paths(directories);
        let path = path.unwrap_or_else(|_colon_in_a_name| SYSTEM_PATH.into());
        let terminal = self.request.terminal.as_ref();
        let terminal = terminal.map(|name| ("TERM".into(), name.into()));
        let own = self.request.variables.iter();
        let own = own.filter(|(name, _)| name != "HOME");
        // Later ones win: the manifest's stand above ours.
        [("PATH".into(), path), ("HOME".into(), HOME.into())]
            .into_iter()
            .chain(terminal)
            .chain(own.map(|(name, value)| (name.into(), value.into())))
            .collect()
    }

    fn say(&self, word: &Word, with: &[std::os::fd::BorrowedFd<'_>]) -> Result<(), Failure> {
        let Some(sandbox) = &self.sandbox else {
            return Err(Failure::NotStarted("there is no sandbox".to_owned()));
        };
        let said = sandbox.control.say(word, with);
        said.map_err(not_started("the sandbox is out of reach"))
    }

    /// Waits for this word from inside, and knows from then on who says it.
    async fn hear(&mut self, expected: &Word) -> Result<Received, Failure> {
        let Some(sandbox) = &mut self.sandbox else {
            return Err(Failure::NotStarted("there is no sandbox".to_owned()));
        };
        let heard = self.signals.unless_ended(sandbox.control.hear()).await?;
        let received = match heard.map_err(not_started("the sandbox is out of reach"))? {
            Some(received) => received,
            None => {
                let words = (&mut sandbox.words).await.unwrap_or_default();
                let switches = bubblewrap::Switches::of_host();
                let sentence = bubblewrap::refusal(&words, &switches);
                return Err(Failure::NotStarted(sentence));
            }
        };
        if let Word::Failed(sentence) = &received.word {
            let engine = self.engine.is_some();
            let words = match engine {
                true => log::last_words(self.state.directory()),
                false => String::new(),
            };
            return Err(Failure::NotStarted(format!("{sentence}{words}")));
        }
        if received.word != *expected {
            let sentence = format!("the sandbox says {}, not {expected}", received.word);
            return Err(Failure::NotStarted(sentence));
        }
        if let (None, Some(sender)) = (&sandbox.agent, received.sender) {
            let pidfd = pidfd_open(sender.pid, PidfdFlags::empty());
            let pidfd = pidfd.map_err(|error| not_started("the agent's process")(error.into()))?;
            sandbox.agent = Some((sender.pid, pidfd));
        }
        Ok(received)
    }

    fn start_engine(&mut self, sockets: Vec<OwnedFd>) -> Result<(), Failure> {
        let recipe = engine::Recipe {
            launcher: &self.request.launcher,
            program: &self.request.engine,
            routes: &self.place.routes,
            tokens: &self.request.tokens,
            way_out: &self.request.way_out,
        };
        let sockets: Vec<_> = sockets.iter().map(AsFd::as_fd).collect();
        let started = Engine::start(&recipe, &sockets, self.state.directory());
        self.engine = Some(started.map_err(not_started("cred-proxy can't be started"))?);
        Ok(())
    }

    /// Gives the agent its streams or its terminal, and lets it begin. The third is the
    /// terminal, for its size.
    async fn begin(&mut self) -> Result<(Input, Output, Option<OwnedFd>), Failure> {
        let failed = not_started("the agent's streams");
        if self.request.terminal.is_none() {
            let (input, output, theirs) = streams::pipes().map_err(&failed)?;
            let theirs: Vec<_> = theirs.iter().map(AsFd::as_fd).collect();
            self.say(&Word::RunOnStreams, &theirs)?;
            return Ok((input, output, None));
        }
        let (rows, columns) = terminal::size().unwrap_or((24, 80));
        self.say(&Word::RunOnTerminal { rows, columns }, &[])?;
        let mut ends = self.hear(&Word::Terminal).await?.descriptors;
        let outer = ends.pop();
        let outer = outer.ok_or_else(|| io::Error::other("the sandbox gave no terminal"));
        let (input, output, size) = outer.and_then(streams::terminal).map_err(&failed)?;
        Ok((input, output, Some(size)))
    }

    /// Removes everything, the last first. What could not be removed is told.
    async fn end(&mut self, slug: &str) {
        let mut left = Vec::new();
        if let Some(mut sandbox) = self.sandbox.take() {
            let killed = sandbox.bubblewrap.kill().await;
            left.extend(killed.err().map(|error| format!("the sandbox: {error}")));
            // bubblewrap's words end with the last process that could say some.
            let _gone = tokio::time::timeout(TEARDOWN_WITHIN, sandbox.words).await;
        }
        if let Some(engine) = self.engine.take() {
            let ended = engine.end().await;
            left.extend(ended.err().map(|error| format!("cred-proxy: {error}")));
        }
        let removed = self.state.remove();
        left.extend(removed.err().map(|error| {
            let directory = self.state.directory().display();
            format!("could not remove {directory}: {error}")
        }));
        if left.is_empty() {
            return;
        }
        for sentence in left {
            self.progress.tell(&sentence);
        }
        self.progress
            .tell(&format!("remove the rest with: bottle cleanup {slug}"));
    }
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

/// `/bin`, `/lib` and the like.
fn root_of_host() -> Vec<(PathBuf, RootEntry)> {
    let entry = |name: &&str| {
        let path = Path::new("/").join(name);
        match std::fs::read_link(&path) {
            Ok(target) => Some((path, RootEntry::Link(target))),
            Err(_no_link) => path.is_dir().then_some((path, RootEntry::Directory)),
        }
    };
    ROOT.iter().filter_map(entry).collect()
}

fn covered_of_host() -> Vec<PathBuf> {
    let mut covered = sandbox::covered();
    covered.retain(|path| path.exists());
    covered
}
