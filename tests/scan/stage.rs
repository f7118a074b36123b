//! A mirror with the hook, and a repository that is pushed from.

use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use harness::gitleaks::{FORGE_KEY_RULE, forge_key, gitleaks};
use harness::{binary, require};
use tempfile::TempDir;

/// Both repositories, and the secrets that were made.
pub(crate) struct Stage {
    folder: TempDir,
    keys: Cell<u64>,
    /// Variables of who pushes, which a hook gets too.
    variables: Vec<(&'static str, String)>,
}

/// How a push ended.
pub(crate) struct Pushed {
    has_passed: bool,
    told: String,
}

/// What commits are made as.
const PERSON: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "Author"),
    ("GIT_AUTHOR_EMAIL", "author@example.test"),
    ("GIT_AUTHOR_DATE", "1700000000 +0000"),
    ("GIT_COMMITTER_NAME", "Committer"),
    ("GIT_COMMITTER_EMAIL", "committer@example.test"),
    ("GIT_COMMITTER_DATE", "1700000000 +0000"),
];

impl Stage {
    /// One with the real scanner, or a skip told under the name of the test.
    pub(crate) fn for_test(test: &str) -> Option<Stage> {
        Stage::of_format(test, "sha1")
    }

    /// The same, of that format of objects.
    pub(crate) fn of_format(test: &str, format: &str) -> Option<Stage> {
        require::program(test, "git")?;
        let scanner = gitleaks(test)?;
        let folder = tempfile::tempdir().expect("a folder");
        for part in ["state", "mirrors", "work", "home"] {
            fs::create_dir(folder.path().join(part)).expect("a folder");
        }
        let stage = Stage {
            folder,
            keys: Cell::new(0),
            variables: Vec::new(),
        };
        stage.scanner(&[scanner.to_str().expect("UTF-8")]);
        let mirror = stage.mirror();
        let object_format = format!("--object-format={format}");
        let path = mirror.to_str().expect("UTF-8");
        stage.git(&["init", "-q", "--bare", "-b", "main", &object_format, path]);
        let hook = mirror.join("hooks/pre-receive");
        symlink(binary::bottle_gate(), hook).expect("a link");
        stage.git(&["init", "-q", "-b", "main", &object_format]);
        stage.commit(&[("readme", b"Nothing of note.\n")]);
        stage.push(&["main"]).passes();
        Some(stage)
    }

    /// Lets those words be the scanner.
    pub(crate) fn scanner(&self, words: &[&str]) {
        let config = serde_json::json!({"scanner": words, "repositories": []});
        let file = self.folder.path().join("state/gate.json");
        fs::write(file, config.to_string()).expect("written");
    }

    /// Sets a variable of who pushes.
    pub(crate) fn variable(&mut self, name: &'static str, value: &str) {
        self.variables.push((name, value.to_owned()));
    }

    /// A secret that was nowhere before.
    pub(crate) fn key(&self) -> String {
        let number = self.keys.get() + 1;
        self.keys.set(number);
        forge_key(number)
    }

    /// A place for the test's own files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The mirror.
    pub(crate) fn mirror(&self) -> PathBuf {
        self.folder.path().join("mirrors/app.git")
    }

