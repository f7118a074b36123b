//! A bare repository on disk, as a forge keeps it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::git_server::git;

/// How a repository names its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectFormat {
    /// By SHA-1, as nearly all do.
    Sha1,
    /// By SHA-256.
    Sha256,
}

impl ObjectFormat {
    /// As git calls it.
    pub fn name(self) -> &'static str {
        match self {
            ObjectFormat::Sha1 => "sha1",
            ObjectFormat::Sha256 => "sha256",
        }
    }
}

/// A bare repository.
pub struct BareRepository {
    folder: PathBuf,
}

impl BareRepository {
    /// Makes an empty one there; `HEAD` is `refs/heads/main`.
    ///
    /// # Panics
    /// When git fails.
    pub fn init(folder: PathBuf, format: ObjectFormat) -> BareRepository {
        fs::create_dir_all(&folder).expect("a folder");
        let repository = BareRepository { folder };
        let format = format!("--object-format={}", format.name());
        let main = "--initial-branch=main";
        repository.git(&["init", "--quiet", "--bare", main, &format, "."]);
        repository
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs git in it, and gives what it said.
    ///
    /// # Panics
    /// When it fails.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.folder, arguments, b"")
    }

    /// Adds a commit with these files to a branch, which begins with it if it is new, and
    /// gives the commit's name.
    ///
    /// # Panics
    /// When git fails.
    pub fn commit(&self, branch: &str, message: &str, files: &[(&str, &[u8])]) -> String {
        let branch = format!("refs/heads/{branch}");
        let mut script = format!("commit {branch}\n").into_bytes();
        let who = "committer Forge <forge@example.test> 1000000 +0000";
        script.extend(format!("{who}\ndata {}\n{message}\n", message.len()).bytes());
        if self.refs().contains_key(&branch) {
            script.extend(format!("from {branch}^0\n").bytes());
        }
        for (path, content) in files {
            script.extend(format!("M 644 inline {path}\ndata {}\n", content.len()).bytes());
            script.extend(*content);
            script.push(b'\n');
        }
        script.extend(b"done\n");
        git(&self.folder, &["fast-import", "--quiet", "--done"], &script);
        self.refs().remove(&branch).expect("the branch's new value")
    }

    /// Every ref and its value.
    ///
    /// # Panics
    /// When git fails.
    pub fn refs(&self) -> BTreeMap<String, String> {
        let all = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        let pair = |line: &str| {
            let (name, value) = line.split_once(' ').expect("a name and a value");
            (name.to_owned(), value.to_owned())
        };
        all.lines().map(pair).collect()
    }

    /// The value of one ref.
    ///
    /// # Panics
    /// When git fails.
    pub fn value(&self, name: &str) -> Option<String> {
        self.refs().remove(name)
    }

    /// The branch that `HEAD` names from now on.
    ///
    /// # Panics
    /// When git fails.
    pub fn set_default(&self, branch: &str) {
        self.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
    }

    /// The content of a file at a revision.
    ///
    /// # Panics
    /// When there is none.
    pub fn content(&self, revision: &str, path: &str) -> String {
        self.git(&["cat-file", "blob", &format!("{revision}:{path}")])
    }

    /// Makes it unable to take several refs at once or not at all.
    ///
    /// # Panics
    /// When git fails.
    pub fn take_refs_one_by_one(&self) {
        self.git(&["config", "receive.advertiseAtomic", "false"]);
    }

    /// Has its hook refuse every change of this ref with this message.
    ///
    /// # Panics
    /// When the hook cannot be written, or a quote is in a word.
    pub fn refuse(&self, name: &str, message: &str) {
        assert!(!name.contains('\'') && !message.contains('\''));
        let script = format!(
            "#!/bin/sh\n[ \"$1\" != '{name}' ] || {{ printf '%s\\n' '{message}' >&2; exit 1; }}\n"
        );
        let hook = self.folder.join("hooks/update");
        fs::create_dir_all(self.folder.join("hooks")).expect("a folder");
        fs::write(&hook, script).expect("a hook");
        fs::set_permissions(hook, Permissions::from_mode(0o755)).expect("a file of ours");
    }

    /// Whether all its objects are whole.
    ///
    /// # Panics
    /// When they are not.
    pub fn check(&self) {
        self.git(&["fsck", "--full", "--strict", "--no-dangling"]);
    }
}
