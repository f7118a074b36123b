//! What a plan must know of the host. No value of a variable is among it.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// What a plan must know of the host.
#[derive(Clone, Debug)]
pub struct HostFacts {
    /// The user's home, links resolved.
    pub home: PathBuf,
    /// Where the home manifest is, or would be, links resolved.
    pub manifest: PathBuf,
    /// Where the state of all bottles is, or would be, links resolved.
    pub state: PathBuf,
    /// Where a Docker Engine may listen on this host, links resolved.
    pub engine_sockets: Vec<PathBuf>,
    /// The work directory; its facts are not needed with mode `none`.
    pub workdir: WorkdirFacts,
    /// Names of the host's variables that are set and not empty.
    pub variables: BTreeSet<String>,
    /// The registry that npm on the host is set to, or why it is not known. It is asked for
    /// only if a route leads there.
    pub npm_registry: Option<Result<String, String>>,
}

/// What is to be known of a work directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkdirFacts {
    /// Absolute, links resolved.
    pub path: PathBuf,
    /// Its owner, user and group.
    pub owner: (u32, u32),
    /// Its `.bottle`.
    pub bottle: Presence,
    /// Its `.git`; none: it has none.
    pub git: Option<GitFacts>,
    /// Configuration files of git's that hold a credential, such as a URL with a user in it:
    /// its own, and those of every repository below it.
    pub with_credential: Vec<PathBuf>,
    /// What these files make git of the host run or read in the work directory, unguarded.
    pub redirections: Vec<Redirection>,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Absent,
    /// A directory, not a link to one.
    Directory,
    /// Something else: a file, or a link to anything.
    Other,
}

/// What is to be known of a work directory's `.git`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFacts {
    /// What it is.
    pub kind: GitKind,
    /// The directory that has objects, configuration and hooks, links resolved: `.git` itself,
    /// or that which a worktree shares.
    pub common: PathBuf,
    /// The common directory's `hooks`.
    pub hooks: Presence,
}

/// A setting by which git of the host obeys what stands in the work directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirection {
    /// The configuration that has it.
    pub file: PathBuf,
    /// Its name, such as `core.hooksPath`.
    pub setting: &'static str,
    /// Where it leads.
    pub path: PathBuf,
}

/// What a `.git` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitKind {
    /// A directory.
    Directory,
    /// A file that names another directory, which names this work directory in turn.
    File,
    /// A file that names a directory which knows nothing of this work directory: bound, it
    /// would be a way to any directory of the host.
    Unproven,
    /// A link, or something that git does not read.
    Other,
}
