//! A local bottle from its first file to its last, in order.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::bubblewrap;
use super::cgroup::{Cgroup, Limits};
use super::client::Private;
use super::engine;
use super::gate::{self, Gate};
use super::place::{self, Place};
use super::running::{Recipe, Running};
use super::sidecar::Sidecar;
use super::streams::{self, Input, Output};
use super::wire::{Received, Word};
use crate::bottle::ending::{outcome, tell_left, unless_hurried};
use crate::bottle::limits::{LAST_WORDS_WITHIN, agent_memory_octets};
use crate::bottle::session::Session;
use crate::bottle::state::State;
use crate::bottle::{
    Failure, GateRequest, LauncherId, absent_mount_points, deploy_keys, guarded, remove_state,
    slug, survey,
};
use crate::manifest::WorkdirMode;
use crate::plan::{Gate as GatePlan, Plan};
use crate::progress::Progress;
use crate::signals::Signals;
use crate::terminal;

/// All that a local bottle is made from.
pub struct Request<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// A record `NAME=VALUE`, ended by NUL, for each slot of the plan.
    pub tokens: Zeroizing<Vec<u8>>,
    /// What the git gate is made from; none: there is none.
    pub gate: Option<GateRequest>,
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
pub fn usable(path: &OsStr) -> Result<(), String> {
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
        slug: slug.clone(),
        place: Place::of(&state, &slug, user, &request.launcher),
        request,
        bubblewrap,
        user,
        state,
        progress,
        signals,
        group: None,
        gate_group: None,
        sandbox: None,
        gate: None,
        engine: None,
    };
    let lived = start.live().await;
    terminal::restore();
    start.progress.step("removing the bottle");
    start.end().await;
    start.progress.done();
    outcome(lived, &start.state, &slug, start.progress)
}

/// A start under way.
struct Start<'a> {
    request: Request<'a>,
    slug: String,
    bubblewrap: PathBuf,
    place: Place,
    user: Option<(u32, u32)>,
    state: State,
    progress: &'a mut Progress,
    signals: &'a mut Signals,
    group: Option<Cgroup>,
    gate_group: Option<Cgroup>,
    sandbox: Option<Running>,
    gate: Option<Gate>,
    engine: Option<Sidecar>,
}

fn no_sandbox() -> Failure {
    Failure::NotStarted("there is no sandbox".to_owned())
}

/// Octets of memory that the agent may take of this machine's.
fn memory_octets() -> u64 {
    let machine = rustix::system::sysinfo();
    let unit = u64::from(machine.mem_unit);
    agent_memory_octets(machine.totalram.saturating_mul(unit))
}

