//! What there is: on the engine, in a folder, among this machine's processes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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

/// Every path below `folder`.
///
/// # Panics
/// When it cannot be read.
pub fn files_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let entry = entry.expect("an entry");
            found.insert(entry.path().display().to_string());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    found
}

/// The ids of this machine's processes in whose environment `mark` stands: those that were
/// started with it, and whatever they started.
///
/// # Panics
/// When `/proc` is not there.
pub fn processes_with(mark: &str) -> BTreeSet<u32> {
    let entries = fs::read_dir("/proc").expect("/proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process: &u32| {
            // A process that ends meanwhile has none.
            let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
            memchr::memmem::find(&environment, mark.as_bytes()).is_some()
        })
        .collect()
}
