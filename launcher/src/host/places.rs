//! Where the launcher's own files are on this host.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the launcher's own files are. None but the work directory needs to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The user's home.
    pub home: PathBuf,
    /// The home manifest.
    pub manifest: PathBuf,
    /// The state of all bottles.
    pub state: PathBuf,
    /// Where a Docker Engine may listen.
    pub engine_sockets: Vec<PathBuf>,
    /// The work directory.
    pub work: PathBuf,
}

/// The path with links resolved as far as it exists: what is not there yet has none.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let mut behind = Vec::new();
    let mut there = path;
    loop {
        if let Ok(found) = fs::canonicalize(there) {
            return behind
                .iter()
                .rev()
                .fold(found, |path, name| path.join(name));
        }
        match (there.parent(), there.file_name()) {
            (Some(parent), Some(name)) => {
                behind.push(name);
                there = parent;
            }
            (None, _) | (_, None) => return path.to_path_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_as_far_as_there_are_any() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = fs::canonicalize(folder.path()).expect("its path");
        fs::create_dir(root.join("real")).expect("made");
        std::os::unix::fs::symlink("real", root.join("link")).expect("made");
        assert_eq!(resolved(&root.join("link/a/b")), root.join("real/a/b"));
        assert_eq!(resolved(&root.join("link")), root.join("real"));
        assert_eq!(resolved(Path::new("/")), Path::new("/"));
    }
}
