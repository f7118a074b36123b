//! A bottle whose agent waits, so that a test can look into it.

use std::net::IpAddr;

use rustix::process::Signal;
use serde_json::Value;

use super::engine::Engine;
use super::host::Host;
use super::outer::address_in;
use crate::process::{Finished, Tap};
use crate::program::Running;

/// What the agent says when it runs.
const READY: &str = "the agent runs";

/// What it does then: it waits, and lets a signal end it.
const WAIT: &str = "echo 'the agent runs'; trap 'exit 0' TERM INT; sleep infinity & wait";

/// A bottle that runs. Dropping it ends its launcher and removes what is left.
pub struct RunningBottle {
    engine: &'static Engine,
    agent: String,
    slug: String,
    launcher: Option<Running>,
}

impl RunningBottle {
    /// Starts `agent` and waits until it runs.
    ///
    /// # Panics
    /// When it does not.
    pub(super) fn start(host: &Host, agent: &str) -> RunningBottle {
        let known = slugs(host.engine(), agent);
        let arguments = ["start", agent, "--yes", "--", "sh", "-c", WAIT];
        let mut launcher = host.bottle(&arguments).start();
        let first = launcher.line();
        assert_eq!(first, READY, "{}", launcher.stderr().text());
        let mut slugs = slugs(host.engine(), agent);
        slugs.retain(|slug| !known.contains(slug));
        assert_eq!(slugs.len(), 1, "one bottle more of {agent}: {slugs:?}");
        RunningBottle {
            engine: host.engine(),
            agent: agent.to_owned(),
            slug: slugs.remove(0),
            launcher: Some(launcher),
        }
    }

    /// `<agent>-<5 random>`.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The name of the network that the agent is in (`internal`), or the sidecars alone
    /// (`egress`).
    pub fn network(&self, which: &str) -> String {
        format!("bottle-{}-{which}", self.slug)
    }

    /// The container of that role.
    ///
    /// # Panics
    /// When there is not exactly one.
    pub fn container(&self, role: &str) -> String {
        let slug = format!("label=bottle.slug={}", self.slug);
        let role = format!("label=bottle.role={role}");
        let list = [
            "ps", "--all", "--quiet", "--filter", &slug, "--filter", &role,
        ];
        let mut found = self.engine.lines(&list);
        assert_eq!(found.len(), 1, "the containers of {slug}, {role}");
        found.remove(0)
    }

    /// The ids of all its containers.
    ///
    /// # Panics
    /// When the engine does not answer.
    pub fn containers(&self) -> Vec<String> {
        let slug = format!("label=bottle.slug={}", self.slug);
        self.engine
            .lines(&["ps", "--all", "--quiet", "--filter", &slug])
    }

    /// The address of a role's container in `internal` or `egress`.
    ///
    /// # Panics
    /// When it is not in there.
    pub fn address(&self, role: &str, which: &str) -> IpAddr {
        let container = self.container(role);
        address_in(self.engine, &container, &self.network(which), false)
    }

    /// All that the engine tells of a role's container.
    ///
    /// # Panics
    /// When it tells nothing.
    pub fn inspect(&self, role: &str) -> Value {
        let said = self.engine.ask(&["inspect", &self.container(role)]);
        serde_json::from_str::<Value>(&said).expect("JSON")[0].take()
    }

    /// Runs a command beside the agent: as its user, with its limits, in its namespaces.
    ///
    /// # Panics
    /// When it hangs.
    pub fn exec(&self, command: &[&str]) -> Finished {
        let container = self.container("agent");
        let mut all = vec!["exec", &container];
        all.extend(command);
        self.engine.run(&all)
    }

    /// The same, with its standard output where it succeeds.
    ///
    /// # Panics
    /// When it fails.
    pub fn ask(&self, command: &[&str]) -> String {
        let said = self.exec(command);
        assert!(said.status.success(), "{command:?}: {said:#?}");
        said.stdout
    }

    fn launcher(&self) -> &Running {
        self.launcher.as_ref().expect("a launcher that runs")
    }

    /// The launcher's standard error so far.
    pub fn told(&self) -> &Tap {
        self.launcher().stderr()
    }

    /// The launcher's process id.
    pub fn pid(&self) -> u32 {
        self.launcher().pid()
    }

    /// Sends the launcher a signal.
    pub fn signal(&self, signal: Signal) {
        self.launcher().signal(signal);
    }

    /// Waits for the launcher's end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn finish(mut self) -> Finished {
        self.launcher.take().expect("a launcher that runs").finish()
    }

    /// Ends it as a user does who has had enough.
    ///
    /// # Panics
    /// When it hangs.
    pub fn stop(self) -> Finished {
        self.signal(Signal::TERM);
        self.finish()
    }

    /// Removes whatever bottles of that agent there are, in any state.
    pub(super) fn remove_all(engine: &Engine, agent: &str) {
        for slug in slugs(engine, agent) {
            let label = format!("label=bottle.slug={slug}");
            let of =
                |list: &[&str]| engine.lines(&[list, &["--quiet", "--filter", &label]].concat());
            for container in of(&["ps", "--all"]) {
                let _gone = engine.run(&["rm", "--force", "--volumes", &container]);
            }
            for network in of(&["network", "ls"]) {
                let _gone = engine.run(&["network", "rm", &network]);
            }
        }
    }
}

impl Drop for RunningBottle {
    fn drop(&mut self) {
        if let Some(mut launcher) = self.launcher.take() {
            launcher.kill();
            RunningBottle::remove_all(self.engine, &self.agent);
        }
    }
}

/// The slugs of all bottles of `agent`, running or not, as the labels say.
pub(super) fn slugs(engine: &Engine, agent: &str) -> Vec<String> {
    let format = "{{.Label \"bottle.slug\"}}";
    let all = |list: &[&str]| {
        let rest = ["--filter", "label=bottle.slug", "--format", format];
        engine.lines(&[list, &rest].concat())
    };
    let mut found = all(&["ps", "--all"]);
    found.extend(all(&["network", "ls"]));
    let is_of = |slug: &String| {
        let random = slug
            .strip_prefix(agent)
            .and_then(|rest| rest.strip_prefix('-'));
        random.is_some_and(|random| random.len() == 5)
    };
    found.retain(is_of);
    found.sort();
    found.dedup();
    found
}
