//! What a start has made, and its removal in reverse.

use std::path::Path;

use super::deploy_keys;
use super::label::{self, Labels};
use super::state::State;
use crate::docker::{Docker, Kind, Labelled};

/// Something that a start made, or was about to make.
#[derive(Clone, Debug)]
pub(super) enum Made {
    /// A thing of Docker's.
    Object(Kind, String),
    /// The bottle's state, with the mount points that are noted in it.
    State(State),
}

/// What a start has made so far. A thing is noted *before* it is made, so that one whose
/// making was cut off is removed too; removing what never was is success.
#[derive(Debug)]
pub(super) struct Undo {
    labels: Labels,
    made: Vec<Made>,
}

impl Undo {
    /// That of the bottle whose things bear these labels, which has made nothing yet.
    pub(super) fn of(labels: Labels) -> Self {
        let made = Vec::new();
        Self { labels, made }
    }

    /// Notes what is about to be made.
    pub(super) fn note(&mut self, made: Made) {
        self.made.push(made);
    }

    /// Removes everything, the last first, then whatever else bears the bottle's labels: a
    /// making that was given up may have come to its end after its removal. A failure does not
    /// end it; what could not be removed is returned, a sentence each, and stays noted.
    pub(super) async fn unwind(&mut self, docker: &Docker) -> Vec<String> {
        let objects = match self.objects(docker).await {
            Ok(objects) => objects,
            Err(sentence) => return self.without_docker(sentence).await,
        };
        let mut failures = Vec::new();
        let mut left = Vec::new();
        // Noted until it is gone: whoever gives this up is told what is left.
        while let Some(made) = self.made.last() {
            let removed = match made {
                // A thing of that name that has not our labels is somebody else's: its being
                // there may be why this start came to nothing.
                Made::Object(kind, name) => {
                    let is_it = |one: &&Labelled| one.kind == *kind && one.name == *name;
                    match objects.iter().find(is_it) {
                        Some(object) => remove(docker, object).await.err().into_iter().collect(),
                        None => Vec::new(),
                    }
                }
                Made::State(state) if state.is_of_another(&self.labels.launcher) => Vec::new(),
                Made::State(state) => remove_state(state).await,
            };
            let made = self.made.pop();
            left.extend(made.filter(|_| !removed.is_empty()));
            failures.extend(removed);
        }
        left.reverse();
        self.made = left;
        if failures.is_empty() {
            match self.objects(docker).await {
                Ok(objects) => {
                    for object in &objects {
                        failures.extend(remove(docker, object).await.err());
                    }
                }
                Err(sentence) => failures.push(sentence),
            }
        }
        failures
    }

    /// What can be undone where Docker does not answer: no key waits for that.
    async fn without_docker(&self, sentence: String) -> Vec<String> {
        let mut failures = vec![sentence];
        for made in &self.made {
            if let Made::State(state) = made {
                failures.extend(deploy_keys::revoke(state).await);
            }
        }
        failures
    }

    /// All that Docker has of this bottle now. Its name is another's with a chance of one to
    /// millions; its launcher's never is.
    async fn objects(&self, docker: &Docker) -> Result<Vec<Labelled>, String> {
        let slug = format!("{}={}", label::SLUG, self.labels.slug);
        let objects = docker.survey(&slug).await;
        let mut objects = objects.map_err(|error| error.to_string())?;
        let own = self.labels.launcher.to_string();
        let is_own = |object: &Labelled| object.labels.get(label::LAUNCHER) == Some(&own);
        objects.retain(|object| label::is_ours(object) && is_own(object));
        Ok(objects)
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

/// Removes a thing of Docker's.
pub(super) async fn remove(docker: &Docker, object: &Labelled) -> Result<(), String> {
    let removed = docker.remove(object.kind, &object.id).await;
    removed.map_err(|error| format!("{}: {error}", object.name))
}

/// Revokes a bottle's deploy keys, then removes its state, with what is noted in it: as long as
/// a key is left somewhere its state says so. Gives what could not be done.
pub(crate) async fn remove_state(state: &State) -> Vec<String> {
    let left = deploy_keys::revoke(state).await;
    if !left.is_empty() {
        return left;
    }
    let removed = state.remove().map_err(|error| {
        let path = path_text(state.directory());
        format!("could not remove {path}: {error}")
    });
    removed.err().into_iter().collect()
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}
