//! An agent's git: a home of its own, in which upstreams' addresses lead to the gate.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::gate::Gate;
use crate::process::Finished;
use crate::program::{Program, Running};

/// An agent with its home, which is where its clones are.
pub struct GitAgent {
    home: TempDir,
}

impl GitAgent {
    /// An agent whose git is led to this gate for every repository there.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn of(gate: &Gate) -> GitAgent {
        let home = tempfile::tempdir().expect("a home");
        let agent = GitAgent { home };
        agent.follow(gate);
        agent
    }

    /// Is led to another gate, or to the same after a new start.
    ///
    /// # Panics
    /// When its home cannot be written.
    pub fn follow(&self, gate: &Gate) {
        let mut settings = "[user]\n\tname = Agent\n\temail = agent@example.test\n\
             [init]\n\tdefaultBranch = main\n[advice]\n\tdefaultBranchName = false\n\
             [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
            .to_owned();
        for (name, url) in gate.files().urls() {
            let (address, url) = (gate.address(), url.trim_end_matches(".git"));
            settings += &format!("[url \"git://{address}/{name}.git\"]\n\tinsteadOf = {url}.git\n");
        }
        fs::write(self.home().join(".gitconfig"), settings).expect(".gitconfig");
    }

    /// Its home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path in its home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// git in a folder of the home, not started yet.
    pub fn git(&self, folder: &str, arguments: &[&str]) -> Program {
        Program::new("git", self.home())
            .within(&self.path(folder))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C.UTF-8")
            .args(arguments)
    }

    /// Runs git in a folder of the home to its end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn run(&self, folder: &str, arguments: &[&str]) -> Finished {
        self.git(folder, arguments).run()
    }

    /// Starts git in a folder of the home.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(&self, folder: &str, arguments: &[&str]) -> Running {
        self.git(folder, arguments).start()
    }

    /// Runs git, which must succeed, and gives what it said to its standard output.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn must(&self, folder: &str, arguments: &[&str]) -> String {
        let finished = self.run(folder, arguments);
        let is_well = finished.status.success();
        assert!(is_well, "git {arguments:?}: {}", finished.stderr);
        finished.stdout
    }

    /// Clones the upstream of that address into a folder of the home.
    ///
    /// # Panics
    /// When git fails.
    #[track_caller]
    pub fn clone(&self, url: &str, folder: &str) {
        self.must("", &["clone", "--quiet", url, folder]);
    }

    /// Writes a file in a clone, and what it stands in.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, folder: &str, path: &str, content: &[u8]) {
        let path = self.path(folder).join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    /// Commits a file in a clone, on the branch that is checked out, and gives the commit's
    /// name.
    ///
    /// # Panics
    /// When git fails.
    #[track_caller]
    pub fn commit(&self, folder: &str, message: &str, path: &str, content: &[u8]) -> String {
        self.write(folder, path, content);
        self.must(folder, &["add", "--force", "--", path]);
        self.must(folder, &["commit", "--quiet", "--message", message]);
        self.must(folder, &["rev-parse", "HEAD"]).trim().to_owned()
    }
}
