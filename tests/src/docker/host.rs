//! The user's side: a home with a manifest, a work directory, and the launcher.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::engine::Engine;
use super::outer::number;
use super::running_bottle::{RunningBottle, slugs};
use crate::binary::bottle;
use crate::process::Finished;
use crate::program::Program;

/// A user's home, and what the user's shell exports.
pub struct Host {
    engine: &'static Engine,
    folder: TempDir,
    agent: String,
    environment: Vec<(String, String)>,
}

/// A launcher that has come to its end, and what it was told.
pub type Launched = Finished;

impl Host {
    /// A home without a manifest, with an empty work directory, whose agent has a name that
    /// no other test's has.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn new(engine: &'static Engine) -> Host {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["home", "config", "state", "work"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        // The agent is another user, who works in here.
        let mut host = Host {
            engine,
            folder,
            agent: format!("agent-{}", number()),
            environment: Vec::new(),
        };
        let path = |name| host.path(name).display().to_string();
        let folders = [("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")];
        let mut environment: Vec<(String, String)> = folders
            .map(|(variable, name)| (variable.to_owned(), path(name)))
            .into();
        environment.push(("LANG".to_owned(), "C.UTF-8".to_owned()));
        host.environment = environment;
        host.use_engine();
        host
    }

    /// Has the launcher speak with the engine itself, wherever it was sent to before.
    pub fn use_engine(&mut self) {
        self.environment.retain(|(name, _)| name != "DOCKER_HOST");
        let socket = self.engine.host().map(str::to_owned);
        let variable = socket.map(|host| ("DOCKER_HOST".to_owned(), host));
        self.environment.extend(variable);
    }

    /// The names of the agent's bottles, running or not, as the engine's labels say.
    pub fn slugs(&self) -> Vec<String> {
        slugs(self.engine, &self.agent)
    }

    /// The engine that its launcher speaks with.
    pub fn engine(&self) -> &'static Engine {
        self.engine
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
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_string()));
    }

    /// Writes a manifest in which the [`agent`](Self::agent) is all that `agent` says, in
    /// the one bottle `bottle`, of `image` if that says nothing of it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn manifest(&self, image: &str, bottle: Value, agent: Value) {
        let mut bottle = bottle;
        if bottle["agent_provider"]["image"].is_null() {
            bottle["agent_provider"]["image"] = image.into();
        }
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
        let folder = path.parent().expect("a folder");
        fs::create_dir_all(folder).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// `bottle` with these arguments, not started yet.
    pub fn bottle(&self, arguments: &[&str]) -> Program {
        self.prepared(Program::new(bottle(), &self.path("home")).args(arguments))
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
    pub fn run(&self, arguments: &[&str]) -> Launched {
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
    pub fn agent_does(&self, command: &[&str]) -> Launched {
        self.run(&self.start_arguments(command))
    }

    /// Starts the agent with nothing to do, and waits until it runs.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&self) -> RunningBottle {
        RunningBottle::start(self, &self.agent)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What a failed test left: by its agent's own labels, for nobody else has the name.
        RunningBottle::remove_all(self.engine, &self.agent);
    }
}
