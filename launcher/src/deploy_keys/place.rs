//! Where a key is registered, and for what.

use serde::{Deserialize, Serialize};

/// One repository of a forge. Holds names alone; the token is in no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The repository's name at the gate.
    pub(super) name: String,
    /// Whose API.
    pub(super) provider: String,
    /// The API's root.
    pub(super) api_url: String,
    /// `owner/repository` there.
    pub(super) repository: String,
    /// The host's variable that holds the token.
    pub(super) token_env: String,
}

impl Place {
    /// What the manifest calls it.
    pub(super) fn key(&self) -> String {
        format!("git_gate.repos.{}", self.name)
    }
}
