//! Where the agent works: what is refused, and what is mounted over a bound directory.

use std::path::{Path, PathBuf};

use super::{
    GitFacts, GitKind, GuardMount, HostFacts, PlanError, Presence, WORK_PATH, Workdir, WorkdirFacts,
};
use crate::manifest::WorkdirMode;

/// What belongs to the system: nobody's project.
const SYSTEM: [&str; 11] = [
    "/boot",
    "/dev",
    "/etc",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/var",
    "/var/tmp",
];

/// Directories with nobody's project anywhere below: sockets of the user's session (keys, the
/// bus, an engine without root), settings, devices.
const SYSTEM_TREES: [&str; 6] = [
    "/boot",
    "/etc",
    "/proc",
    "/run/user",
    "/sys",
    "/var/lib/docker",
];

/// The work directory in this mode.
pub(super) fn workdir(
    mode: WorkdirMode,
    facts: &HostFacts,
    errors: &mut Vec<PlanError>,
) -> Workdir {
    let work = &facts.workdir;
    let without = Workdir { mode, ..none() };
    if mode == WorkdirMode::None {
        return without;
    }
    refuse(&work.path, "the work directory", facts, errors);
    if work.path.to_str().is_none() {
        // An engine would be told another path, at which somebody may have put anything.
        let text = "has a name that is no UTF-8, which Docker can't be told; rename it";
        errors.push(PlanError::new(work.path.display(), text));
    }
    for file in &work.with_credential {
        let text = "holds a credential (a URL with a user in it, or an authorization header), and the agent would read it; take it out, and let the route bring the credential";
        errors.push(PlanError::new(file.display(), text));
    }
    match mode {
        WorkdirMode::Bind => Workdir {
            host: Some(work.path.clone()),
            inside: work.path.clone(),
            mounts: guards(work, facts, errors),
            owner: Some(work.owner),
            ..without
        },
        WorkdirMode::Copy | WorkdirMode::None => Workdir {
            host: Some(work.path.clone()),
            ..without
        },
    }
}

/// An empty directory of the agent's.
pub(super) fn none() -> Workdir {
    Workdir {
        mode: WorkdirMode::None,
        host: None,
        inside: PathBuf::from(WORK_PATH),
        mounts: Vec::new(),
        owner: None,
    }
}

/// A directory that would hand the agent more than work.
fn refuse(path: &Path, name: &str, facts: &HostFacts, errors: &mut Vec<PlanError>) {
    let manifest = facts.manifest.parent().unwrap_or(&facts.manifest);
    let reason = if path == Path::new("/") {
        "is the root of the file system"
    } else if SYSTEM.iter().any(|system| path == Path::new(system))
        || SYSTEM_TREES.iter().any(|system| path.starts_with(system))
    {
        "is the system's own"
    } else if path == facts.home {
        "is the home"
    } else if facts.home.starts_with(path) {
        "has the home in it"
    } else if manifest.starts_with(path) {
        "has the directory of the manifest in it"
    } else if facts.state.starts_with(path) || path.starts_with(&facts.state) {
        "has the state of bottles in it"
    } else if facts
        .engine_sockets
        .iter()
        .any(|socket| socket.starts_with(path))
    {
        "has the socket of a Docker Engine in it, which is root on this host"
    } else {
        return;
    };
    let text = format_args!(
        "{name} {reason}; go to the directory of one project, or write \"workdir\": \"none\""
    );
    errors.push(PlanError::new(path.display(), text));
}

/// What is mounted over a bound work directory, in this order: what git of the host runs or
/// believes must not be the agent's to replace.
fn guards(work: &WorkdirFacts, facts: &HostFacts, errors: &mut Vec<PlanError>) -> Vec<GuardMount> {
    let mut mounts = Vec::new();
    if let Some(git) = &work.git {
        git_guards(work, git, facts, &mut mounts, errors);
    }
    let bottle = work.path.join(".bottle");
    read_only(bottle, work.bottle, &mut mounts, errors);
    mounts
}

fn git_guards(
    work: &WorkdirFacts,
    git: &GitFacts,
    facts: &HostFacts,
    mounts: &mut Vec<GuardMount>,
    errors: &mut Vec<PlanError>,
) {
    let entry = work.path.join(".git");
    match git.kind {
        GitKind::Directory => {}
        GitKind::File => {
            if !git.common.starts_with(&work.path) {
                refuse(
                    &git.common,
                    "the repository of this worktree",
                    facts,
                    errors,
                );
            }
            mounts.push(GuardMount::Itself(git.common.clone()));
        }
        GitKind::Unproven => {
            let text = "names a directory which does not name this one in turn, so it may be any; run `git worktree repair` in its repository, or write \"workdir\": \"copy\"";
            errors.push(PlanError::new(entry.display(), text));
            return;
        }
        GitKind::Other => {
            let text = "is neither a directory nor git's own file, and a link can't be guarded; put the directory in its place, or write \"workdir\": \"copy\"";
            errors.push(PlanError::new(entry.display(), text));
            return;
        }
    }
    mounts.push(GuardMount::Itself(entry));
    read_only(git.common.join("hooks"), git.hooks, mounts, errors);
}

fn read_only(
    path: PathBuf,
    presence: Presence,
    mounts: &mut Vec<GuardMount>,
    errors: &mut Vec<PlanError>,
) {
    match presence {
        Presence::Absent => mounts.push(GuardMount::EmptyReadOnly(path)),
        Presence::Directory => mounts.push(GuardMount::ReadOnly(path)),
        Presence::Other => {
            let text = "is no directory, and the agent could put its own in its place; make it one, or write \"workdir\": \"copy\"";
            errors.push(PlanError::new(path.display(), text));
        }
    }
}

#[cfg(test)]
mod tests;
