//! Trees of files: copied for an agent, and removed whatever it made of them.

use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, Metadata, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, OFlags, readlinkat, statat};

use crate::bottle::archive::open;

/// Copies the directory `from` to `to`, which is made. Links stay links; sockets, pipes and
/// devices are left out, and given back. Links are not followed.
///
/// # Errors
///
/// The file system's, with the path.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<Vec<PathBuf>> {
    let mut left_out = Vec::new();
    let folder = open(CWD, from.as_os_str(), OFlags::DIRECTORY).map_err(at(from))?;
    copy_folder(&folder, (from, to), &mut left_out)?;
    Ok(left_out)
}

fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn copy_folder(
    folder: &File,
    (from, to): (&Path, &Path),
    left_out: &mut Vec<PathBuf>,
) -> io::Result<()> {
    fs::create_dir(to).map_err(at(to))?;
    for entry in Dir::read_from(folder).map_err(|error| at(from)(error.into()))? {
        let entry = entry.map_err(|error| at(from)(error.into()))?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            let paths = (&*from.join(name), &*to.join(name));
            copy_entry((folder, name), paths, left_out)?;
        }
    }
    // Times are set once it is full.
    finish(&folder.metadata().map_err(at(from))?, to)
}

fn copy_entry(
    (folder, name): (&File, &OsStr),
    (from, to): (&Path, &Path),
    left_out: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let facts = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    let facts = facts.map_err(|error| at(from)(error.into()))?;
    match FileType::from_raw_mode(facts.st_mode) {
        FileType::Symlink => {
            let target = readlinkat(folder, name, Vec::new());
            let target = target.map_err(|error| at(from)(error.into()))?;
            let target = OsStr::from_bytes(target.to_bytes());
            std::os::unix::fs::symlink(target, to).map_err(at(to))
        }
        FileType::Directory => {
            let folder = open(folder, name, OFlags::DIRECTORY).map_err(at(from))?;
            copy_folder(&folder, (from, to), left_out)
        }
        FileType::RegularFile => {
            let file = open(folder, name, OFlags::empty()).map_err(at(from))?;
            let facts = file.metadata().map_err(at(from))?;
            if !facts.is_file() {
                left_out.push(from.to_owned());
                return Ok(());
            }
            let mut options = fs::OpenOptions::new();
            let copy = options.write(true).create_new(true).mode(0o600).open(to);
            // One that grows meanwhile must not fill the disk.
            io::copy(&mut file.take(facts.len()), &mut copy.map_err(at(to))?).map_err(at(from))?;
            finish(&facts, to)
        }
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => {
            left_out.push(from.to_owned());
            Ok(())
        }
    }
}

/// Gives a copy the times and the mode of what it was made of: programs that build compare
/// times. Not what makes a program another user's: the copy may be.
fn finish(facts: &Metadata, to: &Path) -> io::Result<()> {
    if let (Ok(accessed), Ok(modified)) = (facts.accessed(), facts.modified()) {
        let times = FileTimes::new()
            .set_accessed(accessed)
            .set_modified(modified);
        let set = File::open(to).and_then(|file| file.set_times(times));
        // One that may not be read keeps the time of its copy.
        let _unreadable = set;
    }
    let mode = facts.permissions().mode() & 0o777;
    fs::set_permissions(to, Permissions::from_mode(mode)).map_err(at(to))
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
            unlock(path)?;
            fs::remove_dir_all(path)
        }
        removed => removed,
    }
}

/// Lets the owner write each directory of a tree.
fn unlock(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(path)? {
            unlock(&entry?.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_or_a_pipe_in_the_place_of_what_is_copied_is_not_opened() {
        let place = tempfile::tempdir().expect("a directory");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir(&from).expect("made");
        fs::write(place.path().join("key"), "secret").expect("written");
        std::os::unix::fs::symlink("../key", from.join("a")).expect("a link");
        std::os::unix::fs::symlink(place.path(), from.join("b")).expect("a link");
        let folder = open(CWD, from.as_os_str(), OFlags::DIRECTORY).expect("it");
        let name = OsStr::new;
        assert!(open(&folder, name("a"), OFlags::empty()).is_err());
        assert!(open(&folder, name("b"), OFlags::DIRECTORY).is_err());
        assert_eq!(
            copy(&from, &to).expect("copied"),
            [""; 0].map(PathBuf::from)
        );
        assert!(fs::symlink_metadata(to.join("a")).expect("it").is_symlink());
        std::os::unix::fs::symlink(&from, place.path().join("other")).expect("a link");
        let elsewhere = place.path().join("elsewhere");
        assert!(copy(&place.path().join("other"), &elsewhere).is_err());
    }

    #[test]
    fn what_makes_a_program_another_users_is_not_copied() {
        let place = tempfile::tempdir().expect("a directory");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir(&from).expect("made");
        fs::write(from.join("run"), "x").expect("written");
        fs::set_permissions(from.join("run"), Permissions::from_mode(0o6755)).expect("set");
        copy(&from, &to).expect("copied");
        let mode = fs::metadata(to.join("run"))
            .expect("it")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o755);
    }

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
