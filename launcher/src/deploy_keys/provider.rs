//! What every forge can do with deploy keys, whatever its API.

use super::api_error::ApiError;
use super::client::Client;
use super::gitea::Gitea;
use super::limits::Limits;
use super::place::Place;
use super::public_key::PublicKey;
use crate::host::secret::Secret;

/// The deploy keys of one repository of a forge. A key has a number there.
pub(super) trait Provider: Send + Sync {
    /// Whether keys can be listed: nothing is asked of a forge that does not answer this.
    fn reach(&self) -> Result<(), ApiError>;

    /// Registers a key that may write.
    fn register(&self, title: &str, key: &PublicKey) -> Result<u64, ApiError>;

    /// All that have this public half, whatever their titles.
    fn find(&self, key: &PublicKey) -> Result<Vec<u64>, ApiError>;

    /// Deletes a key. One that is not there is deleted.
    fn delete(&self, id: u64) -> Result<(), ApiError>;
}

/// The provider of this place, or why it can't be asked.
pub(super) fn of(
    place: &Place,
    token: &Secret,
    limits: &Limits,
) -> Result<Box<dyn Provider>, String> {
    match place.provider.as_str() {
        "gitea" => {
            let client = Client::new(&place.api_url, token, limits.call)?;
            let gitea = Gitea::at(client, &place.repository, limits.listing)?;
            Ok(Box::new(gitea))
        }
        other => Err(format!("no provider is called {other}")),
    }
}

/// The page where a person sees and removes the keys of a repository.
pub(super) fn page(place: &Place) -> String {
    let Place {
        api_url,
        repository,
        ..
    } = place;
    format!("{api_url}/{repository}/settings/keys")
}
