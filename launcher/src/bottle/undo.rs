//! What a start has made, and its removal in reverse.

use std::path::Path;

use super::state::State;
use crate::docker::{Docker, Kind};

/// Something that a start made, or was about to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// A thing of Docker's.
    Object(Kind, String),
    /// The bottle's state, with the mount points that are noted in it.
    State(State),
}

/// What a start has made so far. A thing is noted *before* it is made, so that one whose
/// making was cut off is removed too; removing what never was is success.
#[derive(Debug, Default)]
pub(super) struct Undo {
    made: Vec<Made>,
}

impl Undo {
    /// Notes what is about to be made.
    pub(super) fn note(&mut self, made: Made) {
        self.made.push(made);
    }

    /// Removes everything, the last first. A failure does not end it; what could not be
    /// removed is returned, a sentence each, and stays noted.
    pub(super) async fn unwind(&mut self, docker: &Docker) -> Vec<String> {
        let mut failures = Vec::new();
        let mut left = Vec::new();
        while let Some(made) = self.made.pop() {
            if let Err(sentence) = remove(docker, &made).await {
                failures.push(sentence);
                left.push(made);
            }
        }
        left.reverse();
        self.made = left;
        failures
    }

    /// The names of what is still noted.
    pub(super) fn names(&self) -> Vec<String> {
        self.made.iter().map(Made::name).collect()
    }
}

impl Made {
    fn name(&self) -> String {
        match self {
            Made::Object(Kind::Container, name) => format!("container {name}"),
            Made::Object(Kind::Network, name) => format!("network {name}"),
            Made::Object(Kind::Volume, name) => format!("volume {name}"),
            Made::State(state) => path_text(state.directory()),
        }
    }
}

/// Removes one thing.
pub(super) async fn remove(docker: &Docker, made: &Made) -> Result<(), String> {
    match made {
        Made::Object(kind, name) => {
            let removed = docker.remove(*kind, name).await;
            removed.map_err(|error| error.to_string())
        }
        Made::State(state) => remove_state(state),
    }
}

/// Removes state, with what is noted in it.
pub(super) fn remove_state(state: &State) -> Result<(), String> {
    state.remove().map_err(|error| {
        let path = path_text(state.directory());
        format!("could not remove {path}: {error}")
    })
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}