    /// The repository that is pushed from.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// What git writes, in the repository that is pushed from.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, &[], b"")
    }

    /// The same with variables and an input.
    pub(crate) fn git_with(&self, words: &[&str], set: &[(&str, &str)], input: &[u8]) -> String {
        let mut command = self.command();
        command.args(words).envs(set.iter().copied());
        let output = run(&mut command, input);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {words:?}: {told}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.trim_end().to_owned()
    }

    /// git, and what it is to find.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("git");
        let at = |part: &str| self.folder.path().join(part);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", at("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(PERSON)
            .env("BOTTLE_GATE_STATE", at("state"))
            .env("BOTTLE_GATE_MIRRORS", at("mirrors"))
            .current_dir(at("work"));
        command
    }

    /// Commits these files on top of what is there.
    pub(crate) fn commit(&self, files: &[(&str, &[u8])]) {
        self.commit_as(files, "Work", &[]);
    }

    /// The same with that message, and variables that say by whom.
    pub(crate) fn commit_as(&self, files: &[(&str, &[u8])], message: &str, set: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.work().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("written");
        }
        self.git(&["add", "--all", "--force"]);
        let words = ["commit", "-q", "--allow-empty", "-F", "-"];
        self.git_with(&words, set, message.as_bytes());
    }

    /// An object of that kind and that content, however odd. Gives its id.
    pub(crate) fn object(&self, kind: &str, content: &[u8]) -> String {
        let words = ["hash-object", "-w", "--literally", "-t", kind, "--stdin"];
        self.git_with(&words, &[], content)
    }

    /// A commit of a tree of that id on top of what is there. Gives its id.
    pub(crate) fn commit_tree(&self, tree: &str) -> String {
        self.git(&["commit-tree", "-p", "HEAD", "-m", "Work", tree])
    }

    /// A tree of one entry. Gives its id.
    pub(crate) fn tree(&self, mode: &str, name: &[u8], id: &str) -> String {
        let digit = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).expect("digits");
        let id: Vec<u8> = (0..id.len()).step_by(2).map(digit).collect();
        self.object("tree", &[mode.as_bytes(), b" ", name, b"\0", &id].concat())
    }

    /// Pushes.
    pub(crate) fn push(&self, arguments: &[&str]) -> Pushed {
        let mut command = self.command();
        command.args(["-c", "pack.threads=1", "push"]);
        command.arg(self.mirror()).args(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let before = self.refs();
        let pushed = Pushed::of(&run(&mut command, b""));
        for number in 1..=self.keys.get() {
            // A secret that may have any name may not be in any line.
            let is_told = pushed.remote().contains(&forge_key(number));
            assert!(!is_told, "a secret is told: {}", pushed.told);
        }
        assert!(
            pushed.has_passed || self.refs() == before,
            "{}",
            pushed.told
        );
        pushed
    }

    /// Lets upstream have a ref, as a fetch by the gate does.
    pub(crate) fn upstream_has(&self, refspec: &str) {
        let git_dir = format!("--git-dir={}", self.mirror().display());
        let work = self.work();
        self.git(&[
            &git_dir,
            "fetch",
            "-q",
            work.to_str().expect("UTF-8"),
            refspec,
        ]);
    }

    /// The refs of the mirror.
    pub(crate) fn refs(&self) -> String {
        let mirror = self.mirror();
        let git_dir = format!("--git-dir={}", mirror.display());
        self.git(&[&git_dir, "for-each-ref"])
    }
}

impl Pushed {
    /// What a push's end says.
    pub(crate) fn of(output: &Output) -> Pushed {
        Pushed {
            has_passed: output.status.success(),
            told: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It must have passed.
    #[track_caller]
    pub(crate) fn passes(&self) {
        assert!(self.has_passed, "{}", self.told);
    }

    /// It must have been refused for a secret in that place, and no other.
    #[track_caller]
    pub(crate) fn finds(&self, place: &str) {
        self.refuses(&format!("{FORGE_KEY_RULE} in {place}"));
        assert_eq!(
            self.told.matches(FORGE_KEY_RULE).count(),
            1,
            "{}",
            self.told
        );
    }

    /// It must have been refused with these words.
    #[track_caller]
    pub(crate) fn refuses(&self, words: &str) {
        assert!(!self.has_passed, "it passed: {}", self.told);
        assert!(
            self.told.contains("pre-receive hook declined"),
            "{}",
            self.told
        );
        assert!(self.remote().contains(words), "no {words:?}: {}", self.told);
    }

    /// What the hook said.
    pub(crate) fn remote(&self) -> String {
        let lines = self
            .told
            .lines()
            .filter_map(|line| line.strip_prefix("remote: "));
        lines.map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

/// Runs it to its end.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("git runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // It need not read all.
            let _ = pipe.write_all(input);
        });
        child.wait_with_output().expect("its end")
    })
}
