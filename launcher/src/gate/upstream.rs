//! What upstream has now, brought into the mirror.

use std::io;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::child::{self, ChildError};

use super::clean_room;
use super::config::Repository;
use super::leftovers;
use super::limits::{HEAD_OCTETS, PROGRAM_TIME, REFRESH_TIME, TOOL_ANSWER_OCTETS};
use super::mirror::ObjectFormat;
use super::place::Place;
use super::stale::{self, Stale};

/// What a mirror's HEAD is when upstream's names no branch: nobody's branch.
pub(super) const NO_BRANCH: &str = "refs/heads/bottle-gate-knows-no-default-branch";

/// All that is mirrored.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// Makes the mirror's branches and tags those of upstream, and its HEAD too. Who calls it
/// holds the lock, and is ended with its process group.
///
/// # Errors
///
/// The mirror may be stale: nobody may be served from it.
pub(super) fn refresh(
    place: &Place,
    repository: &Repository,
    within: Duration,
) -> Result<(), Stale> {
    let name = repository.name.as_str();
    for (what, path) in place.ssh_files(name) {
        if !path.is_file() {
            return Err(Stale::NoCredential(what));
        }
    }
    let latest = Instant::now() + within;
    leftovers::of_refs(&place.mirror(name))?;
    leftovers::of_fetches(&place.mirror(name))?;
    // Both ask at once. A HEAD that was turned to a branch in between is asked for again.
    for _ in 0..2 {
        let (fetched, head) = thread::scope(|scope| {
            let head = scope.spawn(|| upstream_head(place, repository, latest, within));
            let fetched = fetch(place, repository, latest, within);
            let broken = |_| {
                Err(Stale::Other(
                    "the thread that asks for HEAD broke".to_owned(),
                ))
            };
            (fetched, head.join().unwrap_or_else(broken))
        });
        fetched?;
        let head = head?;
        if head
            .as_deref()
            .is_none_or(|head| exists(place, name, head).unwrap_or(false))
        {
            return Ok(set_head(place, name, head.as_deref().unwrap_or(NO_BRANCH))?);
        }
    }
    Err(Stale::Other(
        "its HEAD and its branches differ each time they are asked for".to_owned(),
    ))
}

/// The upstream's default branch as of the last refresh, such as `refs/heads/main`: what the
/// mirror's HEAD names, if it is there.
///
/// # Errors
///
/// The mirror can't be read.
pub(super) fn default_branch(place: &Place, name: &str) -> io::Result<Option<String>> {
    let Some(head) = head(place, name)? else {
        return Ok(None);
    };
    Ok(exists(place, name, &head)?.then_some(head))
}

/// The branch that the mirror's HEAD names, whether it is there or not.
///
/// # Errors
///
/// The mirror can't be read.
pub(super) fn head(place: &Place, name: &str) -> io::Result<Option<String>> {
    let text = std::fs::read_to_string(place.mirror(name).join("HEAD"))?;
    Ok(text
        .strip_prefix("ref: ")
        .map(|branch| branch.trim_end().to_owned()))
}

fn exists(place: &Place, name: &str, branch: &str) -> io::Result<bool> {
    let mut git = clean_room::git(place, name);
    git.args(["for-each-ref", "--format=%(refname)", branch]);
    let listed = child::output_in_this_group(&mut git, PROGRAM_TIME, TOOL_ANSWER_OCTETS)
        .map_err(|error| io::Error::other(format!("git for-each-ref {error}")))?;
    // The pattern matches what is below that name as well.
    Ok(listed
        .split(|&octet| octet == b'\n')
        .any(|line| line == branch.as_bytes()))
}

fn set_head(place: &Place, name: &str, branch: &str) -> io::Result<()> {
    if head(place, name)?.as_deref() == Some(branch) {
        return Ok(());
    }
    let mut git = clean_room::git(place, name);
    git.args(["symbolic-ref", "HEAD", branch]);
    child::output_in_this_group(&mut git, PROGRAM_TIME, TOOL_ANSWER_OCTETS)
        .map(drop)
        .map_err(|error| io::Error::other(format!("git symbolic-ref {error}")))
}

