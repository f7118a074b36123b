//! Where the gate's files lie.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The variable that tells hooks the state directory.
pub(super) const STATE: &str = "BOTTLE_GATE_STATE";

/// The variable that tells hooks the directory of the mirrors.
pub(super) const MIRRORS: &str = "BOTTLE_GATE_MIRRORS";

/// What the gate is told, in the state directory.
pub const CONFIG: &str = "gate.json";

/// The directory of the private keys, in the state directory.
pub const KEYS: &str = "keys";

/// The directory of the pinned host keys, in the state directory.
pub const KNOWN_HOSTS: &str = "known_hosts";

/// The two directories: what the gate is told, which it only reads, and what it makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `gate.json`, `keys/`, `known_hosts/`.
    pub(super) state: PathBuf,
    /// The mirrors, and `.bin/` with the links that are no repository's.
    pub(super) mirrors: PathBuf,
}

impl Place {
    /// As the variables of a hook say.
    ///
    /// # Errors
    ///
    /// A variable is missing: this is no hook of the gate's.
    pub(super) fn of_hook() -> io::Result<Place> {
        let path = |name: &str| {
            let missing = || io::Error::other(format!("{name} is unset: bottle-gate calls this"));
            std::env::var_os(name)
                .map(PathBuf::from)
                .ok_or_else(missing)
        };
        Ok(Place {
            state: path(STATE)?,
            mirrors: path(MIRRORS)?,
        })
    }

    /// What the gate is told.
    pub(super) fn config(&self) -> PathBuf {
        self.state.join(CONFIG)
    }

    /// The private key for a repository's upstream.
    pub(super) fn identity(&self, name: &str) -> PathBuf {
        self.state.join(KEYS).join(name)
    }

    /// The upstream's pinned host key.
    pub(super) fn known_hosts(&self, name: &str) -> PathBuf {
        self.state.join(KNOWN_HOSTS).join(name)
    }

    /// What ssh reaches a repository's upstream with: what each file is, and where.
    pub(super) fn ssh_files(&self, name: &str) -> [(&'static str, PathBuf); 2] {
        [
            ("credential", self.identity(name)),
            ("pinned host key", self.known_hosts(name)),
        ]
    }

    /// The bare mirror.
    pub(super) fn mirror(&self, name: &str) -> PathBuf {
        self.mirrors.join(format!("{name}.git"))
    }

    /// A link to this program under another name.
    pub(super) fn link(&self, name: &str) -> PathBuf {
        self.mirrors.join(".bin").join(name)
    }

    /// Where programs put what they need for a moment; it is on the mirrors' volume.
    pub(super) fn temporary(&self) -> PathBuf {
        self.mirrors.join(".tmp")
    }

    /// The repository whose mirror `directory` is.
    pub(super) fn name_of(&self, directory: &Path) -> Option<String> {
        let name = directory.strip_prefix(&self.mirrors).ok()?.to_str()?;
        let name = name.strip_suffix(".git")?;
        (!name.contains('/')).then(|| name.to_owned())
    }

    /// The repository in whose mirror git runs this hook.
    ///
    /// # Errors
    ///
    /// It runs in none.
    pub(super) fn name_here(&self) -> io::Result<String> {
        // git gives the true path, without links in it.
        let true_place = Place {
            state: self.state.clone(),
            mirrors: self.mirrors.canonicalize()?,
        };
        let directory = std::env::current_dir()?.canonicalize()?;
        let none = || io::Error::other("this is none of the gate's mirrors");
        true_place.name_of(&directory).ok_or_else(none)
    }

    /// What a hook needs to find all this again.
    pub(super) fn variables(&self) -> [(&'static str, OsString); 2] {
        [
            (STATE, self.state.clone().into()),
            (MIRRORS, self.mirrors.clone().into()),
        ]
    }
}
