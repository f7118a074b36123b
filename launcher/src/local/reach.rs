//! The way to a path: whether another user may go it, and what it touches.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Links that the kernel follows on the way to a file.
const LINKS: usize = 40;

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

/// Whether the way to `path` touches `directory`, at any of the links that it follows. One that
/// does not end is said to.
pub(super) fn leads_through(path: &Path, directory: &Path) -> bool {
    let (mut at, mut links) = (PathBuf::new(), 0);
    let mut rest: Vec<OsString> = Vec::new();
    let put = |rest: &mut Vec<OsString>, path: &Path| {
        let parts: Vec<_> = path.components().map(|c| c.as_os_str().into()).collect();
        rest.extend(parts.into_iter().rev());
    };
    put(&mut rest, path);
    while let Some(part) = rest.pop() {
        match part.as_encoded_bytes() {
            b"." => continue,
            b".." => drop(at.pop()),
            _ => at.push(&part),
        }
        if at.starts_with(directory) {
            return true;
        }
        if let Ok(target) = fs::read_link(&at) {
            links += 1;
            if links > LINKS {
                return true;
            }
            at.pop();
            put(&mut rest, &target);
        }
    }
    false
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
