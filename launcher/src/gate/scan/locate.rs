//! Where in the repository a finding is: its path, the commit that brought it, the ref.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::findings::Finding;
use super::ledger::{Kind, Ledger, Source};
use super::watch::Watch;
use super::{Push, Update};
use crate::child;
use crate::gate::clean_room;
use crate::gate::limits::{REFS_ASKED, TELL_TIME, TOLD_OBJECT_OCTETS};

/// Octets of an id and the line end behind it.
const ID_OCTETS: usize = 65;

/// All of it, as far as it could be found out.
#[derive(Debug, Default)]
pub(super) struct Located {
    /// The ref's name.
    pub(super) name: Option<Vec<u8>>,
    /// The file's, or the directory's of which an entry's name is meant; empty: the root.
    pub(super) path: Option<Vec<u8>>,
    /// Of a commit or tag: what stands before the message.
    head: Vec<String>,
    /// The commit's id.
    pub(super) commit: Option<String>,
}

impl Located {
    /// What that line of a commit or tag is, whose message is called `message`.
    pub(super) fn part(&self, message: &str, line: u32) -> String {
        let line = line as usize;
        if line > self.head.len() + 1 {
            return format!("the {message}, line {}", line - self.head.len() - 1);
        }
        // A signature and the like go on in lines that begin with a space.
        let mut before = self.head.iter().take(line).rev();
        let field = before.find(|line| !line.starts_with(' '));
        match field.and_then(|line| line.split(' ').next()) {
            Some("author") => "the author".to_owned(),
            Some("committer") => "the committer".to_owned(),
            Some("tagger") => "the tagger".to_owned(),
            Some("tag") => "the name in the tag".to_owned(),
            Some(_) | None => format!("a field before the {message}"),
        }
    }
}

/// Looks up these findings.
pub(super) fn locate(push: &Push<'_>, ledger: &Ledger, findings: &[Finding]) -> Vec<Located> {
    let latest = Instant::now() + TELL_TIME;
    let mut paths = HashMap::new();
    for finding in findings {
        if let Source::Object(object, _) = finding.source
            && matches!(ledger.kind(object), Kind::Blob | Kind::Tree)
        {
            paths.insert(ledger.id(object), None);
        }
    }
    // Without a path an object's id is told.
    let _ = if paths.is_empty() {
        Ok(())
    } else {
        find_paths(push, &mut paths, latest)
    };
    let one = |finding: &Finding| match finding.source {
        Source::Ref(_) => Located::default(),
        Source::Object(object, _) => of_object(push, ledger, &paths, object, latest),
    };
    findings.iter().map(one).collect()
}

fn of_object(
    push: &Push<'_>,
    ledger: &Ledger,
    paths: &HashMap<String, Option<Vec<u8>>>,
    object: u32,
    latest: Instant,
) -> Located {
    let (id, kind) = (ledger.id(object), ledger.kind(object));
    let path = paths.get(&id).cloned().flatten();
    let commit = ledger.commit_of(object).map(|commit| ledger.id(commit));
    // A ref may lead to what is no commit, or a tag may: what comes behind a commit then may be
    // none of its objects.
    let (path, commit) = match kind {
        Kind::Commit => (None, commit),
        Kind::Tag => (None, None),
        Kind::Blob | Kind::Tree => match (path, commit) {
            (Some(path), Some(commit)) if is_at(push, &commit, &path, &id, latest) => {
                (Some(path), Some(commit))
            }
            (path, _) => (path.filter(|path| !path.is_empty()), None),
        },
    };
    let head = match kind {
        Kind::Commit => head(push, "commit", &id, latest),
        Kind::Tag => head(push, "tag", &id, latest),
        Kind::Blob | Kind::Tree => Vec::new(),
    };
    let name = name_of(push, commit.as_deref().unwrap_or(&id), latest);
    Located {
        name,
        path,
        head,
        commit,
    }
}

/// What is left of the time for all that is told: whoever waits for it gets less told then.
fn left(latest: Instant) -> Duration {
    latest.saturating_duration_since(Instant::now())
}

/// Whether that object is at that path of the commit.
fn is_at(push: &Push<'_>, commit: &str, path: &[u8], id: &str, latest: Instant) -> bool {
    let place = [commit.as_bytes(), b":", path].concat();
    let mut git = clean_room::quarantined(push.place, push.name);
    git.args(["rev-parse", "--verify"])
        .arg(OsStr::from_bytes(&place));
    child::output(&mut git, left(latest), ID_OCTETS)
        .is_ok_and(|found| found.trim_ascii() == id.as_bytes())
}

/// The ref that leads there.
fn name_of(push: &Push<'_>, id: &str, latest: Instant) -> Option<Vec<u8>> {
    let additions: Vec<&Update> = push
        .updates
        .iter()
        .filter(|one| !one.is_deletion())
        .collect();
    if let [only] = additions.as_slice() {
        return Some(only.name.clone());
    }
    let leads = |update: &&&Update| {
        let mut git = clean_room::quarantined(push.place, push.name);
        git.args(["merge-base", "--is-ancestor", id, &update.new]);
        update.new == id || child::output(&mut git, left(latest), 0).is_ok()
    };
    let found = additions.iter().take(REFS_ASKED).find(leads)?;
    Some(found.name.clone())
}

/// The lines before the message. None, where they are too long to be looked at.
fn head(push: &Push<'_>, kind: &str, id: &str, latest: Instant) -> Vec<String> {
    let mut git = clean_room::quarantined(push.place, push.name);
    git.args(["cat-file", kind, id]);
    let Ok(text) = child::output(&mut git, left(latest), TOLD_OBJECT_OCTETS) else {
        return Vec::new();
    };
    let lines = text
        .split(|octet| *octet == b'\n')
        .take_while(|line| !line.is_empty());
    lines
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

/// The first path of each of these objects.
fn find_paths(
    push: &Push<'_>,
    paths: &mut HashMap<String, Option<Vec<u8>>>,
    latest: Instant,
) -> io::Result<()> {
    let mut list = clean_room::quarantined(push.place, push.name)
        .args(["rev-list", "--objects", "--in-commit-order"])
        .args(["--topo-order", "--reverse", "--stdin", "--not", "--all"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let _watch = Watch::over(&mut [&mut list], left(latest))?;
    let additions = push.updates.iter().filter(|one| !one.is_deletion());
    let ids: String = additions.map(|one| one.new.clone() + "\n").collect();
    if let Some(mut input) = list.stdin.take() {
        input.write_all(ids.as_bytes())?;
    }
    let output = list.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let Some(space) = memchr::memchr(b' ', &line) else {
            continue;
        };
        let id = str::from_utf8(&line[..space]).unwrap_or_default();
        let path = &line[space + 1..];
        // What is asked for by itself, or by a tag, has the id that leads there for a path.
        let is_path = !push
            .updates
            .iter()
            .any(|one| one.new == id || one.new.as_bytes() == path);
        if let Some(found) = paths.get_mut(id)
            && is_path
        {
            *found = Some(path.to_vec());
        }
    }
    list.wait().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_commit_has_a_name() {
        let head = "tree 0\nparent 0\nauthor A\ncommitter C\ngpgsig x\n y\n z";
        let located = Located {
            head: head.lines().map(str::to_owned).collect(),
            ..Located::default()
        };
        for (line, name) in [
            (1, "a field before the commit message"),
            (3, "the author"),
            (4, "the committer"),
            (7, "a field before the commit message"),
            (9, "the commit message, line 1"),
            (12, "the commit message, line 4"),
        ] {
            assert_eq!(located.part("commit message", line), name);
        }
    }
}
