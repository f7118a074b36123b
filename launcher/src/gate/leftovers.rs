//! What git leaves in a mirror when it is killed, and would never remove.

use std::io;
use std::path::Path;

/// A push's objects before pre-receive has let them in. git does not remove them when a
/// signal ends it. Nobody may be pushing.
pub(super) fn of_pushes(mirror: &Path) -> io::Result<()> {
    remove_prefixed(&mirror.join("objects"), "tmp_objdir-incoming-")
}

/// Packs that did not come whole. Under the lock: nobody else fetches, and a push's pack
/// comes elsewhere.
pub(super) fn of_fetches(mirror: &Path) -> io::Result<()> {
    remove_prefixed(&mirror.join("objects").join("pack"), "tmp_")
}

/// git's locks. Under ours nobody changes refs, so they are those of the killed; each would
/// refuse its ref for ever.
pub(super) fn of_refs(mirror: &Path) -> io::Result<()> {
    for file in [
        "HEAD.lock",
        "packed-refs.lock",
        "config.lock",
        "shallow.lock",
    ] {
        remove_tree(&mirror.join(file))?;
    }
    remove_locks_below(&mirror.join("refs"))
}

fn remove_locks_below(directory: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            remove_locks_below(&path)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "lock")
        {
            remove_tree(&path)?;
        }
    }
    Ok(())
}

fn remove_prefixed(directory: &Path, prefix: &str) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file, or a directory with all that is in it, if it is there.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let gone = [
            "HEAD.lock",
            "refs/heads/a/b.lock",
            "objects/pack/tmp_pack_Ab1",
            "objects/tmp_objdir-incoming-Ab1/pack/tmp_pack_1",
        ];
        let kept = [
            "HEAD",
            "refs/heads/a/b",
            "objects/pack/pack-1.pack",
            "bottle-gate.lock",
        ];
        for path in gone
            .iter()
            .chain(&kept)
            .map(|path| folder.path().join(path))
        {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, "").expect("a file");
        }
        for remove in [of_refs, of_fetches, of_pushes] {
            remove(folder.path()).expect("removed");
        }
        assert!(gone.iter().all(|path| !folder.path().join(path).exists()));
        assert!(
            !folder
                .path()
                .join("objects/tmp_objdir-incoming-Ab1")
                .exists()
        );
        assert!(kept.iter().all(|path| folder.path().join(path).exists()));
    }
}
