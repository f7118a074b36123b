//! A repository of the gate's own: how it is made, and made whole again.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::child;

use super::clean_room;
use super::config::Repository;
use super::leftovers::{self, remove_tree};
use super::limits::{PROGRAM_TIME, TOOL_ANSWER_OCTETS};
use super::place::Place;
use super::upstream::NO_BRANCH;

/// The hooks of a mirror; what git writes there by itself is none of ours.
const HOOKS: [&str; 2] = ["pre-receive", "proc-receive"];

/// What a mirror's object ids are made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectFormat {
    /// 20 octets.
    Sha1,
    /// 32 octets.
    Sha256,
}

impl ObjectFormat {
    /// The only other one.
    pub(super) fn other(self) -> ObjectFormat {
        match self {
            ObjectFormat::Sha1 => ObjectFormat::Sha256,
            ObjectFormat::Sha256 => ObjectFormat::Sha1,
        }
    }

    fn name(self) -> &'static str {
        match self {
            ObjectFormat::Sha1 => "sha1",
            ObjectFormat::Sha256 => "sha256",
        }
    }
}

/// The format of the mirror as it is; upstream's is not known yet if it is not there.
pub(super) fn format(place: &Place, name: &str) -> ObjectFormat {
    let config = std::fs::read_to_string(place.mirror(name).join("config"));
    match config {
        Ok(text) if text.contains("objectformat = sha256") => ObjectFormat::Sha256,
        Ok(_) | Err(_) => ObjectFormat::Sha1,
    }
}

/// Makes the mirror, or makes what is there of it as it must be. Nobody is served meanwhile.
///
/// # Errors
///
/// The file system's, or git's.
pub(super) fn make(place: &Place, repository: &Repository, format: ObjectFormat) -> io::Result<()> {
    let mirror = place.mirror(&repository.name);
    if !mirror.join("HEAD").is_file() {
        init(place, &mirror, format)?;
    }
    write_config(&mirror, &config(repository, format))?;
    link_hooks(&mirror)?;
    leftovers::of_refs(&mirror)?;
    leftovers::of_fetches(&mirror)?;
    leftovers::of_pushes(&mirror)
}

/// Removes it; all that was in it is upstream's.
///
/// # Errors
///
/// The file system's.
pub(super) fn remove(place: &Place, name: &str) -> io::Result<()> {
    std::fs::remove_dir_all(place.mirror(name))
}

fn init(place: &Place, mirror: &Path, format: ObjectFormat) -> io::Result<()> {
    std::fs::create_dir_all(mirror)?;
    let mut git = clean_room::program(place, "git");
    git.args([
        "init",
        "--quiet",
        "--bare",
        "--template=",
        "--initial-branch",
    ]);
    git.arg(NO_BRANCH.trim_start_matches("refs/heads/"));
    git.arg(format!("--object-format={}", format.name()));
    git.arg("--")
        .arg(mirror)
        .env("GIT_DEFAULT_REF_FORMAT", "files");
    child::output_in_this_group(&mut git, PROGRAM_TIME, TOOL_ANSWER_OCTETS)
        .map(drop)
        .map_err(|error| io::Error::other(format!("git init {error}")))
}

/// The whole configuration of a mirror.
fn config(repository: &Repository, format: ObjectFormat) -> String {
    let (version, extensions) = match format {
        ObjectFormat::Sha1 => (0, ""),
        ObjectFormat::Sha256 => (1, "[extensions]\n\tobjectformat = sha256\n"),
    };
    let max_push_mib = repository.policy.max_push_mib;
    format!(
        "\
# Written by bottle-gate at every start.
[core]
	repositoryformatversion = {version}
	filemode = true
	bare = true
{extensions}[receive]
	# proc-receive decides about every ref, by a policy of its own.
	procReceiveRefs = refs/
	denyCurrentBranch = ignore
	denyDeleteCurrent = ignore
	denyDeletes = false
	denyNonFastForwards = false
	advertiseAtomic = true
	advertisePushOptions = false
	maxInputSize = {max_push_mib}m
	# Packs are kept as they came: unpacked, one file would stand for each object.
	unpackLimit = 1
	autogc = false
	updateServerInfo = false
	keepAlive = 5
[transfer]
	unpackLimit = 1
[uploadpack]
	keepAlive = 5
	allowFilter = true
[lsrefs]
	# HEAD may name no branch of upstream's.
	unborn = ignore
"
    )
}

/// The old one or the new one is there, whenever this is cut off.
fn write_config(mirror: &Path, text: &str) -> io::Result<()> {
    let new = mirror.join("config.new");
    std::fs::write(&new, text)?;
    std::fs::rename(new, mirror.join("config"))
}

/// The hooks of the gate, and no others.
fn link_hooks(mirror: &Path) -> io::Result<()> {
    let hooks = mirror.join("hooks");
    remove_tree(&hooks)?;
    link_all(&hooks, &HOOKS)
}

/// Links to this program under these names.
pub(super) fn link_all(directory: &Path, names: &[&str]) -> io::Result<()> {
    let program = std::env::current_exe()?;
    std::fs::create_dir_all(directory)?;
    for name in names {
        symlink(&program, directory.join(name))?;
    }
    Ok(())
}
