//! The engine that every test shares, and its command line.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;

use super::daemon::Daemon;
use crate::process::Finished;
use crate::program::Program;
use crate::require;

/// A Docker Engine that answers.
pub struct Engine {
    cli: PathBuf,
    host: Option<String>,
    home: TempDir,
    daemon: Option<Daemon>,
}

/// The engine of this machine, or one that is started for this process and ends with it;
/// else a skip told under the name of `test`.
///
/// # Panics
/// When there is none where everything is required.
pub fn engine(test: &str) -> Option<&'static Engine> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    match ENGINE.get_or_init(Engine::find) {
        Ok(engine) => Some(engine),
        Err(why) => {
            require::skip(test, why);
            None
        }
    }
}

/// How much a [`small_engine`] can keep: the images of a launcher and a sidecar as they are
/// built for tests, twice while they are built, and as much again.
const SMALL: &str = "400m";

/// An engine that nobody else has anything on, and that can be filled up; it is started for
/// this process and ends with it. Else a skip told under the name of `test`.
///
/// # Panics
/// When it can't be started where everything is required.
pub fn small_engine(test: &str) -> Option<&'static Engine> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    let started = ENGINE.get_or_init(Engine::start_small);
    started
        .as_ref()
        .map_err(|why| require::skip(test, why))
        .ok()
}

impl Engine {
    fn find() -> Result<Engine, String> {
        let cli = require::find("docker").ok_or("`docker` is not on the PATH")?;
        let mut engine = Engine {
            cli,
            host: std::env::var("DOCKER_HOST").ok(),
            home: tempfile::tempdir().map_err(|why| why.to_string())?,
            daemon: None,
        };
        let Err(silent) = engine.answer() else {
            return Ok(engine);
        };
        let none = format!("no Docker Engine answers ({silent})");
        if require::find("dockerd").is_none() {
            return Err(format!("{none}, and `dockerd` is not there to be started"));
        }
        if !rustix::process::geteuid().is_root() {
            return Err(format!("{none}, and only root can start one"));
        }
        let answers = |host: &str| engine.answer_of(Some(host)).is_ok();
        let daemon = Daemon::start(None, answers);
        let daemon = daemon.map_err(|why| format!("{none}, and dockerd does not start: {why}"))?;
        engine.host = Some(daemon.host());
        engine.daemon = Some(daemon);
        Ok(engine)
    }

    fn start_small() -> Result<Engine, String> {
        let cli = require::find("docker").ok_or("`docker` is not on the PATH")?;
        if require::find("dockerd").is_none() || !rustix::process::geteuid().is_root() {
            return Err("only root, with `dockerd`, can start a Docker Engine".to_owned());
        }
        let mut engine = Engine {
            cli,
            host: None,
            home: tempfile::tempdir().map_err(|why| why.to_string())?,
            daemon: None,
        };
        let answers = |host: &str| engine.answer_of(Some(host)).is_ok();
        let daemon = Daemon::start(Some(SMALL), answers);
        let daemon = daemon.map_err(|why| format!("no second dockerd starts: {why}"))?;
        engine.host = Some(daemon.host());
        engine.daemon = Some(daemon);
        Ok(engine)
    }

    /// Where an engine of our own keeps images and containers, as this process sees it.
    ///
    /// # Panics
    /// When the engine is this machine's.
    pub fn store(&self) -> PathBuf {
        self.daemon.as_ref().expect("an engine of our own").store()
    }

    fn answer(&self) -> Result<String, String> {
        self.answer_of(self.host.as_deref())
    }

    fn answer_of(&self, host: Option<&str>) -> Result<String, String> {
        let asked = self.program(host);
        let asked = asked.args(["version", "--format", "{{.Server.Version}}"]);
        let said = asked.run();
        if said.status.success() {
            return Ok(said.stdout.trim().to_owned());
        }
        Err(said.stderr.trim().to_owned())
    }

    fn program(&self, host: Option<&str>) -> Program {
        let program = Program::new(&self.cli, self.home.path());
        match host {
            Some(host) => program.env("DOCKER_HOST", host),
            None => program,
        }
    }

    /// What `DOCKER_HOST` must say; nothing where the usual socket is meant.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// The socket that it listens on.
    pub fn socket(&self) -> &Path {
        let host = self.host().unwrap_or("unix:///var/run/docker.sock");
        Path::new(host.strip_prefix("unix://").unwrap_or(host))
    }

    /// `docker` with these arguments, not started yet.
    pub fn docker(&self, arguments: &[&str]) -> Program {
        self.program(self.host()).args(arguments)
    }

    /// Runs `docker` with these arguments to its end, whatever that is.
    ///
    /// # Panics
    /// When it hangs.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.docker(arguments).run()
    }

    /// Runs `docker` with these arguments and gives its standard output without blanks at
    /// the end.
    ///
    /// # Panics
    /// When it fails, with what it said.
    pub fn ask(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        let succeeded = said.status.success();
        assert!(succeeded, "docker {arguments:?}: {}", said.stderr);
        said.stdout.trim_end().to_owned()
    }

    /// The lines of [`ask`](Self::ask).
    ///
    /// # Panics
    /// When it fails.
    pub fn lines(&self, arguments: &[&str]) -> Vec<String> {
        self.ask(arguments).lines().map(str::to_owned).collect()
    }
}
