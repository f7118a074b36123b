//! Trees of files: copied for an agent, and removed whatever it made of them.

use std::fs::{self, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Copies the directory `from` to `to`, which is made. Links stay links; sockets, pipes and
/// devices are left out, and given back. Links are not followed.
///
/// # Errors
///
/// The file system's, with the path.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<Vec<PathBuf>> {
    let mut left_out = Vec::new();
    copy_entry(from, to, &mut left_out)?;
    Ok(left_out)
}

fn copy_entry(from: &Path, to: &Path, left_out: &mut Vec<PathBuf>) -> io::Result<()> {
    let place =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", from.display()));
    let facts = from.symlink_metadata().map_err(place)?;
    let kind = facts.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(from).map_err(place)?;
        return std::os::unix::fs::symlink(target, to).map_err(place);
    }
    if kind.is_dir() {
        fs::create_dir(to).map_err(place)?;
        for entry in fs::read_dir(from).map_err(place)? {
            let name = entry.map_err(place)?.file_name();
            copy_entry(&from.join(&name), &to.join(&name), left_out)?;
        }
    } else if kind.is_file() {
        fs::copy(from, to).map_err(place)?;
    } else {
        left_out.push(from.to_owned());
        return Ok(());
    }
    // Programs that build compare times; a directory's are set once it is full.
    if let (Ok(accessed), Ok(modified)) = (facts.accessed(), facts.modified()) {
        let times = FileTimes::new()
            .set_accessed(accessed)
            .set_modified(modified);
        let set = fs::File::open(to).and_then(|file| file.set_times(times));
        // One that may not be read keeps the time of its copy.
        let _unreadable = set;
    }
    fs::set_permissions(to, facts.permissions()).map_err(place)
}

/// Gives a tree to a user. Links are not followed.
///
/// # Errors
///
/// The file system's.
pub(super) fn give(path: &Path, (user, group): (u32, u32)) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), (user, group))?;
        }
    }
    std::os::unix::fs::lchown(path, Some(user), Some(group))
}

/// Removes a tree, also where an agent made directories that may not be written. Gone already
/// is success.
///
/// # Errors
///
/// The file system's.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open(path)?;
            fs::remove_dir_all(path)
        }
        removed => removed,
    }
}

/// Lets the owner write each directory of a tree.
fn open(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(path)? {
            open(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_files_links_modes_and_times_and_says_what_it_left_out() {
        let place = tempfile::tempdir().expect("a directory");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(from.join("a/b")).expect("made");
        fs::write(from.join("a/b/run"), "x").expect("written");
        fs::set_permissions(from.join("a/b/run"), Permissions::from_mode(0o750)).expect("set");
        std::os::unix::fs::symlink("/nowhere", from.join("link")).expect("a link");
        let socket = from.join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        fs::set_permissions(from.join("a/b"), Permissions::from_mode(0o555)).expect("set");
        assert_eq!(copy(&from, &to).expect("copied"), [socket]);
        let facts = |path: PathBuf| fs::metadata(path).expect("it");
        let (old, new) = (facts(from.join("a/b/run")), facts(to.join("a/b/run")));
        assert_eq!(new.permissions(), old.permissions());
        assert_eq!(
            new.modified().expect("a time"),
            old.modified().expect("a time")
        );
        assert_eq!(
            fs::read_link(to.join("link")).expect("a link"),
            Path::new("/nowhere")
        );
        remove(&to).expect("removed");
        assert!(!to.exists());
        remove(&to).expect("removed twice");
        remove(&from).expect("removed");
    }
}
