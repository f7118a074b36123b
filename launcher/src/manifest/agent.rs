//! Who works in which bottle, on what.

use std::path::PathBuf;

/// Somebody who works in a bottle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The bottle's name; it exists.
    pub bottle: String,
    /// What the agent is told at its start.
    pub prompt: Option<String>,
    /// How it gets the work directory.
    pub workdir: WorkdirMode,
    /// Who brought it.
    pub origin: AgentOrigin,
}

/// Where an agent was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentOrigin {
    /// It needs no manifest.
    BuiltIn,
    /// The home manifest, which is the user's own.
    Home(PathBuf),
    /// `.bottle/agents.json` of the repository, which may be anybody's.
    Repository(PathBuf),
}

/// How an agent gets the work directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkdirMode {
    /// The host's own directory.
    Bind,
    /// A copy, one way: work leaves by the gate.
    #[default]
    Copy,
    /// None.
    None,
}
