//! What the things of one bottle are called. For people: nothing is found by its name.

/// The names.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The agent's network.
    pub internal: String,
    /// The sidecars' way out.
    pub egress: String,
    /// The engine's container.
    pub proxy: String,
    /// That of the git gate.
    pub gate: String,
    /// The agent's.
    pub agent: String,
    /// That of the probe.
    pub probe: String,
    /// That in which the image is looked into.
    pub look: String,
}

impl Names {
    /// Those of `slug`.
    pub(super) fn of(slug: &str) -> Self {
        let name = |what: &str| format!("bottle-{slug}-{what}");
        Self {
            internal: name("internal"),
            egress: name("egress"),
            proxy: name("cred-proxy"),
            gate: name("git-gate"),
            agent: name("agent"),
            probe: name("probe"),
            look: name("look"),
        }
    }
}
