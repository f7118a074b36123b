//! The user's side: a home with a manifest, a work directory, and the launcher.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::bottle;
use crate::process::Finished;
use crate::program::Program;

/// A number that no other name of this process has.
pub(crate) fn number() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}x{next:x}", std::process::id())
}

/// A user's home, and what the user's shell exports.
pub struct User {
    folder: TempDir,
    agent: String,
    environment: Vec<(String, String)>,
    launcher: Vec<String>,
    owner: Option<(u32, u32)>,
}

impl Default for User {
    fn default() -> Self {
        User::new()
    }
}

impl User {
    /// A home without a manifest, with an empty work directory, whose agent has a name that
    /// no other test's has.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn new() -> User {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["home", "config", "state", "work"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let mut user = User {
            folder,
            agent: format!("agent-{}", number()),
            environment: Vec::new(),
            launcher: vec![bottle().display().to_string()],
            owner: None,
        };
        for (variable, name) in [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")] {
            user.export(variable, user.path(name).display());
        }
        user.export("LANG", "C.UTF-8");
        user
    }

    /// Has everything belong to another user of this machine.
    ///
    /// # Panics
    /// When this process may not give things away.
    pub fn give_to(&mut self, user: u32, group: u32) {
        self.owner = Some((user, group));
        for name in ["", "home", "config", "state", "work"] {
            self.own(&self.path(name));
        }
    }

    fn own(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            lchown(path, Some(user), Some(group)).expect("root may");
        }
    }

    /// Has `bottle` run as these words do, its path among them.
    pub fn launch_by(&mut self, words: &[&str]) {
        self.launcher = words.iter().map(|&word| word.to_owned()).collect();
    }

    /// The words by which `bottle` is run.
    pub fn launcher(&self) -> &[String] {
        &self.launcher
    }

    /// A path below the folder that holds everything: `home`, `config`, `state`, `work`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the launcher is called.
    pub fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// The folder of all.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The agent's name.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// Exports a variable, or another value of it.
    pub fn export(&mut self, name: &str, value: impl ToString) {
        self.forget(name);
        self.environment.push((name.to_owned(), value.to_string()));
    }

    /// Exports a variable no more.
    pub fn forget(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// Writes a manifest in which the [`agent`](Self::agent) is all that `agent` says, in
    /// the one bottle `bottle`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_manifest(&self, bottle: &Value, agent: Value) {
        let mut agent = agent;
        agent["bottle"] = "tested".into();
        let manifest = json!({
            "bottles": { "tested": bottle }, "agents": { &self.agent: agent },
        });
        self.write("config/bottle/manifest.json", &manifest.to_string());
    }

    /// Writes a file below the folder, and what it stands in.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        self.make_folder(Path::new(name).parent().expect("a folder"));
        fs::write(&path, text).expect("a file");
        self.own(&path);
    }

    /// Makes a folder below the folder, and what it stands in.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn make_folder(&self, name: &Path) {
        let mut path = self.folder().to_owned();
        for part in name {
            path.push(part);
            if !path.is_dir() {
                fs::create_dir(&path).expect("a folder");
                self.own(&path);
            }
        }
    }

    /// `bottle` with these arguments, not started yet.
    pub fn bottle(&self, arguments: &[&str]) -> Program {
        let (program, words) = self.launcher.split_first().expect("a launcher");
        let program = Program::new(program, &self.path("home")).args(words);
        self.prepared(program.args(arguments))
    }

    /// Any program with what the user's shell exports, in the work directory.
    pub fn prepared(&self, program: Program) -> Program {
        let set = |program: Program, (name, value): &(String, String)| program.env(name, value);
        let program = self.environment.iter().fold(program, set);
        program.within(&self.work())
    }

    /// Gives a command of a terminal what the user's shell exports, and the work directory.
    pub fn furnish(&self, command: &mut Command) {
        command.env("HOME", self.path("home")).env("TERM", "xterm");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.work());
    }

    /// Runs `bottle` with these arguments to its end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.bottle(arguments).run()
    }

    /// The arguments of `start` with the agent, `--yes` and a command.
    pub fn start_arguments<'a>(&'a self, command: &[&'a str]) -> Vec<&'a str> {
        let mut all = vec!["start", &self.agent, "--yes"];
        if !command.is_empty() {
            all.push("--");
        }
        all.extend(command);
        all
    }

    /// Runs the agent with this command to its end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn agent_does(&self, command: &[&str]) -> Finished {
        self.run(&self.start_arguments(command))
    }
}
