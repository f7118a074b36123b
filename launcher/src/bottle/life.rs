//! A bottle from its first object to its last, in order.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::ending::{outcome, tell_left, unless_hurried};
use super::gate_image::gate_image;
use super::image::Program;
use super::label::{Labels, of_image};
use super::limits::agent_memory_octets;
use super::sidecars::Sidecar;
use super::state::State;
use super::undo::{Made, Undo};
use super::{
    Failure, GateRequest, LauncherId, Names, WayOut, agent, certificates, container_agent,
    deploy_keys, gate, orphans, proxy, seal, session, sidecars, slug,
};
use crate::docker::{Docker, ImageFacts, ImageSpec, Kind, NetworkSpec};
use crate::host::secret::Secret;
use crate::manifest::WorkdirMode;
use crate::plan::{GATE_HOST, PROXY_HOST, Plan};
use crate::progress::Progress;
use crate::signals::Signals;
use crate::terminal;

/// Programs that become images.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The engine.
    pub engine: PathBuf,
    /// This launcher, which has the probe in it.
    pub launcher: PathBuf,
}

/// All that a bottle is made from.
pub struct Request<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// A record `NAME=VALUE`, ended by NUL, for each slot of the plan.
    pub tokens: Zeroizing<Vec<u8>>,
    /// What the git gate is made from; none: there is none.
    pub gate: Option<GateRequest>,
    /// The agent's variables with their values.
    pub variables: Vec<(String, String)>,
    /// Programs.
    pub programs: Programs,
    /// Where the state of all bottles is.
    pub state_root: PathBuf,
    /// How the engine gets out.
    pub way_out: WayOut,
    /// The host's `TERM`, if a person sits there.
    pub terminal: Option<String>,
}

/// Starts a bottle, lets its agent work, and removes everything again. Gives the agent's
/// exit code.
///
/// # Errors
///
/// Why it did not start or did not end by itself. Everything is removed then, too; what
/// could not be is told.
pub async fn run(
    docker: &Docker,
    request: Request<'_>,
    progress: &mut Progress,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| Failure::NotStarted(error.to_string());
    let launcher = LauncherId::own().map_err(failed)?;
    let state_root = request.state_root.clone();
    if let Some(sentence) = orphans::survey(Some(docker), &state_root, &launcher)
        .await?
        .sentence()
    {
        progress.tell(&sentence);
    }
    let labels = Labels {
        slug: slug::make(&request.plan.agent).map_err(failed)?,
        agent: request.plan.agent.clone(),
        launcher,
    };
    let mut undo = Undo::of(labels.clone());
    let mut start = Start {
        docker,
        names: Names::of(&labels.slug),
        labels,
        progress,
        signals,
        undo: &mut undo,
    };
    let lived = start.live(request).await;
    let slug = start.labels.slug;
    terminal::restore();
    // Before anything is told: who had the terminal may have made it hide that.
    terminal::calm();
    progress.step("removing the bottle");
    let left = unless_hurried(undo.unwind(docker), progress, signals).await;
    let left = left.unwrap_or_else(|| vec![format!("not removed: {}", undo.names().join(", "))]);
    tell_left(&left, &slug, progress);
    progress.done();
    outcome(lived, &State::of(&state_root, &slug), &slug, progress)
}

/// A start under way.
struct Start<'a> {
    docker: &'a Docker,
    names: Names,
    labels: Labels,
    progress: &'a mut Progress,
    signals: &'a mut Signals,
    undo: &'a mut Undo,
}

