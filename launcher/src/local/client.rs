//! The agent's program, where it is installed outside the system's directories.

use std::path::PathBuf;

/// What of the host's the agent's program needs to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    /// Bound read-only at their own places.
    pub bound: Vec<PathBuf>,
    /// Links, and where they lead to.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Put in front of the agent's `PATH`.
    pub directories: Vec<PathBuf>,
}
