//! Where the launcher's own files are on this host.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the launcher's own files are. None needs to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The user's home.
    pub home: PathBuf,
    /// The home manifest.
    pub manifest: PathBuf,
    /// The agents that the work directory brings.
    pub repository_agents: PathBuf,
    /// The state of all bottles.
    pub state: PathBuf,
    /// The work directory.
    pub work: PathBuf,
}

impl Places {
    /// The places for this environment and work directory; `manifest` is that of the command
    /// line or of `BOTTLE_MANIFEST`, if any. Nothing is looked up or created.
    pub fn of(
        environment: &dyn Fn(&str) -> Option<OsString>,
        work: &Path,
        manifest: Option<&Path>,
    ) -> Result<Places, String> {
        let absolute = |name: &str| {
            let path = environment(name).map(PathBuf::from);
            // The specification of these variables has relative ones ignored.
            path.filter(|path| path.is_absolute())
        };
        let home = absolute("HOME")
            .ok_or("HOME is unset or no absolute path: set it to your home directory")?;
        let configuration = absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        let state = absolute("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state"));
        Ok(Places {
            manifest: match manifest {
                Some(path) => work.join(path),
                None => configuration.join("bottle/manifest.json"),
            },
            repository_agents: work.join(".bottle/agents.json"),
            state: state.join("bottle"),
            work: work.to_path_buf(),
            home,
        })
    }
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
    fn places_are_those_of_the_environment() {
        let work = Path::new("/w");
        let home_only = |name: &str| (name == "HOME").then(|| OsString::from("/home/me"));
        let places = Places::of(&home_only, work, None).expect("places");
        assert_eq!(
            places.manifest,
            Path::new("/home/me/.config/bottle/manifest.json")
        );
        assert_eq!(places.state, Path::new("/home/me/.local/state/bottle"));
        assert_eq!(
            places.repository_agents,
            Path::new("/w/.bottle/agents.json")
        );

        let all = |name: &str| match name {
            "HOME" => Some(OsString::from("/home/me")),
            "XDG_CONFIG_HOME" => Some(OsString::from("/c")),
            "XDG_STATE_HOME" => Some(OsString::from("relative")),
            _ => None,
        };
        let places = Places::of(&all, work, None).expect("places");
        assert_eq!(places.manifest, Path::new("/c/bottle/manifest.json"));
        assert_eq!(places.state, Path::new("/home/me/.local/state/bottle"));
        let named = Places::of(&all, work, Some(Path::new("m.json"))).expect("places");
        assert_eq!(named.manifest, Path::new("/w/m.json"));
        assert!(Places::of(&|_| None, work, None).is_err_and(|text| text.contains("HOME")));
    }

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
