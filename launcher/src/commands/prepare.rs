//! From the command line to a plan: what `start` and `info` have in common.

use std::path::{Path, PathBuf};

use super::{state_root, variable};
use crate::args::ManifestOption;
use crate::host::facts::gather;
use crate::host::places::Places;
use crate::host::tokens;
use crate::manifest::{Manifest, Sources, home_manifest};
use crate::plan::{Plan, PlanError, Workdir, WorkdirFacts};

/// A plan, and where the values that it names are looked for.
pub(super) struct Prepared {
    /// The plan.
    pub(super) plan: Plan,
    /// The user's home.
    pub(super) home: PathBuf,
    /// What was true of the work directory when the plan was made.
    pub(super) workdir: WorkdirFacts,
    /// Where the home manifest is, or would be.
    pub(super) manifest: PathBuf,
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
    let user = rustix::process::geteuid().as_raw();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut programs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    programs.extend(std::env::current_exe().ok());
    plan.warnings
        .extend(in_the_agents_hand(&plan.workdir, user, &programs));
    Ok(Prepared {
        plan,
        manifest: places.manifest,
        home: facts.home,
        workdir: facts.workdir,
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

/// What a person should know of a bound work directory: whose it is, and that programs of
/// the host lie in it, which an agent could write. `programs` are files, or folders of some.
fn in_the_agents_hand(workdir: &Workdir, user: u32, programs: &[PathBuf]) -> Vec<String> {
    let (Some(work), Some((owner, _))) = (&workdir.host, workdir.owner) else {
        return Vec::new();
    };
    let mut sentences = Vec::new();
    // Root may choose whom an agent works as; that of root is told by the plan.
    if user != 0 && owner != user && owner != 0 {
        sentences.push(format!(
            "the work directory belongs to another user ({owner}), and the agent works as that one"
        ));
    }
    let lies_there = |path: &&PathBuf| {
        let path = std::fs::canonicalize(path).unwrap_or_else(|_gone| path.to_path_buf());
        path.starts_with(work)
    };
    for path in programs.iter().filter(lies_there) {
        sentences.push(format!(
            "programs that you run lie in the work directory ({}), where the agent can replace them: take it out of PATH before you use what it made",
            path.display()
        ));
    }
    sentences
}

fn sentences<T: ToString>(problems: Vec<T>) -> Vec<String> {
    problems.iter().map(T::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::WorkdirMode;

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

    #[test]
    fn whose_the_work_directory_is_and_what_programs_it_has_is_told() {
        let workdir = |owner| Workdir {
            mode: WorkdirMode::Bind,
            host: Some("/srv/app".into()),
            inside: "/srv/app".into(),
            mounts: Vec::new(),
            owner: Some((owner, 7)),
        };
        let path = ["/usr/bin", "/srv/app/node_modules/.bin", "/srv/app2"].map(PathBuf::from);
        let told = |owner, user| in_the_agents_hand(&workdir(owner), user, &path);
        let own = told(1000, 1000);
        assert_eq!(own.len(), 1);
        assert!(own[0].contains("(/srv/app/node_modules/.bin)"), "{own:?}");
        assert_eq!(told(1000, 0).len(), 1);
        let others = told(1001, 1000);
        assert!(others[0].contains("another user (1001)"), "{others:?}");
    }
}
