//! Whether another user finds a way to a path.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A directory on the way to `path` that `user` may not pass, if there is one.
pub(super) fn barrier(path: &Path, (user, group): (u32, u32)) -> Option<PathBuf> {
    let passes = |directory: &Path| {
        let Ok(facts) = fs::metadata(directory) else {
            return false;
        };
        let bit = if facts.uid() == user {
            0o100
        } else if facts.gid() == group {
            0o010
        } else {
            0o001
        };
        facts.mode() & bit != 0
    };
    let ancestors = path.ancestors().skip(1);
    let mut barriers = ancestors.filter(|directory| !passes(directory));
    barriers.next().map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_closed_directory_is_a_barrier_to_others_alone() {
        let place = tempfile::tempdir().expect("a directory");
        let closed = place.path().join("closed");
        fs::create_dir(&closed).expect("made");
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).expect("set");
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("set");
        let owner = fs::metadata(&closed).expect("it").uid();
        let other = (owner + 1, u32::MAX);
        assert_eq!(barrier(&closed.join("file"), (owner, 0)), None);
        assert_eq!(barrier(&closed.join("file"), other), Some(closed.clone()));
        assert_eq!(barrier(&closed, other), None);
    }
}
