//! An upstream, the gate's mirror of it, and somebody who pushes.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use harness::binary::bottle_gate;
use harness::git_server::git;
use serde_json::{Value, json};
use tempfile::TempDir;

/// All of it; upstream has a `main` of one commit, which the mirror and the work tree have too.
pub(crate) struct Setting {
    _folder: TempDir,
    root: PathBuf,
    policy: Value,
}

/// See [`Setting::turnstile`].
pub(crate) struct Turnstile {
    root: PathBuf,
}

/// What a push came to.
#[derive(Debug)]
pub(crate) struct Pushed {
    succeeded: bool,
    text: String,
}

impl Setting {
    /// One with the policy that a manifest has when it says nothing.
    pub(crate) fn new() -> Setting {
        Setting::of("sha1")
    }

    /// The same with objects named by another digest.
    pub(crate) fn of(object_format: &str) -> Setting {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a folder");
        let policy = json!({
            "allow": ["refs/heads/*", "refs/tags/*"],
            "protect_default": true,
            "force": false,
            "delete": false,
            "ci": false,
            "max_push_mib": 100,
        });
        let setting = Setting {
            _folder: folder,
            root,
            policy,
        };
        for name in ["state", "mirrors"] {
            fs::create_dir(setting.root.join(name)).expect("a folder");
        }
        let format = format!("--object-format={object_format}");
        for (name, kind) in [
            ("upstream", "--bare"),
            ("mirrors/app.git", "--bare"),
            ("work", "-q"),
        ] {
            git(
                &setting.root,
                &["init", "--quiet", &format, kind, name],
                b"",
            );
        }
        setting.commit("readme", "hello");
        git(
            &setting.work(),
            &["push", "--quiet", "../upstream", "main"],
            b"",
        );
        setting.make_mirror();
        setting.tell_gate();
        setting
    }

    /// One with a key of the policy set.
    pub(crate) fn with(key: &str, value: impl Into<Value>) -> Setting {
        Setting::new().and(key, value)
    }

    /// The same with one more key set.
    pub(crate) fn and(mut self, key: &str, value: impl Into<Value>) -> Setting {
        self.policy[key] = value.into();
        self.tell_gate();
        self
    }

    fn tell_gate(&self) {
        let repository = json!({
            "name": "app",
            "url": self.upstream(),
            "policy": self.policy,
        });
        let config = json!({ "scanner": ["gitleaks"], "repositories": [repository] });
        fs::write(self.root.join("state/gate.json"), config.to_string()).expect("a file");
    }

    fn make_mirror(&self) {
        let mirror = self.mirror();
        git(
            &mirror,
            &["config", "receive.procReceiveRefs", "refs/"],
            b"",
        );
        git(
            &mirror,
            &["config", "receive.denyCurrentBranch", "ignore"],
            b"",
        );
        git(&mirror, &["config", "receive.unpackLimit", "1"], b"");
        git(&mirror, &["config", "receive.fsckObjects", "true"], b"");
        symlink(bottle_gate(), mirror.join("hooks/proc-receive")).expect("a link");
        self.fetch();
    }

    /// Brings the mirror up to date, as the gate does before it answers a fetch.
    pub(crate) fn fetch(&self) {
        let refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let fetch = ["fetch", "--quiet", "--prune", "../../upstream"];
        git(&self.mirror(), &[&fetch[..], &refs].concat(), b"");
    }

    pub(crate) fn upstream(&self) -> PathBuf {
        self.root.join("upstream")
    }

