//! The bare mirror of one upstream: made, set up, filled; the same at every start.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::clean_room;
use super::config::Repository;
use super::limits::{FETCH_WORDS_OCTETS, FILL_TIME, GIT_TIME};
use super::lock::Lock;
use super::place::Place;
use super::upstream;
use crate::child;

/// The hooks of every mirror.
const HOOKS: [&str; 2] = ["pre-receive", "proc-receive"];

/// Links that are no repository's.
const LINKS: [&str; 2] = ["access-hook", "ssh"];

/// Settings of a mirror that only a file can give: receive-pack and upload-pack, which git daemon
/// starts, read no others. Ours decide about refs, so git itself refuses none; whoever works long
/// says something every five seconds; objects stay as they came.
const SETTINGS: [(&str, &str); 18] = [
    ("receive.denyCurrentBranch", "ignore"),
    ("receive.denyDeleteCurrent", "ignore"),
    ("receive.denyDeletes", "false"),
    ("receive.denyNonFastForwards", "false"),
    ("receive.procReceiveRefs", "refs/"),
    ("receive.unpackLimit", "1"),
    ("transfer.unpackLimit", "1"),
    ("receive.autogc", "false"),
    ("receive.keepAlive", "5"),
    ("receive.advertisePushOptions", "false"),
    ("uploadpack.keepAlive", "5"),
    ("uploadpack.allowFilter", "true"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("core.useReplaceRefs", "false"),
    ("core.bigFileThreshold", "1m"),
    ("pack.threads", "1"),
    ("core.logAllRefUpdates", "false"),
];

/// Makes the links that are no repository's.
///
/// # Errors
///
/// The file system's.
pub(super) fn link(place: &Place) -> io::Result<()> {
    fs::create_dir_all(place.link(""))?;
    LINKS.iter().try_for_each(|name| linked(&place.link(name)))
}

/// Makes the mirror if it is not there, and fills it from upstream.
///
/// # Errors
///
/// A sentence.
pub(super) fn fill(place: &Place, repository: &Repository) -> Result<(), String> {
    let name = &repository.name;
    let failed = |error: io::Error| format!("the mirror of {name}: {error}");
    let advertised = upstream::ask(place, repository, FILL_TIME)?;
    make(place, repository, advertised.is_sha256).map_err(failed)?;
    let lock = Lock::of(place, name, FILL_TIME).map_err(failed)?;
    let filled = upstream::refresh(place, repository, FILL_TIME);
    drop(lock);
    filled
}

fn make(place: &Place, repository: &Repository, is_sha256: bool) -> io::Result<()> {
    let mirror = place.mirror(&repository.name);
    let format = if is_sha256 { "sha256" } else { "sha1" };
    if mirror.join("HEAD").exists() && format_of(place, &repository.name)? != format {
        // Of no upstream that is there any more.
        fs::remove_dir_all(&mirror)?;
    }
    fs::create_dir_all(&mirror)?;
    let format = format!("--object-format={format}");
    git(
        place,
        &repository.name,
        &["init", "--quiet", "--bare", "--template=", &format],
    )?;
    let limit = format!("{}m", repository.policy.max_push_mib);
    for (key, value) in SETTINGS
        .into_iter()
        .chain([("receive.maxInputSize", limit.as_str())])
    {
        git(place, &repository.name, &["config", key, value])?;
    }
    fs::create_dir_all(mirror.join("hooks"))?;
    for hook in HOOKS {
        linked(&mirror.join("hooks").join(hook))?;
    }
    tidy(&mirror)
}

fn format_of(place: &Place, name: &str) -> io::Result<String> {
    git(place, name, &["rev-parse", "--show-object-format"]).map(|said| said.trim().to_owned())
}

/// What a gate that was killed left: pushes in quarantine, and locks that nobody holds.
fn tidy(mirror: &Path) -> io::Result<()> {
    for entry in fs::read_dir(mirror.join("objects"))? {
        let entry = entry?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("tmp_objdir-")
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    for lock in ["HEAD.lock", "packed-refs.lock", "config.lock"] {
        absent_is_fine(fs::remove_file(mirror.join(lock)))?;
    }
    Ok(())
}

/// A link to this program.
fn linked(path: &Path) -> io::Result<()> {
    let program: PathBuf = std::env::current_exe()?;
    absent_is_fine(fs::remove_file(path))?;
    symlink(program, path)
}

fn git(place: &Place, name: &str, arguments: &[&str]) -> io::Result<String> {
    let mut git = clean_room::git(place, name);
    let said = child::output(git.args(arguments), GIT_TIME, FETCH_WORDS_OCTETS);
    let said = said.map_err(|error| io::Error::other(format!("git {} {error}", arguments[0])))?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
