//! What a work directory's git configuration holds before the agent, and after it.
//!
//! Git of the host runs what stands there (`core.fsmonitor`, `core.hooksPath`, filters, aliases),
//! so what an agent changed is shown to the person who will run it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::diff;
use super::git_directory::read;
use super::obeyed;
use crate::limits::{GIT_FILE_OCTETS, GIT_FILES, GIT_KEPT_OCTETS};
use crate::manifest::WorkdirMode;
use crate::plan::{GuardMount, Workdir};
use crate::visible::visible;

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
    /// Its octets, and whether it may be run.
    Text(Vec<u8>, bool),
    /// Where it leads, and what is there if that lies in the work directory.
    Link(PathBuf, Option<Box<Content>>),
    /// Nobody can set the time of a change, only cause another.
    TooLong { octets: u64, changed: (i64, i64) },
    /// A folder that can't be looked into, a pipe, a socket, a device.
    Other,
}

/// Every file of a bound work directory that git of the host obeys, as it was.
pub struct Snapshot {
    /// The work directory; none: the agent can change nothing of the host's.
    work: Option<PathBuf>,
    /// The git directories outside of it that the agent may write.
    shared: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Content>,
}

impl Snapshot {
    /// Takes one; of a work directory that is not bound it is empty, for the agent can
    /// change nothing there.
    pub fn take(workdir: &Workdir) -> io::Result<Snapshot> {
        let bound = workdir.host.as_ref();
        let work = bound.filter(|_| workdir.mode == WorkdirMode::Bind).cloned();
        let mut shared = Vec::new();
        if let Some(work) = &work {
            shared.extend(workdir.mounts.iter().filter_map(|mount| match mount {
                GuardMount::Itself(path) if !path.starts_with(work) => Some(path.clone()),
                GuardMount::Itself(_) | GuardMount::ReadOnly(_) | GuardMount::EmptyReadOnly(_) => {
                    None
                }
            }));
        }
        let mut snapshot = Snapshot {
            work,
            shared,
            files: BTreeMap::new(),
        };
        snapshot.files = snapshot.contents()?;
        Ok(snapshot)
    }

    /// What is otherwise now, as text for a person's terminal; none: nothing.
    pub fn changes(&self) -> io::Result<Option<String>> {
        let now = self.contents()?;
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

    fn contents(&self) -> io::Result<BTreeMap<PathBuf, Content>> {
        let mut files = BTreeMap::new();
        let Some(work) = &self.work else {
            return Ok(files);
        };
        let mut waiting = obeyed::below(work)?;
        for shared in &self.shared {
            waiting.extend(obeyed::of_git_directory(shared)?);
        }
        // What was obeyed through another file is looked at again, named there or not.
        waiting.extend(self.files.keys().cloned());
        let mut room = GIT_KEPT_OCTETS;
        while let Some(file) = waiting.pop() {
            if files.contains_key(&file) {
                continue;
            }
            let content = match content(&file, work, &mut room) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                content => content?,
            };
            // A script has variables, and they name nothing that git obeys.
            if let Content::Text(octets, _) = &content
                && !octets.starts_with(b"#!")
            {
                waiting.extend(named_by(octets, &file, work));
            }
            files.insert(file, content);
            if files.len() > GIT_FILES {
                let text = format!("{}: more than {GIT_FILES} files of git's", work.display());
                return Err(io::Error::other(text));
            }
        }
        Ok(files)
    }
}

/// Keys whose values name files that are obeyed as well: hooks, and further configuration.
const NAMING: [&str; 2] = ["hookspath", "path"];

/// The files of the work directory that a configuration names, which an agent may write.
fn named_by(config: &[u8], file: &Path, work: &Path) -> Vec<PathBuf> {
    let text = String::from_utf8_lossy(config);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    // A section's head may stand before its first key.
    let key = |text: &str| {
        let key = text.rsplit(']').next().unwrap_or_default();
        key.trim().to_ascii_lowercase()
    };
    let values = pairs.filter(|(name, _)| NAMING.contains(&key(name).as_str()));
    let folder = file.parent().unwrap_or(work);
    let mut named = Vec::new();
    for (_, value) in values {
        let value = value.trim().trim_matches('"');
        // Hooks are named from the repository's root, configuration from where it is named.
        for base in [folder, folder.parent().unwrap_or(folder), work] {
            match fs::canonicalize(base.join(value)) {
                Ok(path) if path == work || !path.starts_with(work) => {}
                Ok(path) if path.is_dir() => named.extend(files_in(&path)),
                Ok(path) => named.push(path),
                Err(_absent) => {}
            }
        }
    }
    named
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    files.map(|entry| entry.path()).collect()
}

fn content(path: &Path, work: &Path, room: &mut usize) -> io::Result<Content> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        // Elsewhere it may be a secret of the user's, and nothing that the agent can write.
        let inside = fs::canonicalize(path).ok();
        let inside = inside.filter(|target| target.starts_with(work));
        let there = inside.and_then(|target| content(&target, work, room).ok());
        return Ok(Content::Link(fs::read_link(path)?, there.map(Box::new)));
    }
    if !metadata.is_file() {
        return Ok(Content::Other);
    }
    let most = GIT_FILE_OCTETS.min(*room);
    match usize::try_from(metadata.len()) {
        Ok(length) if length <= most => {
            let octets = read(path)?;
            *room = room.saturating_sub(octets.len());
            Ok(Content::Text(octets, metadata.mode() & 0o111 != 0))
        }
        Ok(_) | Err(_) => Ok(Content::TooLong {
            octets: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }),
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
    let lines = match before == after {
        // Two contents that read alike.
        true => "  (in what can't be shown)\n".to_owned(),
        false => diff::lines(&before, &after),
    };
    head + &lines
}

fn shown(content: Option<&Content>) -> Vec<String> {
    match content {
        None => Vec::new(),
        Some(Content::Text(octets, may_run)) => {
            let text = String::from_utf8_lossy(octets);
            let lines = text
                .lines()
                .map(|line| visible(&line.replace('\t', "    ")));
            let run = may_run.then(|| "(it may be run)".to_owned());
            run.into_iter().chain(lines).collect()
        }
        Some(Content::Link(target, there)) => {
            let target = visible(&format!("(a link to {})", target.display()));
            [vec![target], shown(there.as_deref())].concat()
        }
        Some(Content::TooLong { octets, .. }) => {
            vec![format!("({octets} octets, too long to show)")]
        }
        Some(Content::Other) => vec!["(no file that can be read)".to_owned()],
    }
}

#[cfg(test)]
mod tests;
