//! The deploy keys of one bottle: made once its state is there, revoked before that goes.

use super::Failure;
use super::state::State;
use crate::bounded::read_file;
use crate::deploy_keys::KeyRequest;
use crate::host::secret::Secret;
use crate::host::tokens;
use crate::limits::IDENTITY_OCTETS;
use crate::plan::Gate;

/// Makes and registers the keys that this gate is to have, and reads their private halves. Where
/// it is dropped, a thread may be at it still, until they are revoked by this state or a clone.
///
/// # Errors
///
/// A sentence for each that could not be, and for each that is left at a forge.
pub(crate) async fn provision(
    state: &State,
    slug: &str,
    gate: &Gate,
) -> Result<Vec<(String, Secret)>, Failure> {
    let repositories = gate.repositories.iter();
    let requests: Vec<KeyRequest> = repositories
        .filter_map(|one| one.deploy_key.clone())
        .collect();
    let (keys, slug) = (state.deploy_keys().clone(), slug.to_owned());
    let made = tokio::task::spawn_blocking(move || {
        let made = keys.provision(&slug, &requests, &tokens::of_variable)?;
        let private = made.into_iter().map(|key| {
            let read = read_file(&key.private_key, IDENTITY_OCTETS);
            let path = key.private_key.display();
            let read = read.map_err(|error| vec![format!("{path}: {error}")])?;
            Ok((key.name, Secret::new(read)))
        });
        private.collect()
    });
    let made = made.await.map_err(|error| vec![error.to_string()]);
    made.and_then(|made| made)
        .map_err(|sentences: Vec<String>| Failure::NotStarted(sentences.join("\n")))
}

/// Revokes them. Gives a sentence for each that is left at a forge; none: all are gone.
pub(crate) async fn revoke(state: &State) -> Vec<String> {
    let keys = state.deploy_keys().clone();
    // Whether any is pending or not: one may be in the making.
    let revoked = tokio::task::spawn_blocking(move || keys.revoke(&tokens::of_variable));
    revoked
        .await
        .unwrap_or_else(|error| vec![error.to_string()])
}

/// What is left of them at a forge, as a person reads it.
pub(crate) fn pending(state: &State) -> Vec<String> {
    let keys = state.deploy_keys();
    keys.pending().iter().map(ToString::to_string).collect()
}
