//! The user's side on a Docker Engine.

use std::ops::{Deref, DerefMut};

use serde_json::Value;

use super::engine::Engine;
use super::running_bottle::{RunningBottle, slugs};
use crate::process::Finished;
use crate::user::User;

/// A user whose launcher speaks with an engine.
pub struct Host {
    engine: &'static Engine,
    user: User,
}

/// A launcher that has come to its end, and what it was told.
pub type Launched = Finished;

impl Deref for Host {
    type Target = User;

    fn deref(&self) -> &User {
        &self.user
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut User {
        &mut self.user
    }
}

impl Host {
    /// A user without a manifest.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn new(engine: &'static Engine) -> Host {
        let user = User::new();
        let mut host = Host { engine, user };
        host.use_engine();
        host
    }

    /// Has the launcher speak with the engine itself, wherever it was sent to before.
    pub fn use_engine(&mut self) {
        match self.engine.host() {
            Some(host) => self.user.export("DOCKER_HOST", host),
            None => self.user.forget("DOCKER_HOST"),
        }
    }

    /// The names of the agent's bottles, running or not, as the engine's labels say.
    pub fn slugs(&self) -> Vec<String> {
        slugs(self.engine, self.agent())
    }

    /// The engine that its launcher speaks with.
    pub fn engine(&self) -> &'static Engine {
        self.engine
    }

    /// Writes a manifest in which the agent is all that `agent` says, in the one bottle
    /// `bottle`, of `image` if that says nothing of it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn manifest(&self, image: &str, bottle: Value, agent: Value) {
        let mut bottle = bottle;
        if bottle["agent_provider"]["image"].is_null() {
            bottle["agent_provider"]["image"] = image.into();
        }
        self.write_manifest(&bottle, agent);
    }

    /// Starts the agent with nothing to do, and waits until it runs.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(&self) -> RunningBottle {
        RunningBottle::start(self, self.agent())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What a failed test left: by its agent's own labels, for nobody else has the name.
        RunningBottle::remove_all(self.engine, self.user.agent());
    }
}
