//! What upstream has: asked for, and fetched into the mirror.

use std::process::Command;
use std::time::{Duration, Instant};

use super::clean_room;
use super::config::Repository;
use super::limits::{FETCH_WORDS_OCTETS, REFS_OCTETS};
use super::place::Place;
use crate::child::{self, ChildError};

/// Branches and tags are upstream's own; whatever else upstream has (pull requests, notes) is not
/// for an agent.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// What upstream says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Advertised {
    /// The branch that `HEAD` names; none where it names none, or there is no branch.
    pub(super) default: Option<String>,
    /// Whether objects are named by SHA-256. Where there is no ref nobody can tell.
    pub(super) is_sha256: bool,
}

/// Asks upstream what it has.
///
/// # Errors
///
/// A sentence that says why there is no answer, and what to do.
pub(super) fn ask(
    place: &Place,
    repository: &Repository,
    within: Duration,
) -> Result<Advertised, String> {
    let mut git = clean_room::toward_upstream(place, &repository.name);
    // The mirror may not be there yet, and is not needed.
    git.env_remove("GIT_DIR").current_dir(&place.mirrors);
    git.args(["ls-remote", "--symref", &repository.url]);
    let said = run(&mut git, within, REFS_OCTETS).map_err(|error| why(repository, &error))?;
    Ok(advertised(&String::from_utf8_lossy(&said)))
}

/// Makes the mirror's branches and tags upstream's, and its `HEAD` too. The lock is the caller's.
///
/// # Errors
///
/// A sentence that says why it is not, and what to do.
pub(super) fn refresh(
    place: &Place,
    repository: &Repository,
    within: Duration,
) -> Result<(), String> {
    let latest = Instant::now() + within;
    // Two connections at the same time: each is some round trips.
    let (asked, fetched) = std::thread::scope(|scope| {
        let asked = scope.spawn(|| ask(place, repository, within));
        let fetched = fetch(place, repository, within);
        let asked = asked.join();
        (
            asked.unwrap_or_else(|_panic| Err("git could not be asked".to_owned())),
            fetched,
        )
    });
    fetched?;
    let Some(default) = asked?.default else {
        return Ok(());
    };
    let mut git = clean_room::git(place, &repository.name);
    git.args(["symbolic-ref", "HEAD", &default]);
    let left = latest.saturating_duration_since(Instant::now());
    let set = run(&mut git, left, FETCH_WORDS_OCTETS);
    set.map(drop)
        .map_err(|error| format!("the mirror's HEAD: {error}"))
}

fn fetch(place: &Place, repository: &Repository, within: Duration) -> Result<(), String> {
    let mut git = clean_room::toward_upstream(place, &repository.name);
    git.args([
        "fetch",
        "--quiet",
        "--prune",
        "--no-tags",
        "--no-write-fetch-head",
    ]);
    git.args(["--no-auto-maintenance", "--no-recurse-submodules"]);
    git.arg(&repository.url).args(REFSPECS);
    let fetched = run(&mut git, within, FETCH_WORDS_OCTETS);
    fetched.map(drop).map_err(|error| why(repository, &error))
}

fn run(git: &mut Command, within: Duration, limit: usize) -> Result<Vec<u8>, ChildError> {
    child::output(git, within, limit).map(|said| said.to_vec())
}

/// The lines of `git ls-remote --symref`.
fn advertised(text: &str) -> Advertised {
    const SHA256_DIGITS: usize = 64;
    let mut found = Advertised::default();
    for line in text.lines() {
        let Some((value, name)) = line.split_once('\t') else {
            continue;
        };
        match value.strip_prefix("ref: ") {
            Some(branch) if name == "HEAD" && branch.starts_with("refs/heads/") => {
                found.default = Some(branch.to_owned());
            }
            Some(_) => {}
            None => found.is_sha256 = value.len() == SHA256_DIGITS,
        }
    }
    found
}

/// Why upstream gave nothing, for a person: what it was, what to do, and git's last words.
fn why(repository: &Repository, error: &ChildError) -> String {
    let text = error.to_string();
    let is = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let key = format!("git_gate.repos.{}", repository.name);
    let what = if is(&["Host key verification failed", "no host key is pinned"]) {
        format!("its host key is not the one of {key}.host_key; compare it before you change that")
    } else if is(&["Permission denied"]) {
        format!("it does not take the key of {key}")
    } else if is(&["it has no key"]) {
        "the gate has no key for it".to_owned()
    } else if is(&[
        "Connection refused",
        "Could not resolve",
        "timed out",
        "No route to host",
        "Network is unreachable",
        "Connection closed",
        "Connection reset",
    ]) {
        "it can't be reached".to_owned()
    } else if matches!(error, ChildError::TimedOut(_)) {
        "it takes too long".to_owned()
    } else {
        format!("it does not serve {}", repository.url)
    };
    format!("upstream of {}: {what} (git {text})", repository.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_branch_and_the_kind_of_names_are_read() {
        let id = "1".repeat(40);
        let text = format!(
            "ref: refs/heads/trunk\tHEAD\n{id}\tHEAD\n{id}\trefs/heads/trunk\n{id}\trefs/tags/v1^{{}}\n"
        );
        let found = advertised(&text);
        assert_eq!(found.default.as_deref(), Some("refs/heads/trunk"));
        assert!(!found.is_sha256);
        let found = advertised(&format!("{}\tHEAD\n", "1".repeat(64)));
        assert_eq!((found.default, found.is_sha256), (None, true));
        assert_eq!(advertised(""), Advertised::default());
        assert_eq!(advertised("ref: refs/pull/1\tHEAD\n").default, None);
    }
}
