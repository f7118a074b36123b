//! What stands around an agent.

use super::{Egress, EnvValue, GitGate, Route};

/// What stands around an agent: its variables, its routes, its ways out.
#[derive(Clone, Debug, Default)]
pub struct Bottle {
    /// The agent's own variables, in the order of the file; each name once.
    pub env: Vec<(String, EnvValue)>,
    /// What kind of agent it is made for.
    pub provider: AgentProvider,
    /// Those of the presets first, in their order, then the hand-written ones. Paths are
    /// distinct, and no two bear the same singleton role.
    pub routes: Vec<Route>,
    /// The forward-proxy face; not served yet.
    pub egress: Option<Egress>,
    /// The git gate; not served yet.
    pub git_gate: Option<GitGate>,
}

/// `agent_provider`. Its `auth_token` has become a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentProvider {
    /// Whose client runs.
    pub template: Option<Template>,
    /// The agent's image, instead of the template's.
    pub image: Option<String>,
}

/// A client that the launcher knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Claude Code.
    Claude,
}

impl Template {
    /// Each of them.
    pub const ALL: [Self; 1] = [Self::Claude];
}
