//! A local bottle whose agent does what it is told.

use std::cell::{RefCell, RefMut};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::PYTHON;
use crate::attempt::SERVANT;
use crate::inventory::descendants;
use crate::process::Finished;
use crate::program::Running;
use crate::user::User;

/// What the agent says when it runs.
const READY: &str = "the agent runs";

/// A bottle that runs. Dropping it asks its launcher to end, which removes it.
pub struct LocalBottle {
    launcher: RefCell<Option<Running>>,
    slug: String,
}

/// The names of a user's bottles, running or not, as the state has them.
pub fn slugs(user: &User) -> BTreeSet<String> {
    let state = fs::read_dir(user.path("state/bottle"))
        .into_iter()
        .flatten();
    let names = state.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.collect()
}

impl LocalBottle {
    /// Starts the user's agent, and waits until it runs.
    ///
    /// # Panics
    /// When it does not.
    pub fn start(user: &User) -> LocalBottle {
        let known = slugs(user);
        let arguments = user.start_arguments(&[PYTHON, "-c", SERVANT]);
        let mut launcher = user.bottle(&arguments).start();
        let first = launcher.line();
        assert_eq!(first, READY, "{}", launcher.stderr().text());
        let new: Vec<String> = slugs(user).difference(&known).cloned().collect();
        let [slug] = &new[..] else {
            panic!("one bottle more: {new:?}");
        };
        LocalBottle {
            launcher: RefCell::new(Some(launcher)),
            slug: slug.clone(),
        }
    }

    fn launcher(&self) -> RefMut<'_, Running> {
        let launcher = self.launcher.borrow_mut();
        RefMut::map(launcher, |launcher| {
            launcher.as_mut().expect("a launcher that runs")
        })
    }

    fn take(&self) -> Running {
        self.launcher.take().expect("a launcher that runs")
    }

    /// `<agent>-<5 random>`.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// Has the agent run a command.
    ///
    /// # Panics
    /// When it hangs.
    pub fn exec(&self, command: &[&str]) -> Finished {
        let mut launcher = self.launcher();
        launcher.tell(&json!(command).to_string());
        let said: Value = serde_json::from_str(&launcher.line()).expect("JSON");
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let code = said["code"].as_i64().and_then(|code| code.try_into().ok());
        // As wait(2) has it: an exit, or a signal.
        let status: i32 = match code.unwrap_or(127) {
            code @ 0.. => code << 8,
            signal => -signal,
        };
        Finished {
            status: ExitStatus::from_raw(status),
            stdout: text("stdout"),
            stderr: text("stderr"),
        }
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

    /// The launcher's process.
    pub fn pid(&self) -> u32 {
        self.launcher().pid()
    }

    /// Every process below the launcher: its engine, its sandbox and all in it.
    pub fn processes(&self) -> BTreeSet<u32> {
        descendants(self.pid())
    }

    /// The engine's process.
    ///
    /// # Panics
    /// When there is not exactly one.
    pub fn engine(&self) -> u32 {
        let is_engine = |process: &u32| {
            let name = fs::read_to_string(format!("/proc/{process}/comm"));
            name.is_ok_and(|name| name.trim() == "cred-proxy")
        };
        let mut engines = self.processes().into_iter().filter(is_engine);
        let engine = engines.next().expect("an engine");
        assert_eq!(engines.next(), None, "one engine");
        engine
    }

    /// The launcher's standard error so far.
    pub fn told(&self) -> String {
        self.launcher().stderr().text()
    }

    /// Waits until the launcher has said this, in a whole line.
    ///
    /// # Panics
    /// When it does not.
    pub fn wait_for_word(&self, word: &str) -> String {
        let launcher = self.launcher();
        let said = launcher.stderr().wait(word, |lines| {
            let line = lines.iter().find(|line| line.contains(word));
            line.cloned()
        });
        said.unwrap_or_else(|| panic!("{}", launcher.stderr().text()))
    }

    /// Sends the launcher a signal.
    pub fn signal(&self, signal: Signal) {
        self.launcher().signal(signal);
    }

    /// Closes the agent's input, and waits for the launcher's end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn finish(self) -> Finished {
        self.take().finish()
    }

    /// Sends the launcher a signal, and waits for its end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn end_by(self, signal: Signal) -> Finished {
        self.signal(signal);
        self.take().end()
    }
}

impl Drop for LocalBottle {
    fn drop(&mut self) {
        if let Some(launcher) = self.launcher.get_mut() {
            launcher.stop();
        }
    }
}
