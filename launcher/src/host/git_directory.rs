//! A work directory's `.git`: what it is, and what it shares with others.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::git_config::holds_credential;
use super::git_settings::leads_into;
use super::obeyed;
use super::places::resolved;
use crate::limits::GIT_FILE_OCTETS;
use crate::plan::{GitFacts, GitKind, Presence, Redirection};

/// What stands at a path; links are not followed.
pub(super) fn presence(path: &Path) -> io::Result<Presence> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(Presence::Directory),
        Ok(_) => Ok(Presence::Other),
        Err(error) if is_absent(&error) => Ok(Presence::Absent),
        Err(error) => Err(error),
    }
}

/// Nothing there, also because a folder on the way is a file.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The facts of the `.git` in this directory, whose path has no links.
pub(super) fn look(work: &Path) -> io::Result<Option<GitFacts>> {
    let entry = work.join(".git");
    let metadata = match fs::symlink_metadata(&entry) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let (kind, common) = if metadata.is_dir() {
        // Git would take configuration and hooks from where this file says.
        match presence(&entry.join("commondir"))? {
            Presence::Absent => (GitKind::Directory, entry),
            Presence::Directory | Presence::Other => (GitKind::Unproven, entry),
        }
    } else if !metadata.is_file() {
        (GitKind::Other, entry)
    } else if let Some(common) = shared(work, &entry) {
        (GitKind::File, common)
    } else {
        (GitKind::Unproven, entry)
    };
    Ok(Some(GitFacts {
        kind,
        hooks: presence(&common.join("hooks"))?,
        common,
    }))
}

/// What git's configuration says, of a work directory's own repository and of all below it.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Files that hold a credential.
    pub(super) with_credential: Vec<PathBuf>,
    /// What leads git of the host into the work directory.
    pub(super) redirections: Vec<Redirection>,
}

/// Reads what git obeys in this directory, whose path has no links; `home` is the user's.
pub(super) fn settings(work: &Path, git: Option<&GitFacts>, home: &Path) -> io::Result<Settings> {
    let hooks = git.map(|git| git.common.join("hooks"));
    let mut settings = Settings::default();
    // Repositories in the work directory's own folders are the agent's to read as well.
    let mut files = obeyed::below(work)?;
    if let Some(git) = git {
        files.extend(obeyed::of_git_directory(&git.common)?);
    }
    files.sort();
    files.dedup();
    for file in files {
        let is_config = file.file_name().is_some_and(|name| name != "commondir");
        if !is_config || !is_regular(&file) {
            continue;
        }
        let config = read(&file)?;
        let leads = leads_into(work, &file, &config, home);
        // These are mounted read-only.
        let leads = leads
            .into_iter()
            .filter(|(_, path)| hooks.as_ref() != Some(path));
        settings
            .redirections
            .extend(leads.map(|(setting, path)| Redirection {
                file: file.clone(),
                setting,
                path,
            }));
        if holds_credential(&config) {
            settings.with_credential.push(file);
        }
    }
    Ok(settings)
}

/// The common directory of the worktree or submodule whose `.git` is the file `entry`, if the
/// directory that it names says so too. What an agent wrote into its work directory must not
/// choose what is bound into the next one.
fn shared(work: &Path, entry: &Path) -> Option<PathBuf> {
    let named = line(entry, "gitdir:")?;
    let git_directory = fs::canonicalize(work.join(named)).ok()?;
    let common = match line(&git_directory.join("commondir"), "") {
        Some(path) => fs::canonicalize(git_directory.join(path)).ok()?,
        None => git_directory.clone(),
    };
    let is_worktree = || {
        let back = line(&git_directory.join("gitdir"), "");
        let back = back.is_some_and(|path| resolved(&git_directory.join(path)) == entry);
        back && git_directory.parent() == Some(&common.join("worktrees"))
    };
    let is_submodule = || {
        let config = read(&git_directory.join("config")).unwrap_or_default();
        let config = String::from_utf8_lossy(&config);
        let values = config.lines().filter_map(|line| line.split_once('='));
        let mut worktrees = values.filter(|(key, _)| key.trim().eq_ignore_ascii_case("worktree"));
        common == git_directory
            && worktrees.any(|(_, path)| {
                resolved_folder(&git_directory.join(path.trim().trim_matches('"'))) == work
            })
    };
    // In the work directory an agent could have written every one of these files.
    let stays_inside = !git_directory.starts_with(work) || common.starts_with(work);
    let is_repository = common.join("objects").is_dir();
    ((is_worktree() || is_submodule()) && stays_inside && is_repository).then_some(common)
}

fn resolved_folder(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_gone| path.to_path_buf())
}

/// The first line of a small file, behind this word.
fn line(file: &Path, word: &str) -> Option<String> {
    if !is_regular(file) {
        return None;
    }
    let text = String::from_utf8(read(file).ok()?).ok()?;
    let line = text.lines().next()?.strip_prefix(word)?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Whether there is a file to read: a pipe would block, a link lead elsewhere.
pub(super) fn is_regular(file: &Path) -> bool {
    fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file())
}

/// A regular file, whole.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut opened = fs::File::open(file)?;
    let octets = crate::bounded::read_at_most(&mut opened, GIT_FILE_OCTETS)?;
    if octets.len() > GIT_FILE_OCTETS {
        let text = format!("{}: more than {GIT_FILE_OCTETS} octets", file.display());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(octets.to_vec())
}

#[cfg(test)]
mod tests;