    pub(crate) fn mirror(&self) -> PathBuf {
        self.root.join("mirrors/app.git")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Runs git in the work tree.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.work(), arguments, b"").trim_end().to_owned()
    }

    /// Commits a file, and gives the commit.
    pub(crate) fn commit(&self, path: &str, content: &str) -> String {
        let file = self.work().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, content).expect("a file");
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", path]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Adds a symbolic link to the work tree, and commits it.
    pub(crate) fn link(&self, to: &str, path: &str) {
        symlink(to, self.work().join(path)).expect("a link");
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a link"]);
    }

    /// A commit on top of `main` of a tree with just these entries in just this order.
    pub(crate) fn commit_of_entries(&self, names: &[&str], blob: &str) -> String {
        let octets: Vec<u8> = (0..blob.len() / 2)
            .map(|at| u8::from_str_radix(&blob[2 * at..2 * at + 2], 16).expect("an id"))
            .collect();
        let entry = |name: &&str| [b"100644 ", name.as_bytes(), b"\0", &octets[..]].concat();
        let tree: Vec<u8> = names.iter().flat_map(entry).collect();
        let make = ["hash-object", "-t", "tree", "-w", "--literally", "--stdin"];
        let tree = git(&self.work(), &make, &tree);
        self.git(&["commit-tree", "-p", "main", "-m", "odd", tree.trim_end()])
    }

    /// Somebody else pushes to upstream what the work tree has, and the gate hears of it.
    pub(crate) fn push_upstream(&self, name: &str) {
        self.git(&["push", "--quiet", "../upstream", name]);
        self.fetch();
    }

    /// Somebody else sets a ref of upstream to a commit that nobody here has.
    pub(crate) fn moves_upstream(&self, name: &str) -> String {
        let main = git(&self.upstream(), &["rev-parse", "main"], b"");
        let parent = value(&self.upstream(), name).unwrap_or(main.trim_end().to_owned());
        let make = [
            "commit-tree",
            "-p",
            &parent,
            "-m",
            "elsewhere",
            "main^{tree}",
        ];
        let commit = git(&self.upstream(), &make, b"").trim_end().to_owned();
        git(&self.upstream(), &["update-ref", name, &commit], b"");
        commit
    }

    /// Upstream loses all its branches.
    pub(crate) fn empty_upstream(&self) {
        git(
            &self.upstream(),
            &["update-ref", "-d", "refs/heads/main"],
            b"",
        );
        self.fetch();
    }

    /// Sets one of upstream's settings.
    pub(crate) fn configure_upstream(&self, key: &str, value: &str) {
        git(&self.upstream(), &["config", key, value], b"");
    }

    /// Sets one of the mirror's settings.
    pub(crate) fn configure_mirror(&self, key: &str, value: &str) {
        git(&self.mirror(), &["config", key, value], b"");
    }

    /// What upstream's hooks have noted beside it, in the file `order`.
    pub(crate) fn order(&self) -> String {
        fs::read_to_string(self.root.join("order")).expect("a hook has run")
    }

    /// A hook of upstream's that waits until it is let through, once.
    pub(crate) fn turnstile(&self, hook: &str) -> Turnstile {
        for name in ["reached", "open"] {
            let made = Command::new("mkfifo").arg(self.root.join(name)).status();
            assert!(made.expect("mkfifo").success());
        }
        self.hook(
            hook,
            "mkdir ../passed || exit 0; echo > ../reached; cat ../open",
        );
        Turnstile {
            root: self.root.clone(),
        }
    }

    /// Gives upstream a hook, a shell script.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        let path = self.upstream().join("hooks").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a hook");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a hook");
    }

    /// A program of the agent's side, which has the gate's variables as if `git daemon` had them.
    pub(crate) fn agents(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.root)
            .env("LC_ALL", "C")
            .env("BOTTLE_GATE_STATE", self.root.join("state"))
            .env("BOTTLE_GATE_MIRRORS", self.root.join("mirrors"))
            .current_dir(self.work())
            .stdin(Stdio::null());
        command
    }

    /// A push through the gate, ready to run.
    pub(crate) fn pushing(&self, arguments: &[&str]) -> Command {
        let mut push = self.agents("git");
        push.args(["push", "../mirrors/app.git"]).args(arguments);
        push
    }

    /// Pushes through the gate.
    pub(crate) fn push(&self, arguments: &[&str]) -> Pushed {
        Pushed::of(&mut self.pushing(arguments))
    }

    /// Pushes, and asserts that it arrives and leaves both sides equal.
    pub(crate) fn arrives(&self, arguments: &[&str]) -> Pushed {
        let pushed = self.push(arguments);
        assert!(pushed.succeeded, "{arguments:?}: {}", pushed.text);
        self.are_equal();
        pushed
    }

    /// Pushes, and asserts that it fails with these words, and leaves both sides as they were.
    pub(crate) fn is_refused(&self, arguments: &[&str], words: &str) -> Pushed {
        let before = refs(&self.upstream());
        let pushed = self.push(arguments);
        pushed.failed(words);
        assert_eq!(refs(&self.upstream()), before, "{arguments:?}");
        self.are_equal();
        pushed
    }

    /// Asserts that upstream and the mirror have the same refs.
    pub(crate) fn are_equal(&self) {
        assert_eq!(refs(&self.upstream()), refs(&self.mirror()));
    }

    /// What upstream has of a ref.
    pub(crate) fn at_upstream(&self, name: &str) -> Option<String> {
        value(&self.upstream(), name)
    }

    /// What the mirror has of a ref.
    pub(crate) fn mirrored(&self, name: &str) -> Option<String> {
        value(&self.mirror(), name)
    }
}

impl Turnstile {
    /// Waits until the hook stands before it.
    pub(crate) fn is_reached(&self) {
        fs::read(self.root.join("reached")).expect("the hook");
    }

    /// Lets it through.
    pub(crate) fn open(&self) {
        fs::write(self.root.join("open"), "").expect("the hook");
    }
}

impl Pushed {
    /// Runs it.
    pub(crate) fn of(push: &mut Command) -> Pushed {
        Pushed::told(&push.output().expect("git"))
    }

    /// What was told at its end.
    pub(crate) fn told(output: &Output) -> Pushed {
        let text = [&output.stdout[..], &output.stderr].concat();
        Pushed {
            succeeded: output.status.success(),
            text: String::from_utf8(text).expect("UTF-8"),
        }
    }

    /// How much a person reads.
    pub(crate) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// Asserts that a person reads this.
    pub(crate) fn says(&self, words: &str) -> &Pushed {
        assert!(self.text.contains(words), "no {words:?} in\n{}", self.text);
        self
    }

    /// Asserts that nobody reads this.
    pub(crate) fn is_silent_of(&self, words: &str) -> &Pushed {
        assert!(!self.text.contains(words), "{words:?} in\n{}", self.text);
        self
    }

    /// Asserts that git failed, and told this.
    pub(crate) fn failed(&self, words: &str) -> &Pushed {
        assert!(!self.succeeded, "{}", self.text);
        self.says(words)
    }
}

/// Every ref of a repository with its value.
pub(crate) fn refs(repository: &Path) -> String {
    git(
        repository,
        &["for-each-ref", "--format=%(objectname) %(refname)"],
        b"",
    )
}

fn value(repository: &Path, name: &str) -> Option<String> {
    let all = refs(repository);
    let mut lines = all.lines().filter_map(|line| line.split_once(' '));
    let (value, _) = lines.find(|(_, other)| *other == name)?;
    Some(value.to_owned())
}
