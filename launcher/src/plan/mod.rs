//! What a start will do, as a value: pure, printable, without any secret.
//!
//! ```text
//! Manifest + agent + host's facts ─▶ Plan ─▶ preview (people, JSON)
//!                                      └───▶ backend
//! ```
//!
//! A plan names where values lie, never the values: they are read when it is carried out,
//! and go to the sidecar's standard input or the agent's environment alone.

mod environment;
mod error;
mod facts;
mod forge;
mod git;
mod make;
mod preview;
mod provision;
mod roles;
mod routes;
mod slots;
#[cfg(test)]
pub(crate) mod testing;
mod warnings;
mod workdir;

pub use error::PlanError;
pub use facts::{GitFacts, GitKind, HostFacts, Presence, Redirection, WorkdirFacts};
pub use git::GATE_IMAGE;
pub use make::{below_home, problems_of_bottle};
pub use preview::Preview;
pub use warnings::warnings_of_bottle;

use std::path::{Path, PathBuf};

use crate::deploy_keys::KeyRequest;
use crate::gate::Policy;
use crate::manifest::{AgentOrigin, EnvValue, GateKey, Scanner, TokenRef, WorkdirMode};

/// The name under which the agent reaches the engine, on every backend.
pub const PROXY_HOST: &str = "cred-proxy";

/// The port at which it does.
pub const PROXY_PORT: u16 = 9099;

/// The name under which the agent reaches the git gate, on every backend.
pub const GATE_HOST: &str = "git-gate";

/// The port at which it does: git's own.
pub const GATE_PORT: u16 = 9418;

/// Where the agent works, unless its work directory is bound.
pub const WORK_PATH: &str = "/work";

/// What stands where a client insists on a credential. The engine drops it.
pub const PLACEHOLDER: &str = "placeholder";

/// All that a start will do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The agent's name.
    pub agent: String,
    /// Who brought it.
    pub origin: AgentOrigin,
    /// The bottle's name.
    pub bottle: String,
    /// What the agent is told at its start.
    pub prompt: Option<String>,
    /// The image that the agent runs in, and how to get it if it is missing.
    pub image: AgentImage,
    /// What runs in it: program and arguments.
    pub command: Vec<String>,
    /// Where the agent works.
    pub workdir: Workdir,
    /// One for each distinct token reference, in order of appearance.
    pub slots: Vec<Slot>,
    /// The engine's routes file, octet for octet; empty routes: no engine is started.
    pub routes_json: String,
    /// The routes, for people.
    pub routes: Vec<PlannedRoute>,
    /// The agent's variables, each name once.
    pub environment: Vec<Variable>,
    /// Files below the agent's home.
    pub files: Vec<HomeFile>,
    /// The git gate; none: git does not leave the bottle.
    pub gate: Option<Gate>,
    /// Every host that anything of the bottle may reach, sorted, each once.
    pub hosts: Vec<String>,
    /// Who reads what passes the forward-proxy face.
    pub scanner: Scanner,
    /// What the manifest asks for and this version does not serve, a sentence each; a start
    /// refuses where there is one.
    pub unserved: Vec<String>,
    /// What people should know before they say yes, a sentence each.
    pub warnings: Vec<String>,
}

/// An image for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentImage {
    /// Its reference.
    pub name: String,
    /// The Dockerfile that makes it where it is missing; none: it must exist.
    pub dockerfile: Option<&'static str>,
}

/// A credential's place in the engine, and where its value lies on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// `CRED_PROXY_TOKEN_0` and so on.
    pub name: String,
    /// Where the value lies.
    pub source: TokenRef,
    /// The paths of the routes that use it, to be named where the value is missing.
    pub routes: Vec<String>,
}

/// A route, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRoute {
    /// Its path.
    pub path: String,
    /// Its upstream's URL.
    pub upstream: String,
    /// The slot of its token.
    pub slot: String,
    /// Where the token lies.
    pub token: TokenRef,
    /// Every rule that it refuses by.
    pub deny: Vec<String>,
}

/// The git gate, and what it is to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The image that has its tools, on Docker.
    pub image: String,
    /// At least one, by their names.
    pub repositories: Vec<GatedRepository>,
}

/// A repository that the git gate is to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatedRepository {
    /// Its name at the gate.
    pub name: String,
    /// What the agent's git speaks to.
    pub remote: String,
    /// What the gate speaks to.
    pub upstream: String,
    /// Who the gate is there.
    pub key: GateKey,
    /// The key that is to be made and registered, where [`key`](Self::key) asks for one.
    pub deploy_key: Option<KeyRequest>,
    /// The only host key that the gate takes there, and the host it is of: a line as ssh's
    /// `known_hosts` has them.
    pub known_host: String,
    /// What may be pushed.
    pub policy: Policy,
}

/// A variable of the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Where its value comes from.
    pub value: EnvValue,
    /// Whether it stays out of previews: a placeholder that tells nobody anything.
    pub hidden: bool,
}

/// A file below the agent's home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeFile {
    /// Relative to the home, such as `.config/tea/config.yml`.
    pub path: PathBuf,
    /// Its content; no secret.
    pub content: String,
}

/// Where the agent works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workdir {
    /// How the agent gets it.
    pub mode: WorkdirMode,
    /// The host's directory, absolute, links resolved; none with mode `none`.
    pub host: Option<PathBuf>,
    /// Where the agent finds it, absolute. Bound, it is the host's own path, for git writes
    /// absolute paths down; with mode `none` it is an empty directory of the agent's.
    pub inside: PathBuf,
    /// With mode `bind`: what is mounted over it, in this order.
    pub mounts: Vec<GuardMount>,
    /// With mode `bind`: who owns it, user and group; the agent runs as them.
    pub owner: Option<(u32, u32)>,
}

/// Something mounted over a part of a bound work directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuardMount {
    /// This directory or file of the host onto itself, writable: a mount point can't be
    /// renamed away.
    Itself(PathBuf),
    /// This directory or file of the host onto itself, read-only.
    ReadOnly(PathBuf),
    /// An empty read-only directory where the host has none.
    EmptyReadOnly(PathBuf),
}

impl GuardMount {
    /// Where it is mounted, which is also where it lies on the host.
    pub fn path(&self) -> &Path {
        match self {
            GuardMount::Itself(path)
            | GuardMount::ReadOnly(path)
            | GuardMount::EmptyReadOnly(path) => path,
        }
    }
}