impl Start<'_> {
    /// A step: it begins only if nobody has asked for the end. What is made in a step is made
    /// to its end, or an undo could overtake its making.
    fn step(&mut self, step: &str) -> Result<(), Failure> {
        if let Some(sent) = self.signals.asked_to_end() {
            return Err(sent.into());
        }
        self.progress.step(step);
        Ok(())
    }

    async fn live(&mut self, mut request: Request<'_>) -> Result<u8, Failure> {
        let plan = request.plan;
        for sentence in request.way_out.warnings() {
            self.progress.tell(&sentence);
        }
        let image = self.agent_image(plan).await?;
        let programs = &request.programs;
        let probe = self
            .program_image("bottle", &programs.launcher, Vec::new())
            .await?;
        let engine = match plan.routes.is_empty() {
            true => None,
            false => {
                let authorities = certificates::of_host();
                Some(
                    self.program_image(PROXY_HOST, &programs.engine, authorities)
                        .await?,
                )
            }
        };
        if let Some(gate) = &plan.gate {
            self.step("looking for the image of git-gate")?;
            gate_image(self.docker, &gate.image).await?;
        }
        let state = self.state(&request)?;
        let keys = self.gate_keys(&mut request, &state).await?;
        self.networks().await?;
        let engine = engine.as_deref();
        let who = self.sidecars(&request, &image, engine, &keys).await?;
        let sidecars = sidecars::of(plan, &self.names);
        self.filled_gate(&sidecars).await?;
        self.sealed_agent(&request, &who, &probe, &sidecars).await?;
        if plan.workdir.mode == WorkdirMode::Copy {
            self.step("copying the work directory")?;
            let copied = agent::copy_workdir(self.docker, &plan.workdir, &who, &self.names);
            for path in self.signals.unless_ended(copied).await?? {
                // A name with a line break in it would begin a sentence of ours.
                let path = crate::visible::visible(&path.display().to_string());
                self.progress
                    .tell(&format!("not copied, for it is no file: {path}"));
            }
        }
        self.step("starting the agent")?;
        self.progress.done();
        let (docker, agent) = (self.docker, self.names.agent.as_str());
        let is_terminal = request.terminal.is_some();
        let attached = docker.attach(agent, true, is_terminal).await?;
        docker.start_container(agent).await?;
        let session = session::Session {
            agent: container_agent::ContainerAgent {
                docker,
                agent,
                sidecars: &sidecars,
            },
            input: attached.input,
            output: attached.output,
            is_terminal,
        };
        session.run(self.progress, self.signals).await
    }

    /// The agent's image: as it is here, or made by its Dockerfile.
    async fn agent_image(&mut self, plan: &Plan) -> Result<ImageFacts, Failure> {
        let name = &plan.image.name;
        self.step("looking for the agent's image")?;
        if let Some(facts) = self.docker.image(name).await? {
            return Ok(facts);
        }
        let Some(dockerfile) = plan.image.dockerfile else {
            return Err(Failure::NotStarted(format!(
                "the image {name} is not here, and a start fetches none: get it with `docker pull {name}`, or name another as `image`"
            )));
        };
        let mut context = super::archive::Archive::of((0, 0));
        let path = std::path::Path::new("Dockerfile");
        let context = context
            .file(path, 0o644, dockerfile.as_bytes())
            .and_then(|()| context.finish())
            .map_err(|error| Failure::NotStarted(format!("the image {name}: {error}")))?;
        self.build(ImageSpec {
            tag: name.clone(),
            labels: of_image(name.rsplit(':').next().unwrap_or_default()),
            context,
        })
        .await?;
        let facts = self.docker.image(name).await?;
        facts.ok_or_else(|| Failure::NotStarted(format!("the image {name} was built and is gone")))
    }

    /// The image of a static program; built only if one of the same content is not here.
    async fn program_image(
        &mut self,
        name: &'static str,
        path: &std::path::Path,
        certificates: Vec<u8>,
    ) -> Result<String, Failure> {
        self.step(&format!("looking for the image of {name}"))?;
        let program = Program::read(path, name, certificates)
            .map_err(|error| Failure::NotStarted(error.to_string()))?;
        if self.docker.image(&program.tag()).await?.is_none() {
            let image = program.image();
            let image = image.map_err(|error| Failure::NotStarted(error.to_string()))?;
            self.build(image).await?;
        }
        Ok(program.tag())
    }

    async fn build(&mut self, image: ImageSpec) -> Result<(), Failure> {
        self.step(&format!("building the image {}", image.tag))?;
        let mut line = |line: &str| self.progress.detail(line);
        let built = self.docker.build_image(image, &mut line);
        // An image that is half built leaves nothing but layers in the engine's cache.
        Ok(self.signals.unless_ended(built).await??)
    }

    fn state(&mut self, request: &Request<'_>) -> Result<State, Failure> {
        let state = State::of(&request.state_root, &self.labels.slug);
        self.undo.note(Made::State(state.clone()));
        let workdir = &request.plan.workdir;
        let points = agent::absent_mount_points(workdir);
        let guards = agent::guarded(workdir);
        let made = state
            .create(&self.labels.launcher)
            .and_then(|()| state.note_mounts(&guards, &points))
            .and_then(|()| points.iter().try_for_each(std::fs::create_dir));
        made.map_err(|error| {
            let directory = state.directory().display();
            Failure::NotStarted(format!("could not keep state in {directory}: {error}"))
        })?;
        Ok(state)
    }

    /// The private keys of the git gate: those of the host, and those that are made for it,
    /// unless a signal asks for the end: the undo has the same state.
    async fn gate_keys(
        &mut self,
        request: &mut Request<'_>,
        state: &State,
    ) -> Result<Vec<(String, Secret)>, Failure> {
        let (Some(gate), Some(made_from)) = (&request.plan.gate, &mut request.gate) else {
            return Ok(Vec::new());
        };
        let mut keys = std::mem::take(&mut made_from.identities);
        if gate.repositories.iter().any(|one| one.deploy_key.is_some()) {
            self.step("registering deploy keys")?;
            let made = deploy_keys::provision(state, &self.labels.slug, gate);
            keys.extend(self.signals.unless_ended(made).await??);
        }
        Ok(keys)
    }

    /// Notes a container that is about to be made.
    fn note(&mut self, container: &str) {
        let made = Made::Object(Kind::Container, container.to_owned());
        self.undo.note(made);
    }

    async fn networks(&mut self) -> Result<(), Failure> {
        self.step("creating two networks")?;
        let spec = |name: &str, role: &str, sealed| NetworkSpec {
            name: name.to_owned(),
            labels: self.labels.of(role),
            sealed,
        };
        let internal = spec(&self.names.internal, "internal", true);
        let egress = spec(&self.names.egress, "egress", false);
        for network in [&internal, &egress] {
            let made = Made::Object(Kind::Network, network.name.clone());
            self.undo.note(made);
        }
        let make = |network| self.docker.create_network(network);
        let (internal, egress) = tokio::join!(make(&internal), make(&egress));
        internal?;
        Ok(egress?)
    }

    /// Starts the sidecars, and finds out meanwhile who the agent is.
    async fn sidecars(
        &mut self,
        request: &Request<'_>,
        image: &ImageFacts,
        engine: Option<&str>,
        keys: &[(String, Secret)],
    ) -> Result<agent::Identity, Failure> {
        self.step("starting the sidecars")?;
        let Names {
            look, proxy, gate, ..
        } = self.names.clone();
        for container in [look, proxy, gate] {
            self.note(&container);
        }
        let (docker, names, labels) = (self.docker, &self.names, &self.labels);
        let proxy = async {
            let Some(image) = engine else {
                return Ok(());
            };
            let spec = proxy::spec(names, labels, image, &request.way_out);
            let routes = &request.plan.routes_json;
            let (way_out, tokens) = (&request.way_out, &request.tokens);
            proxy::start(docker, &spec, names, routes, way_out, tokens).await
        };
        let gate = async {
            match (&request.plan.gate, &request.gate) {
                (Some(gate), Some(made_from)) => {
                    gate::start(docker, names, labels, gate, made_from, keys).await
                }
                (_, _) => Ok(()),
            }
        };
        let who = agent::identify(docker, request.plan, image, names, labels);
        // All to their ends: what is given up half-way may still come to be.
        let (gate, proxy, who) = tokio::join!(gate, proxy, who);
        gate?;
        proxy?;
        who
    }

    /// Waits for the git gate, which fetches all that it serves before it does.
    async fn filled_gate(&mut self, sidecars: &[Sidecar]) -> Result<(), Failure> {
        let Some(gate) = sidecars.iter().find(|sidecar| sidecar.host == GATE_HOST) else {
            return Ok(());
        };
        self.step("filling the git gate")?;
        let filled = seal::wait_healthy(self.docker, gate);
        self.signals.unless_ended(filled).await?
    }

    /// Waits for cred-proxy and tries the seal; the agent's container is made meanwhile, and
    /// not started.
    async fn sealed_agent(
        &mut self,
        request: &Request<'_>,
        who: &agent::Identity,
        probe: &str,
        sidecars: &[Sidecar],
    ) -> Result<(), Failure> {
        self.step("trying the seal")?;
        let (probe_name, agent_name) = (self.names.probe.clone(), self.names.agent.clone());
        self.note(&probe_name);
        self.note(&agent_name);
        let (docker, names, labels) = (self.docker, &self.names, &self.labels);
        let seal = seal::look(docker, names, sidecars).await?;
        let memory = docker.memory().await?.map(agent_memory_octets);
        let recipe = agent::Recipe {
            plan: request.plan,
            variables: &request.variables,
            who,
            resolver: seal.resolver,
            memory: memory.and_then(|octets| i64::try_from(octets).ok()),
            terminal: request.terminal.as_deref(),
        };
        let healthy = async {
            let Some(proxy) = sidecars.iter().find(|one| one.host == PROXY_HOST) else {
                return Ok(());
            };
            let healthy = seal::wait_healthy(docker, proxy);
            self.signals.unless_ended(healthy).await?
        };
        let proved = seal::prove(docker, probe, &seal, names, labels);
        let made = agent::create(docker, &recipe, names, labels);
        let (healthy, proved, made) = tokio::join!(healthy, proved, made);
        healthy?;
        for note in proved? {
            self.progress.tell(&note);
        }
        made
    }
}