fn fetch(
    place: &Place,
    repository: &Repository,
    latest: Instant,
    within: Duration,
) -> Result<(), Stale> {
    let mut git = clean_room::toward_upstream(place, &repository.name);
    git.args(["fetch", "--quiet", "--prune", "--no-tags", "--no-auto-gc"]);
    git.args([
        "--no-write-fetch-head",
        "--no-show-forced-updates",
        "--no-recurse-submodules",
    ]);
    git.arg("--").arg(&repository.url).args(REFSPECS);
    asked(&mut git, latest, within, TOOL_ANSWER_OCTETS).map(drop)
}

/// The branch that upstream's HEAD names, if it is there.
fn upstream_head(
    place: &Place,
    repository: &Repository,
    latest: Instant,
    within: Duration,
) -> Result<Option<String>, Stale> {
    let mut git = clean_room::toward_upstream(place, &repository.name);
    git.args([
        "ls-remote",
        "--symref",
        "--",
        repository.url.as_str(),
        "HEAD",
    ]);
    let answer = asked(&mut git, latest, within, HEAD_OCTETS)?;
    Ok(branch_of(&String::from_utf8_lossy(&answer)))
}

/// What upstream's object ids are made by, when it has none to show: git alone hears it, and
/// says it in its trace.
pub(super) fn object_format(place: &Place, repository: &Repository) -> Result<ObjectFormat, Stale> {
    let trace = place.temporary().join(format!("{}.trace", repository.name));
    let mut git = clean_room::toward_upstream(place, &repository.name);
    git.args(["ls-remote", "--", repository.url.as_str()]);
    git.env("GIT_TRACE_PACKET", &trace);
    let within = REFRESH_TIME;
    asked(&mut git, Instant::now() + within, within, HEAD_OCTETS)?;
    let told = std::fs::read(&trace)?;
    std::fs::remove_file(&trace)?;
    let sha256 = memchr::memmem::find(&told, b"object-format=sha256").is_some();
    Ok(if sha256 {
        ObjectFormat::Sha256
    } else {
        ObjectFormat::Sha1
    })
}

/// Has the mirror any ref?
pub(super) fn is_empty(place: &Place, name: &str) -> io::Result<bool> {
    let mut git = clean_room::git(place, name);
    git.args(["for-each-ref", "--count=1"]);
    child::output_in_this_group(&mut git, PROGRAM_TIME, TOOL_ANSWER_OCTETS)
        .map(|listed| listed.is_empty())
        .map_err(|error| io::Error::other(format!("git for-each-ref {error}")))
}

/// The branch in an answer such as `ref: refs/heads/main\tHEAD`.
fn branch_of(answer: &str) -> Option<String> {
    let mut branches = answer.lines().filter_map(|line| {
        let branch = line.strip_prefix("ref: ")?.strip_suffix("\tHEAD")?;
        branch.starts_with("refs/heads/").then(|| branch.to_owned())
    });
    branches.next()
}

fn asked(
    git: &mut Command,
    latest: Instant,
    within: Duration,
    limit_octets: usize,
) -> Result<Vec<u8>, Stale> {
    let left = latest.saturating_duration_since(Instant::now());
    match child::output_in_this_group(git, left, limit_octets) {
        Ok(octets) => Ok(octets.to_vec()),
        Err(ChildError::Failed(_, text)) => Err(stale::reason(&text)),
        Err(ChildError::TimedOut(_)) => Err(Stale::TimedOut(within)),
        Err(error @ (ChildError::Start(_) | ChildError::TooLong(_) | ChildError::Io(_))) => {
            Err(Stale::Other(format!("git {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_branch_is_read_from_upstreams_answer() {
        let rows = [
            (
                "ref: refs/heads/main\tHEAD\n0123\tHEAD\n",
                Some("refs/heads/main"),
            ),
            ("ref: refs/heads/a/b\tHEAD\n", Some("refs/heads/a/b")),
            (
                "ref: refs/remotes/o/x\trefs/remotes/o/HEAD\nref: refs/heads/x\tHEAD\n",
                Some("refs/heads/x"),
            ),
            // Detached, unborn, not mirrored.
            ("0123\tHEAD\n", None),
            ("", None),
            ("ref: refs/changes/1\tHEAD\n", None),
        ];
        for (answer, branch) in rows {
            assert_eq!(branch_of(answer).as_deref(), branch, "{answer}");
        }
    }
}
