//! What the gate is told: `gate.json` in its state directory, written by the launcher.

use std::io;

use serde::{Deserialize, Serialize};

use super::limits::CONFIG_OCTETS;
use super::place::Place;
use crate::bounded::read_file;

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The scanner, a program and its first arguments; `gitleaks` unless the user names another.
    pub scanner: Vec<String>,
    /// The repositories that it serves.
    pub repositories: Vec<Repository>,
}

/// One repository. Its private key is the file `keys/<name>` and its pinned host key
/// `known_hosts/<name>`, both in the state directory; its mirror is `<name>.git`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Its name at the gate.
    pub name: String,
    /// The upstream, `ssh://…` or scp-like.
    pub url: String,
    /// What may be pushed.
    pub policy: Policy,
}

/// What may be pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Patterns of refs, such as `refs/heads/*`; empty: none. `*` is any text, `/` included.
    pub allow: Vec<String>,
    /// Not the upstream's default branch.
    pub protect_default: bool,
    /// Whether history may be rewritten.
    pub force: bool,
    /// Whether refs may be deleted.
    pub delete: bool,
    /// Whether what CI runs may be changed.
    pub ci: bool,
    /// How large a push may be, in MiB.
    pub max_push_mib: u32,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// It can't be read, is too long, or is none.
    pub(super) fn read(place: &Place) -> io::Result<Config> {
        let path = place.config();
        let at = |error: &dyn core::fmt::Display| {
            io::Error::other(format!("{}: {error}", path.display()))
        };
        let octets = read_file(&path, CONFIG_OCTETS).map_err(|error| at(&error))?;
        serde_json::from_slice(&octets).map_err(|error| at(&error))
    }

    /// The repository of that name.
    pub(super) fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|one| one.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of this text.
    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place {
            state: folder.path().to_owned(),
            mirrors: folder.path().to_owned(),
        };
        std::fs::write(place.config(), text).expect("written");
        Config::read(&place).map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_read_up_to_its_limit() {
        let none = r#"{"scanner": ["gitleaks"], "repositories": []}"#;
        let padded = |octets: usize| none.to_owned() + &" ".repeat(octets - none.len());
        let config = read(&padded(CONFIG_OCTETS)).expect("it fits");
        assert_eq!(config.scanner, ["gitleaks"]);
        assert_eq!(config.repository("app"), None);
        let told = read(&padded(CONFIG_OCTETS + 1)).expect_err("too long");
        assert!(
            told.ends_with("gate.json: it is longer than 1048576 octets"),
            "{told}"
        );
    }

    #[test]
    fn what_it_does_not_know_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"scanner": [], "repositories": [], "more": 1}"#,
        ] {
            let told = read(text).expect_err(text);
            assert!(told.contains("gate.json: "), "{told}");
        }
    }
}
