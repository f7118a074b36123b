//! The files that git of the host obeys: configuration, and hooks, wherever they lie.
//!
//! Git takes every directory for a repository that looks like one, and enters those that an
//! index names without asking. An agent can make one anywhere in a bound work directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::git_directory::presence;
use crate::limits::{GIT_ENTRIES, GIT_FILES};
use crate::plan::Presence;

/// Folders of git's data. Branches and objects in there have any name, so nothing is taken
/// for a configuration by its name alone.
const DATA: [&str; 5] = ["objects", "refs", "logs", "lfs", "annex"];

/// Files that git obeys in one of its directories. What a rebase has still to do may be
/// commands, which `git rebase --continue` runs.
const OBEYED: [&str; 4] = ["config", "config.worktree", "commondir", "git-rebase-todo"];

/// How a folder is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folder {
    /// It belongs to a git directory: names say what is obeyed.
    OfGit,
    /// The hooks of one.
    Hooks,
    /// It may hold a git directory, under any name.
    Any,
}

/// Every file below a git directory that git obeys, also of submodules and worktrees.
/// Sorted.
pub(super) fn of_git_directory(root: &Path) -> io::Result<Vec<PathBuf>> {
    match presence(root)? {
        Presence::Directory => walk(root, Folder::OfGit),
        Presence::Absent | Presence::Other => Ok(Vec::new()),
    }
}

/// Every file below a work directory that git obeys, in repositories of any name and depth;
/// a `.git` that is a file or a link is one, and so is a folder that can't be looked into.
/// Sorted.
pub(super) fn below(work: &Path) -> io::Result<Vec<PathBuf>> {
    walk(work, Folder::Any)
}

fn walk(root: &Path, kind: Folder) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    // Not by recursion: an agent makes folders deeper than any stack.
    let mut waiting = vec![(root.to_path_buf(), kind)];
    let mut seen = 0;
    while let Some((folder, kind)) = waiting.pop() {
        let entries = match entries(&folder) {
            Ok(entries) => entries,
            // A data base's own folder, say. That it can be read no longer is told.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && folder != root => {
                found.push(folder);
                continue;
            }
            Err(error) => return Err(error),
        };
        seen += entries.len();
        let kind = match kind {
            Folder::Any if looks_like_git(&entries) => Folder::OfGit,
            Folder::Any | Folder::OfGit | Folder::Hooks => kind,
        };
        for (name, is_folder) in entries {
            match below_this(kind, &name, is_folder) {
                Next::Enter(kind) => waiting.push((folder.join(name), kind)),
                Next::Found => found.push(folder.join(name)),
                Next::Pass => {}
            }
        }
        if seen > GIT_ENTRIES {
            let text = format!("{}: more than {GIT_ENTRIES} files", root.display());
            return Err(io::Error::other(text));
        }
        if found.len() > GIT_FILES {
            let text = format!("{}: more than {GIT_FILES} files of git's", root.display());
            return Err(io::Error::other(text));
        }
    }
    found.sort();
    Ok(found)
}

/// Name, and whether it is a folder; a link is none.
type Entry = (std::ffi::OsString, bool);

fn entries(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        entries.push((entry.file_name(), entry.file_type()?.is_dir()));
    }
    Ok(entries)
}

/// What git itself asks of a directory, less than that: that there is a `HEAD`, and objects
/// or a word about where they are.
fn looks_like_git(entries: &[Entry]) -> bool {
    let has = |name: &str| entries.iter().any(|(entry, _)| entry == name);
    has("HEAD") && (has("objects") || has("commondir"))
}

enum Next {
    Enter(Folder),
    Found,
    Pass,
}

fn below_this(kind: Folder, name: &std::ffi::OsStr, is_folder: bool) -> Next {
    let is = |one: &str| name == one;
    match (kind, is_folder) {
        (_, true) if name == ".git" => Next::Enter(Folder::OfGit),
        (_, false) if name == ".git" => Next::Found,
        (Folder::Any, true) => Next::Enter(Folder::Any),
        (Folder::Any, false) => Next::Pass,
        // A submodule may be called `objects`.
        (Folder::OfGit, true) if DATA.iter().any(|data| is(data)) => Next::Enter(Folder::Any),
        (Folder::OfGit, true) if name == "hooks" => Next::Enter(Folder::Hooks),
        (Folder::OfGit, true) => Next::Enter(Folder::OfGit),
        (Folder::OfGit, false) if OBEYED.iter().any(|obeyed| is(obeyed)) => Next::Found,
        (Folder::OfGit, false) => Next::Pass,
        // A submodule may be called `hooks`, too.
        (Folder::Hooks, true) => Next::Enter(Folder::OfGit),
        (Folder::Hooks, false) if name.to_string_lossy().ends_with(".sample") => Next::Pass,
        (Folder::Hooks, false) => Next::Found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(root: &Path, files: &[&str]) {
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "").expect("written");
        }
    }

    fn of(root: &Path, files: &[&str]) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = files.iter().map(|file| root.join(file)).collect();
        files.sort();
        files
    }

    #[test]
    fn the_files_that_git_obeys_are_found_up_to_their_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let there = [
            "config",
            "hooks/pre-push",
            "modules/a/b/config",
            "modules/a/b/hooks/x",
            "rebase-merge/git-rebase-todo",
        ];
        let others = [
            "HEAD",
            "hooks/x.sample",
            "objects/config",
            "modules/a/b/objects/config",
            "refs/heads/config",
            "refs/heads/hooks/x",
            "refs/remotes/origin/HEAD",
            "refs/remotes/origin/config",
        ];
        made(root, &there);
        made(root, &others);
        assert_eq!(of_git_directory(root).expect("found"), of(root, &there));
        for number in there.len()..GIT_FILES {
            fs::write(root.join("hooks").join(number.to_string()), "").expect("written");
        }
        let all = of_git_directory(root).expect("found");
        assert_eq!(all.len(), GIT_FILES);
        fs::write(root.join("hooks/one-more"), "").expect("written");
        assert!(of_git_directory(root).is_err());
    }

    #[test]
    fn no_name_and_no_depth_hides_a_repository() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let deep = format!(".git/modules/{}config", "d/".repeat(40));
        let there = [
            ".git/config",
            // Submodules of these names.
            ".git/modules/logs/config",
            ".git/modules/objects/hooks/post-checkout",
            ".git/modules/hooks/config",
            &deep,
            // A repository of the agent's own that the index names, a bare one, a file.
            "vendor/x/.git/config",
            "vendor/bare/config",
            "vendor/bare/hooks/update",
            "vendor/sub/.git",
        ];
        let others = [
            ".git/HEAD",
            ".git/modules/logs/HEAD",
            ".git/modules/logs/commondir.txt",
            ".git/modules/logs/objects/ab/cd",
            ".git/modules/objects/HEAD",
            ".git/modules/objects/objects/ab/cd",
            "vendor/bare/HEAD",
            "vendor/bare/objects/ab/cd",
            "vendor/config",
            "hooks/pre-commit",
            "config",
        ];
        made(root, &there);
        made(root, &others);
        assert_eq!(below(root).expect("found"), of(root, &there));
    }
}
