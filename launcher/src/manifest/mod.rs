//! What a person writes down: bottles and agents, valid by construction.
//!
//! Everything here is what the file says, with presets expanded into routes; what the host
//! adds (values of variables, the work directory, the npm registry) comes with the plan.

mod agent;
mod bottle;
mod built_in;
mod deny_lists;
mod egress;
mod env_value;
mod git_gate;
mod grammar;
mod json;
mod key_names;
mod keys;
mod load;
mod nearest;
mod problem;
mod read;
mod route;
mod sources;
mod token_ref;

pub use agent::{Agent, AgentOrigin, WorkdirMode};
pub use bottle::{AgentProvider, Bottle, Template};
pub use egress::{Egress, EgressRoute, Scanner};
pub use env_value::EnvValue;
pub use git_gate::{GateKey, GateRepository, GitGate, GitUser, RefPolicy};
pub use problem::Problem;
pub use route::{Role, Route, Upstream};
pub use sources::{REPOSITORY_FILE, Sources, home_manifest};
pub use token_ref::TokenRef;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

/// Bottles and agents, those of the home manifest, the built-in ones, and the agents that
/// the repository brings.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// By name. Repositories bring none.
    pub bottles: BTreeMap<String, Bottle>,
    /// By name.
    pub agents: BTreeMap<String, Agent>,
}
