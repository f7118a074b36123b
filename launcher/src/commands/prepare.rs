//! From the command line to a plan: what `start` and `info` have in common.

use std::path::{Path, PathBuf};

use super::{state_root, variable};
use crate::args::ManifestOption;
use crate::host::facts::gather;
use crate::host::places::Places;
use crate::host::tokens;
use crate::manifest::{Manifest, Sources, home_manifest};
use crate::plan::{Plan, PlanError};

/// A plan, and where the values that it names are looked for.
pub(super) struct Prepared {
    /// The plan.
    pub(super) plan: Plan,
    /// The user's home.
    pub(super) home: PathBuf,
}

/// The files that a command in this directory reads.
pub(super) fn sources(option: &ManifestOption) -> Result<Sources, String> {
    let directory = std::env::current_dir()
        .map_err(|error| format!("this directory can't be looked at: {error}"))?;
    Ok(Sources::find(
        option.manifest.as_deref(),
        &directory,
        &variable,
    ))
}

/// Where the home manifest is, or would be.
pub(super) fn manifest_path(option: &ManifestOption) -> Result<PathBuf, String> {
    home_manifest(option.manifest.as_deref(), &variable)
        .ok_or_else(|| "neither --manifest nor HOME says where the manifest is".to_owned())
}

/// Reads the manifests and plans a start of `agent`.
///
/// # Errors
///
/// Everything that is wrong, a sentence each.
pub(super) fn prepare(
    agent: &str,
    option: &ManifestOption,
    command: Option<Vec<String>>,
) -> Result<Prepared, Vec<String>> {
    let one = |sentence: String| vec![sentence];
    let sources = sources(option).map_err(one)?;
    let manifest = Manifest::load(&sources, &variable).map_err(sentences)?;
    let home = variable("HOME")
        .ok_or_else(|| one("HOME is not set; set it to your home directory".to_owned()))?;
    let places = Places {
        home: PathBuf::from(&home),
        manifest: manifest_path(option).map_err(one)?,
        state: state_root().map_err(one)?,
        engine_sockets: engine_sockets(&variable),
        work: PathBuf::from("."),
    };
    let facts = gather(&places, &manifest, agent, std::env::vars_os()).map_err(one)?;
    let mut plan = Plan::make(&manifest, agent, &facts, command)
        .map_err(|errors| in_file(&errors, sources.home.as_deref()))?;
    plan.warnings
        .extend(tokens::warnings(&plan.slots, &facts.home));
    Ok(Prepared {
        plan,
        home: facts.home,
    })
}

/// Every place at which an engine of this user's or the system's would listen, whether one does
/// or not: a work directory that has it would be a way to all of this host.
fn engine_sockets(variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let named = variable("DOCKER_HOST");
    let named = named.and_then(|host| host.strip_prefix("unix://").map(PathBuf::from));
    let rootless = variable("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("docker.sock"));
    let usual = PathBuf::from("/var/run/docker.sock");
    named.into_iter().chain(rootless).chain([usual]).collect()
}

/// A plan's errors. One that has a JSON path is of the home manifest, where all bottles stand.
fn in_file(errors: &[PlanError], home: Option<&Path>) -> Vec<String> {
    let sentence = |error: &PlanError| match home {
        Some(file) if error.place.starts_with("bottles.") => format!("{}: {error}", file.display()),
        Some(_) | None => error.to_string(),
    };
    errors.iter().map(sentence).collect()
}

fn sentences<T: ToString>(problems: Vec<T>) -> Vec<String> {
    problems.iter().map(T::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_may_listen_at_three_places() {
        let variable = |name: &str| match name {
            "DOCKER_HOST" => Some("unix:///srv/app/d.sock".to_owned()),
            "XDG_RUNTIME_DIR" => Some("/run/user/7".to_owned()),
            _ => None,
        };
        let expected = [
            "/srv/app/d.sock",
            "/run/user/7/docker.sock",
            "/var/run/docker.sock",
        ];
        assert_eq!(engine_sockets(&variable), expected.map(PathBuf::from));
        let elsewhere = |name: &str| (name == "DOCKER_HOST").then(|| "tcp://h:1".to_owned());
        assert_eq!(engine_sockets(&elsewhere), [PathBuf::from(expected[2])]);
    }

    #[test]
    fn what_is_wrong_with_a_bottle_names_the_file_that_has_it() {
        let errors = [
            PlanError::new("bottles.dev.agent_provider.image", "is missing"),
            PlanError::new("/home/me", "is the home"),
        ];
        assert_eq!(
            in_file(&errors, Some(Path::new("/m.json"))),
            [
                "/m.json: bottles.dev.agent_provider.image: is missing",
                "/home/me: is the home"
            ]
        );
    }
}