/// A failure before the agent ran.
pub(super) fn not_started(what: &str) -> impl Fn(io::Error) -> Failure {
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
        self.make_groups();
        let gib = memory_octets() >> 30;
        let limits = match (&self.group, self.is_root()) {
            (Some(_), _) => format!("{gib} GiB of memory"),
            (None, false) => format!("{gib} GiB of memory a process"),
            // The kernel holds root to no number of them, capabilities or not.
            (None, true) => format!("{gib} GiB of memory a process, any number of processes"),
        };
        self.step(&format!("making the sandbox ({limits})"))?;
        let recipe = Recipe {
            request: &self.request,
            bubblewrap: &self.bubblewrap,
            place: &self.place,
            user: self.user,
            data_octets: self.group.is_none().then(memory_octets),
        };
        self.sandbox = Some(Running::start(&recipe)?);
        let mut sockets = self.hear(&Word::Listening).await?.descriptors.into_iter();
        let engines = (!plan.routes.is_empty()).then(|| sockets.next()).flatten();
        self.limit()?;
        if let (Some(gate), Some(socket)) = (&plan.gate, sockets.next()) {
            self.start_gate(gate, socket).await?;
        }
        if let Some(socket) = engines {
            self.step("starting cred-proxy")?;
            self.start_engine(&socket)?;
            drop(socket);
            let said = self.say(&Word::Accepted, &[]);
            // Where nobody is there to be told, what it said last is why.
            self.hear(&Word::Answered).await?;
            said?;
        }
        self.step("starting the agent")?;
        self.progress.done();
        let (input, output, size) = self.begin().await?;
        let Some(sandbox) = &mut self.sandbox else {
            return Err(no_sandbox());
        };
        let sidecars = self.gate.iter().map(|gate| &gate.sidecar);
        let session = Session {
            is_terminal: size.is_some(),
            agent: sandbox.agent(size, sidecars.chain(&self.engine).collect()),
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

    /// Makes the groups that count memory, where this user may.
    fn make_groups(&mut self) {
        let Some(agent) = Cgroup::of_host(&self.slug) else {
            return;
        };
        let gate = self.request.plan.gate.as_ref();
        let gate = gate.and_then(|_| Cgroup::of_host(&format!("{}-gate", self.slug)));
        let all = [Some(&agent), gate.as_ref()].into_iter().flatten();
        let paths: Vec<_> = all.map(|group| group.directory().to_owned()).collect();
        if self.state.note_groups(&paths).is_err() {
            return;
        }
        let limits = Limits::agent(memory_octets());
        self.group = Some(agent).filter(|group| group.make(limits).is_ok());
        self.gate_group = gate.filter(|group| group.make(Limits::gate()).is_ok());
    }

    /// Puts the process that becomes the agent into the group.
    fn limit(&self) -> Result<(), Failure> {
        let agent = self.sandbox.as_ref().and_then(Running::process);
        match (&self.group, agent) {
            (Some(group), Some(process)) => group
                .take_agent(process)
                .map_err(not_started("the agent's memory can't be limited")),
            (Some(_), None) => {
                let sentence = "it is not known which process the agent is";
                Err(Failure::NotStarted(sentence.to_owned()))
            }
            (None, _) => Ok(()),
        }
    }

    /// Whether the agent is root to the kernel.
    fn is_root(&self) -> bool {
        self.user.is_none() && rustix::process::geteuid().is_root()
    }

    fn say(&self, word: &Word, with: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        match &self.sandbox {
            Some(sandbox) => sandbox.say(word, with),
            None => Err(no_sandbox()),
        }
    }

    /// Waits for this word from inside, unless a signal asks for the end.
    async fn hear(&mut self, expected: &Word) -> Result<Received, Failure> {
        let Some(sandbox) = &mut self.sandbox else {
            return Err(no_sandbox());
        };
        let heard = self.signals.unless_ended(sandbox.hear(expected)).await?;
        match (heard, &mut self.engine) {
            (Err(Failure::NotStarted(sentence)), Some(engine)) => {
                engine.written(LAST_WORDS_WITHIN).await;
                let words = engine.last_words();
                Err(Failure::NotStarted(format!("{sentence}{words}")))
            }
            (heard, _) => heard,
        }
    }

    /// Starts the git gate, and waits until it has fetched all that it serves, unless a signal
    /// asks for the end.
    async fn start_gate(&mut self, gate: &GatePlan, socket: OwnedFd) -> Result<(), Failure> {
        let Some(mut made_from) = self.request.gate.take() else {
            let sentence = "nothing is known of the git gate's programs";
            return Err(Failure::NotStarted(sentence.to_owned()));
        };
        // The private keys of this host, and those that are made for it.
        let mut keys = std::mem::take(&mut made_from.identities);
        if gate.repositories.iter().any(|one| one.deploy_key.is_some()) {
            self.step("registering deploy keys")?;
            let made = deploy_keys::provision(&self.state, &self.slug, gate);
            keys.extend(self.signals.unless_ended(made).await??);
        }
        self.step("filling the git gate")?;
        let recipe = gate::Recipe {
            request: &self.request,
            plan: gate,
            made_from: &made_from,
            keys: &keys,
            bubblewrap: &self.bubblewrap,
            directory: self.state.directory(),
            group: self.gate_group.as_ref(),
        };
        let gate = self.gate.insert(Gate::start(&recipe, socket)?);
        let noted = gate.sidecar.id();
        let noted = noted.map_or(Ok(()), |id| self.state.note_gate(&id));
        noted.map_err(not_started("the git gate can't be noted"))?;
        self.signals.unless_ended(gate.ready()).await?
    }

    fn start_engine(&mut self, socket: &OwnedFd) -> Result<(), Failure> {
        let recipe = engine::Recipe {
            launcher: &self.request.launcher,
            program: &self.request.engine,
            routes: &self.place.routes,
            tokens: &self.request.tokens,
            way_out: &self.request.way_out,
        };
        let failed = not_started("cred-proxy can't be started");
        let engine = engine::start(&recipe, socket.as_fd(), self.state.directory());
        let engine = self.engine.insert(engine.map_err(&failed)?);
        let noted = engine.id();
        let noted = noted.map_or(Ok(()), |id| self.state.note_engine(&id));
        noted.map_err(failed)
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
    async fn end(&mut self) {
        let mut left = Vec::new();
        if let Some(mut sandbox) = self.sandbox.take() {
            left.extend(sandbox.end().await.err());
        }
        if let Some(gate) = self.gate.take() {
            left.extend(gate.end().await.err());
        }
        if let Some(engine) = self.engine.take() {
            let ended = engine.kill().await;
            left.extend(ended.err().map(|error| format!("cred-proxy: {error}")));
        }
        // Nobody has the deploy keys any more: they are revoked, and then the state goes.
        let removal = remove_state(&self.state);
        let removed = unless_hurried(removal, self.progress, self.signals).await;
        let directory = self.state.directory().display();
        left.extend(removed.unwrap_or_else(|| vec![format!("not removed: {directory}")]));
        tell_left(&left, &self.slug, self.progress);
    }
}
