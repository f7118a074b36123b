//! All bottles of this host, and what launchers left that were killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::label;
use super::state::State;
use super::undo::{remove, remove_state};
use super::{Failure, Fate, LauncherId};
use crate::docker::{Docker, Kind, Labelled};
use crate::local::straggler;

/// All bottles that left a trace.
#[derive(Clone, Debug, Default)]
pub struct Leftovers {
    bottles: Vec<Bottle>,
    state_root: PathBuf,
}

/// All that there is of one bottle.
#[derive(Clone, Debug)]
pub struct Bottle {
    /// Its name.
    pub slug: String,
    /// Its agent's, if a label says.
    pub agent: String,
    /// Whether its launcher runs.
    pub fate: Fate,
    /// What Docker has of it, in the order of removal.
    pub objects: Vec<Labelled>,
    /// Whether there is state of it on this host.
    pub has_state: bool,
    /// When it was started, if it is a local one.
    pub local_since: Option<SystemTime>,
    /// Whether the engine of a local one runs, if it has one.
    pub local_engine: Option<Fate>,
    /// Whether the git gate of a local one runs, if it has one.
    pub local_gate: Option<Fate>,
}

/// Looks for everything that bears our label, and for state below `root`.
///
/// # Errors
///
/// Docker's. Without Docker, what has state on this host is found.
pub async fn survey(
    docker: Option<&Docker>,
    root: &Path,
    own: &LauncherId,
) -> Result<Leftovers, Failure> {
    let mut bottles: BTreeMap<String, Bottle> = BTreeMap::new();
    // State first: what is made after its launcher noted it is seen with it.
    let states = State::all(root);
    let objects = match docker {
        Some(docker) => docker.survey(label::SLUG).await?,
        None => Vec::new(),
    };
    for object in objects.into_iter().filter(label::is_ours) {
        let text = |key: &str| object.labels.get(key).cloned().unwrap_or_default();
        let launcher = LauncherId::parse(&text(label::LAUNCHER));
        let bottle = bottles
            .entry(text(label::SLUG))
            .or_insert_with_key(|slug| Bottle {
                slug: slug.clone(),
                agent: text(label::AGENT),
                fate: launcher.map_or(Fate::Elsewhere, |id| own.fate_of(&id)),
                objects: Vec::new(),
                has_state: states.contains(slug),
                local_since: None,
                local_engine: None,
                local_gate: None,
            });
        bottle.objects.push(object);
    }
    for slug in states {
        bottles
            .entry(slug.clone())
            .or_insert_with(|| by_state(root, slug, own));
    }
    Ok(Leftovers {
        bottles: bottles.into_values().collect(),
        state_root: root.to_owned(),
    })
}

/// A bottle of which Docker has nothing, or is not asked.
fn by_state(root: &Path, slug: String, own: &LauncherId) -> Bottle {
    let state = State::of(root, &slug);
    let (agent, since) = state.local_agent().unzip();
    let launcher = state.launcher();
    Bottle {
        slug,
        agent: agent.unwrap_or_default(),
        fate: launcher.map_or(Fate::Gone, |id| own.fate_of(&id)),
        objects: Vec::new(),
        has_state: true,
        local_since: since,
        local_engine: state.engine().map(|id| own.fate_of(&id)),
        local_gate: state.gate().map(|id| own.fate_of(&id)),
    }
}

impl Leftovers {
    /// All, by name.
    pub fn bottles(&self) -> &[Bottle] {
        &self.bottles
    }

    /// The local ones alone.
    #[must_use]
    pub fn of_local(mut self) -> Self {
        self.bottles.retain(|bottle| bottle.local_since.is_some());
        self
    }

    /// Those whose launcher is gone, or of `slugs` those whose launcher does not run.
    pub fn orphans<'a>(&'a self, slugs: &'a [String]) -> impl Iterator<Item = &'a Bottle> {
        self.bottles.iter().filter(move |bottle| match bottle.fate {
            Fate::Runs => false,
            Fate::Gone => slugs.is_empty() || slugs.contains(&bottle.slug),
            // Who names it takes it upon himself.
            Fate::Elsewhere => slugs.contains(&bottle.slug),
        })
    }

    /// What a person should know before a start; none if nothing was left.
    pub fn sentence(&self) -> Option<String> {
        let slugs: Vec<&str> = self
            .orphans(&[])
            .map(|bottle| bottle.slug.as_str())
            .collect();
        let slugs = slugs.join(" ");
        (!slugs.is_empty()).then(|| {
            format!("a start that was cut off left something behind; remove it with: bottle cleanup {slugs}")
        })
    }

    /// Removes all of a bottle; a failure does not end it. Gives what could not be removed.
    ///
    /// Without Docker there are no objects; the state of a bottle of Docker's stays then, for
    /// it is what tells of them.
    pub async fn remove(&self, docker: Option<&Docker>, bottle: &Bottle) -> Vec<String> {
        let mut failures = Vec::new();
        if let Some(docker) = docker {
            for object in &bottle.objects {
                failures.extend(remove(docker, object).await.err());
            }
        }
        if bottle.has_state && (docker.is_some() || bottle.local_since.is_some()) {
            let state = State::of(&self.state_root, &bottle.slug);
            // The agent's sandbox has the one, the git gate's the other.
            let runtime = state.runtime().into_iter();
            for directory in runtime.chain([state.directory().to_owned()]) {
                let ended = straggler::end(&directory);
                failures.extend(ended.err().map(|error| error.to_string()));
            }
            failures.extend(remove_state(&state).await);
        }
        failures
    }
}

impl Bottle {
    /// Whether its launcher runs, by what its state says now.
    pub fn fate_now(&self, state_root: &Path, own: &LauncherId) -> Fate {
        let launcher = State::of(state_root, &self.slug).launcher();
        launcher.map_or(Fate::Gone, |id| own.fate_of(&id))
    }

    /// What there is of it, a line each, in the order of removal.
    pub fn lines(&self, state_root: &Path) -> Vec<String> {
        let object = |object: &Labelled| {
            let kind = match object.kind {
                Kind::Container => "container",
                Kind::Network => "network",
                Kind::Volume => "volume",
            };
            format!("{kind} {}", object.name)
        };
        let mut lines: Vec<String> = self.objects.iter().map(object).collect();
        if self.has_state {
            let state = State::of(state_root, &self.slug);
            let elsewhere = state.elsewhere();
            lines.extend(
                elsewhere
                    .iter()
                    .map(|path| format!("directory {}", path.display())),
            );
            lines.push(format!("state {}", state.directory().display()));
        }
        lines
    }

    /// The container that does `role`.
    pub fn container(&self, role: &str) -> Option<&Labelled> {
        self.objects.iter().find(|object| {
            object.kind == Kind::Container
                && object.labels.get(label::ROLE).is_some_and(|is| is == role)
        })
    }
}
