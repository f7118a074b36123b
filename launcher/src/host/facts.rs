//! Gathering the facts that a plan is made of.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::git_directory::{self, presence};
use super::npm;
use super::places::{Places, resolved};
use crate::manifest::{Manifest, Upstream, WorkdirMode};
use crate::plan::{HostFacts, WorkdirFacts};

/// Looks at the host for the plan of this agent; `variables` is the environment, of which
/// the names are kept and no value. npm is asked only if a route of the agent's bottle leads
/// to its registry. Nothing is created or changed.
pub fn gather(
    places: &Places,
    manifest: &Manifest,
    agent: &str,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<HostFacts, String> {
    let private = [&places.home, &places.manifest, &places.state].map(|path| resolved(path));
    let mode = manifest.agents.get(agent).map(|agent| agent.workdir);
    let is_used = mode.is_some_and(|mode| mode != WorkdirMode::None);
    let workdir = workdir(&places.work, &private[0], &private, is_used).map_err(|error| {
        let work = places.work.display();
        format!("the work directory {work} cannot be looked at: {error}")
    })?;
    let bottle = manifest.agents.get(agent).map(|agent| &agent.bottle);
    let bottle = bottle.and_then(|name| manifest.bottles.get(name));
    let asks_npm = bottle.is_some_and(|bottle| {
        let mut upstreams = bottle.routes.iter().map(|route| &route.upstream);
        upstreams.any(|upstream| *upstream == Upstream::NpmRegistryOfHost)
    });
    let [home, manifest, state] = private;
    Ok(HostFacts {
        home,
        manifest,
        state,
        engine_sockets: places
            .engine_sockets
            .iter()
            .map(|path| resolved(path))
            .collect(),
        workdir,
        variables: set_names(variables),
        npm_registry: asks_npm.then(npm::registry),
    })
}

/// The names of those that are not empty; one that is no UTF-8 can't stand in a manifest.
fn set_names(variables: impl Iterator<Item = (OsString, OsString)>) -> BTreeSet<String> {
    variables
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, _)| name.into_string().ok())
        .collect()
}

/// Looks at a work directory once more: between its first facts and the start, a person has
/// read and thought, and an agent may have been at work. `home` is the user's.
pub fn is_unchanged(facts: &WorkdirFacts, home: &Path) -> Result<bool, String> {
    let now = workdir(&facts.path, home, &[], true);
    let now = now.map_err(|error| format!("{}: {error}", facts.path.display()))?;
    Ok(now == *facts)
}

fn workdir(
    path: &Path,
    home: &Path,
    private: &[PathBuf],
    is_used: bool,
) -> io::Result<WorkdirFacts> {
    let path = usual_name(fs::canonicalize(path)?, private)?;
    let metadata = fs::metadata(&path)?;
    let git = git_directory::look(&path)?;
    // A home is refused whatever lies in it, and reading all of it takes long.
    let settings = match is_used && !home.starts_with(&path) {
        true => git_directory::settings(&path, git.as_ref(), home)?,
        false => git_directory::Settings::default(),
    };
    Ok(WorkdirFacts {
        owner: (metadata.uid(), metadata.gid()),
        bottle: presence(&path.join(".bottle"))?,
        git,
        with_credential: settings.with_credential,
        redirections: settings.redirections,
        path,
    })
}

/// The name by which rules know a directory: the home is the home also where it is mounted
/// a second time, under a path without any link.
fn usual_name(path: PathBuf, private: &[PathBuf]) -> io::Result<PathBuf> {
    let identity = |path: &Path| fs::metadata(path).map(|facts| (facts.dev(), facts.ino()));
    let own = identity(&path)?;
    let mut above = private.iter().flat_map(|path| path.ancestors());
    let same = above.find(|above| identity(above).is_ok_and(|other| other == own));
    Ok(same.map_or(path, Path::to_path_buf))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{manifest, route};
    use crate::plan::{Plan, Presence, Preview};

    #[test]
    fn no_value_of_the_environment_gets_into_plan_preview_or_routes() {
        let folder = tempfile::tempdir().expect("a folder");
        let work = folder.path().join("app");
        fs::create_dir(&work).expect("made");
        let home = folder.path().join("home");
        let places = Places {
            manifest: home.join(".config/bottle/manifest.json"),
            state: home.join(".local/state/bottle"),
            engine_sockets: Vec::new(),
            work,
            home,
        };
        let names = [
            "TOKEN",
            "GH_PAT",
            "EDITOR",
            "npm_config_registry",
            "HTTPS_PROXY",
        ];
        let variables = names.map(|name| (name.into(), format!("v4lue-of-{name}").into()));
        let empty = (OsString::from("EMPTY"), OsString::new());
        let variables = variables.into_iter().chain([empty]);
        let manifest = manifest(vec![route("/x/", "https://x.example")]);
        let facts = gather(&places, &manifest, "a", variables).expect("facts");
        assert!(facts.variables.contains("GH_PAT") && !facts.variables.contains("EMPTY"));
        assert_eq!(facts.npm_registry, None);
        assert_eq!(facts.workdir.bottle, Presence::Absent);
        assert_eq!(facts.workdir.git, None);
        let plan = Plan::make(&manifest, "a", &facts, None).expect("a plan");
        let preview = Preview {
            plan: &plan,
            backend: "docker",
            remark: None,
            gate_scanner: None,
        };
        let texts = [
            format!("{facts:?} {plan:?}"),
            plan.routes_json.clone(),
            preview.people(),
            preview.json(),
        ];
        for text in texts {
            assert!(!text.contains("v4lue"), "{text}");
        }
    }

    #[test]
    fn a_work_directory_that_changed_meanwhile_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = fs::canonicalize(folder.path()).expect("its path");
        let facts = workdir(&path, Path::new("/nobody"), &[], true).expect("facts");
        assert_eq!(is_unchanged(&facts, Path::new("/nobody")), Ok(true));
        std::os::unix::fs::symlink("/", path.join(".git")).expect("made");
        assert_eq!(is_unchanged(&facts, Path::new("/nobody")), Ok(false));
    }

    #[test]
    fn the_home_is_the_home_under_any_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = fs::canonicalize(folder.path()).expect("its path");
        // As a directory that is mounted twice: another path, the same directory.
        let other = Path::new("/proc/self/root").join(home.strip_prefix("/").expect("absolute"));
        let named = usual_name(other.clone(), &[home.join("x/y")]).expect("there");
        assert_eq!(named, home);
        assert_eq!(usual_name(other.clone(), &[]).expect("there"), other);
    }

    #[test]
    fn a_work_directory_that_is_not_there_is_named() {
        let places = Places {
            home: "/".into(),
            manifest: "/m".into(),
            state: "/s".into(),
            engine_sockets: Vec::new(),
            work: "/no/such/folder".into(),
        };
        let facts = gather(&places, &Manifest::default(), "a", core::iter::empty());
        assert!(facts.is_err_and(|text| {
            text.starts_with("the work directory /no/such/folder cannot be looked at: ")
        }));
    }
}
