//! What a work directory's git configuration holds before the agent, and after it.
//!
//! Git of the host runs what stands there (`core.fsmonitor`, `core.hooksPath`, filters, aliases),
//! so what an agent changed is shown to the person who will run it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::diff;
use super::git_directory::{obeyed, read};
use crate::limits::GIT_FILE_OCTETS;
use crate::manifest::WorkdirMode;
use crate::plan::{GuardMount, Workdir, visible};

/// Whether a configuration has a credential in it: a URL with a user (of ssh: with a
/// password), or an authorization field. A comment is no excuse, for the agent would read it.
pub(super) fn holds_credential(config: &[u8]) -> bool {
    let text = String::from_utf8_lossy(config).to_lowercase();
    // A value may go on in the next line, and have quotes and escapes anywhere.
    let text = text.replace("\\\r\n", "").replace("\\\n", "");
    let text: String = text.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
    let has_field = text.lines().any(|line| {
        let key = line.split('=').next().unwrap_or_default();
        key.contains("extraheader") && line.contains("authorization")
    });
    has_field || text.match_indices("://").any(|(at, _)| has_user(&text, at))
}

/// Whether the URL whose `://` is at `at` names a user that may be a secret.
fn has_user(text: &str, at: usize) -> bool {
    let scheme = text[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '+');
    let is_ssh = scheme
        .into_iter()
        .next()
        .is_some_and(|scheme| scheme.contains("ssh"));
    let rest = &text[at + "://".len()..];
    let end = rest.find(|c: char| c == '/' || c == '?' || c == '#' || c.is_whitespace());
    match rest[..end.unwrap_or(rest.len())].rsplit_once('@') {
        Some((user, _)) => !is_ssh || user.contains(':'),
        None => false,
    }
}

/// What stood at a path.
#[derive(Clone, PartialEq, Eq)]
enum Content {
    Text(Vec<u8>),
    Link(PathBuf),
    TooLong(u64),
    /// A pipe, a socket, a device.
    Other,
}

/// Every file of a bound work directory that git of the host obeys, as it was.
pub struct Snapshot {
    roots: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Content>,
}

impl Snapshot {
    /// Takes one; of a work directory that is not bound it is empty, for the agent can
    /// change nothing there.
    pub fn take(workdir: &Workdir) -> io::Result<Snapshot> {
        let mut roots = Vec::new();
        if let (WorkdirMode::Bind, Some(host)) = (workdir.mode, &workdir.host) {
            roots.push(host.join(".git"));
            roots.extend(workdir.mounts.iter().filter_map(|mount| match mount {
                GuardMount::Itself(path) => Some(path.clone()),
                GuardMount::ReadOnly(_) | GuardMount::EmptyReadOnly(_) => None,
            }));
        }
        roots.sort();
        roots.dedup();
        let files = contents(&roots)?;
        Ok(Snapshot { roots, files })
    }

    /// What is otherwise now, as text for a person's terminal; none: nothing.
    pub fn changes(&self) -> io::Result<Option<String>> {
        let now = contents(&self.roots)?;
        let mut paths: Vec<&PathBuf> = self.files.keys().chain(now.keys()).collect();
        paths.sort();
        paths.dedup();
        let mut text = String::new();
        for path in paths {
            let (before, after) = (self.files.get(path), now.get(path));
            if before != after {
                text.push_str(&difference(path, before, after));
            }
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

fn contents(roots: &[PathBuf]) -> io::Result<BTreeMap<PathBuf, Content>> {
    let mut files = BTreeMap::new();
    for root in roots {
        // A `.git` that is a file, or a link to a directory, is obeyed itself.
        match fs::symlink_metadata(root) {
            Ok(metadata) if !metadata.is_dir() => {
                files.insert(root.clone(), content(root)?);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        for file in obeyed(root)? {
            let content = content(&file)?;
            files.insert(file, content);
        }
    }
    Ok(files)
}

fn content(path: &Path) -> io::Result<Content> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(Content::Link(fs::read_link(path)?));
    }
    if !metadata.is_file() {
        return Ok(Content::Other);
    }
    match usize::try_from(metadata.len()) {
        Ok(length) if length <= GIT_FILE_OCTETS => read(path).map(Content::Text),
        Ok(_) | Err(_) => Ok(Content::TooLong(metadata.len())),
    }
}

fn difference(path: &Path, before: Option<&Content>, after: Option<&Content>) -> String {
    let name = visible(&path.display().to_string());
    let head = match (before, after) {
        (None, _) => format!("{name} is new:\n"),
        (Some(_), None) => format!("{name} is gone:\n"),
        (Some(_), Some(_)) => format!("{name} has changed:\n"),
    };
    let (before, after) = (shown(before), shown(after));
    head + &diff::lines(&before, &after)
}

fn shown(content: Option<&Content>) -> Vec<String> {
    match content {
        None => Vec::new(),
        Some(Content::Text(octets)) => {
            let text = String::from_utf8_lossy(octets);
            text.lines()
                .map(|line| visible(&line.replace('\t', "    ")))
                .collect()
        }
        Some(Content::Link(target)) => {
            vec![visible(&format!("(a link to {})", target.display()))]
        }
        Some(Content::TooLong(octets)) => vec![format!("({octets} octets, too long to show)")],
        Some(Content::Other) => vec!["(no file)".to_owned()],
    }
}

#[cfg(test)]
mod tests;
