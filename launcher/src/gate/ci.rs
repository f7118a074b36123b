//! Whether a push changes what CI runs: it has the forge's secrets, and whoever writes it has
//! them too.

use std::collections::{BTreeSet, HashMap};
use std::io;

use super::errand::ask;
use super::refs::Refs;

/// The entries of a root tree that forges look at.
const ROOTS: [&str; 4] = [".github", ".gitea", ".forgejo", ".gitlab-ci.yml"];

/// Where in a tree it lies, octet by octet: forges read no name in other letters. `.github` alone
/// is a part where it is no directory, such as a link; elsewhere much in it is not CI's.
const PATHS: [&str; 5] = [
    DIRECTORY,
    ".github/workflows",
    ".gitea",
    ".forgejo",
    ".gitlab-ci.yml",
];
const DIRECTORY: &str = ".github";

// A tree whose entries are out of order, or twice there, is another to git than to a forge. It does
// not come this far: `receive.fsckObjects` is set in each mirror.

/// The object at each of [`PATHS`]; empty: there is none.
type Parts = [String; PATHS.len()];

/// The first thing that commits which the mirror hasn't change in it, in words. `tips` are what
/// refs are to be, and `known` commits whose parts are upstream's own.
///
/// Every new commit is looked at, not the tips alone: once a commit is upstream, a later ref may
/// lead to it, and a branch made on the forge's own page asks no gate. A commit changes nothing
/// if each part is that of one of its parents, so that a merge may take what upstream has made of
/// it, or that of a known commit, so that a squash or a rebase may. Known are the default branch
/// and what the ref was, no other: an old tag's would bring an old workflow back to life.
///
/// # Errors
///
/// git's.
pub(super) fn change(refs: &Refs<'_>, tips: &[&str], known: &[&str]) -> io::Result<Option<String>> {
    let suspects = suspects(refs, tips)?;
    if suspects.is_empty() {
        return Ok(None);
    }
    let commits = suspects.iter().flatten().map(String::as_str);
    let parts = parts(refs, commits.chain(known.iter().copied()))?;
    let is_known = |at: usize, part: &String| {
        let mut known = known.iter().filter_map(|commit| parts.get(commit));
        !part.is_empty() && known.any(|parts| parts[at] == *part)
    };
    let own = suspects.iter().flat_map(|suspect| own(&parts, suspect));
    let mut changes = own.filter(|(_, at, part)| !is_known(*at, part));
    Ok(changes
        .next()
        .map(|(commit, at, _)| format!("commit {commit:.12} changes {}", PATHS[at])))
}

/// Every new commit that differs in [`ROOTS`] from some parent, and its parents behind it, from
/// one git however many they are. `--full-history`, or the side of a merge that it did not take
/// would be passed over.
fn suspects(refs: &Refs<'_>, tips: &[&str]) -> io::Result<Vec<Vec<String>>> {
    let mut history = refs.git();
    history.args([
        "rev-list",
        "--full-history",
        "--no-commit-header",
        "--format=%H %P",
    ]);
    history
        .args(["--stdin", "--not", "--all", "--"])
        .args(ROOTS);
    let listing = ask(&mut history, &(tips.join("\n") + "\n"))?;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    Ok(listing.lines().map(words).collect())
}

/// The parts of each commit, from one git as well.
fn parts<'c>(
    refs: &Refs<'_>,
    commits: impl Iterator<Item = &'c str>,
) -> io::Result<HashMap<&'c str, Parts>> {
    let commits: BTreeSet<&str> = commits.collect();
    let asked = commits
        .iter()
        .flat_map(|commit| PATHS.map(|path| format!("{commit}:{path}\n")));
    let mut objects = refs.git();
    objects.args(["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
    let answer = ask(&mut objects, &asked.collect::<String>())?;
    let mut answers = answer.lines();
    let mut part = |path| match answers.next().and_then(|line| line.rsplit_once(' ')) {
        Some((_, "missing")) => Ok(String::new()),
        Some((_, "tree")) if path == DIRECTORY => Ok(String::new()),
        Some((object, _)) => Ok(object.to_owned()),
        None => Err(io::Error::other("git cat-file told less than it was asked")),
    };
    let mut found = HashMap::new();
    for commit in commits {
        let mut parts = Parts::default();
        for (slot, path) in parts.iter_mut().zip(PATHS) {
            *slot = part(path)?;
        }
        found.insert(commit, parts);
    }
    Ok(found)
}

/// What a commit, first in `suspect`, has of no parent.
fn own<'p>(
    parts: &'p HashMap<&str, Parts>,
    suspect: &'p [String],
) -> Vec<(&'p str, usize, &'p String)> {
    let of = |commit: &String| parts.get(commit.as_str());
    let Some((commit, parents)) = suspect.split_first() else {
        return Vec::new();
    };
    let is_inherited = |at: usize, part: &String| match parents {
        // A root begins with nothing.
        [] => part.is_empty(),
        parents => parents
            .iter()
            .filter_map(of)
            .any(|parts| parts[at] == *part),
    };
    let all = of(commit)
        .into_iter()
        .flat_map(|parts| parts.iter().enumerate());
    let own = all.filter(|(at, part)| !is_inherited(*at, part));
    own.map(|(at, part)| (commit.as_str(), at, part)).collect()
}
