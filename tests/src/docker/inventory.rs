//! What there is on the engine.

use std::collections::BTreeSet;

use super::engine::Engine;

/// Everything that a launcher could leave behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Containers, running or not, as `id name`.
    pub containers: BTreeSet<String>,
    /// Networks, as `id name`.
    pub networks: BTreeSet<String>,
    /// Volumes' names.
    pub volumes: BTreeSet<String>,
    /// Images' ids.
    pub images: BTreeSet<String>,
}

impl Inventory {
    /// What the engine has of anybody's, or with `filter` (`label=bottle.slug=x`) what of
    /// containers, networks and volumes fits it. Images are never filtered.
    ///
    /// # Panics
    /// When the engine does not answer.
    pub fn of(engine: &Engine, filter: Option<&str>) -> Inventory {
        let list = |command: &[&str], format: &str| {
            let mut arguments = command.to_vec();
            arguments.extend(["--no-trunc", "--format", format]);
            filtered(engine, arguments, filter)
        };
        Inventory {
            containers: list(&["ps", "--all"], "{{.ID}} {{.Names}}"),
            networks: list(&["network", "ls"], "{{.ID}} {{.Name}}"),
            volumes: filtered(engine, vec!["volume", "ls", "--quiet"], filter),
            images: filtered(engine, vec!["images", "--all", "--quiet"], None),
        }
    }

    /// What a bottle of this agent has, found by label alone.
    ///
    /// # Panics
    /// When the engine does not answer.
    pub fn of_agent(engine: &Engine, agent: &str) -> Inventory {
        let mut all = Inventory::of(engine, Some("label=bottle.slug"));
        let is_of = |line: &String| line.contains(&format!("{agent}-"));
        all.containers.retain(is_of);
        all.networks.retain(is_of);
        all.volumes.clear();
        all.images.clear();
        all
    }

    /// Whether neither a container, nor a network, nor a volume is in it.
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }
}

fn filtered(engine: &Engine, arguments: Vec<&str>, filter: Option<&str>) -> BTreeSet<String> {
    let mut arguments = arguments;
    if let Some(filter) = filter {
        arguments.extend(["--filter", filter]);
    }
    engine.lines(&arguments).into_iter().collect()
}
