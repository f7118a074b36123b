//! The labels that everything of a bottle bears. Cleaning goes by them, never by names.

use super::LauncherId;
use crate::docker::Labelled;

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

/// Of the git gate's image: what scans there.
pub(super) const SCANNER: &str = "bottle.scanner";

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

/// The labels of the git gate's image, which scans with `scanner`. It is no start's to remove.
pub(super) fn of_gate_image(scanner: &str) -> Vec<(String, String)> {
    [
        (ROLE, "image"),
        (VERSION, env!("CARGO_PKG_VERSION")),
        (SCANNER, scanner),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// Whether a thing that bears our label was made by a launcher. A container inherits the
/// labels of its image, and one that was made of an agent's container has them all; it is
/// somebody's own.
pub(super) fn is_ours(object: &Labelled) -> bool {
    let slug = object.labels.get(SLUG).map(String::as_str);
    slug.is_some_and(|slug| {
        let prefix = format!("bottle-{slug}-");
        super::is_slug(slug) && object.name.starts_with(&prefix)
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::Kind;

    #[test]
    fn what_inherited_our_labels_is_not_ours() {
        let object = |name: &str, slug: &str| Labelled {
            kind: Kind::Container,
            id: name.to_owned(),
            name: name.to_owned(),
            labels: [(SLUG.to_owned(), slug.to_owned())].into(),
            created: None,
            status: String::new(),
        };
        assert!(is_ours(&object("bottle-a-22222-agent", "a-22222")));
        // Of an image that `docker commit` made, and of one whose author wrote the labels.
        for (name, slug) in [
            ("happy_turing", "a-22222"),
            ("bottle-a-22222-agent", "a-33333"),
            ("bottle--agent", ""),
            ("bottle-../x-agent", "../x"),
        ] {
            assert!(!is_ours(&object(name, slug)), "{name}");
        }
    }
}
