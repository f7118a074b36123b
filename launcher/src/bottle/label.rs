//! The labels that everything of a bottle bears. Cleaning goes by them, never by names.

use super::LauncherId;

/// Which bottle it is of.
pub(super) const SLUG: &str = "bottle.slug";
/// What it does there: `agent`, `cred-proxy`, `internal`, `egress`, `probe`, `look`.
pub(super) const ROLE: &str = "bottle.role";
/// Which version of the launcher made it.
pub(super) const VERSION: &str = "bottle.version";
/// Which agent works there.
pub(super) const AGENT: &str = "bottle.agent";
/// Which process made it.
pub(super) const LAUNCHER: &str = "bottle.launcher";
/// Of an image: what it is made of.
pub(super) const CONTENT: &str = "bottle.content";

/// The labels of an image that is made of `content`.
pub(super) fn of_image(content: &str) -> Vec<(String, String)> {
    [
        (ROLE, "image"),
        (VERSION, env!("CARGO_PKG_VERSION")),
        (CONTENT, content),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// What the labels of one bottle have in common.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    /// The bottle's name.
    pub slug: String,
    /// The agent's.
    pub agent: String,
    /// This process.
    pub launcher: LauncherId,
}

impl Labels {
    /// The labels of a thing that does `role`.
    pub(super) fn of(&self, role: &str) -> Vec<(String, String)> {
        let launcher = self.launcher.to_string();
        [
            (SLUG, self.slug.as_str()),
            (ROLE, role),
            (VERSION, env!("CARGO_PKG_VERSION")),
            (AGENT, self.agent.as_str()),
            (LAUNCHER, launcher.as_str()),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }
}
