//! Where the two files are.

use std::fs;
use std::path::{Path, PathBuf};

/// The agents that a repository brings, from its root.
pub const REPOSITORY_FILE: &str = ".bottle/agents.json";

/// The two files, where there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The home manifest, the user's own. It must be there.
    pub home: Option<PathBuf>,
    /// The repository's file. It must be there.
    pub repository: Option<PathBuf>,
}

impl Sources {
    /// The files for a start in `directory`: the manifest that `flag` or `BOTTLE_MANIFEST`
    /// names, which must be there, or else the one of the configuration, if it is there; and
    /// the repository's, if it is there.
    pub fn find(
        flag: Option<&Path>,
        directory: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Sources {
        let home = named_manifest(flag, variable)
            .or_else(|| default_manifest(variable).filter(|path| is_there(path)));
        let repository = directory.join(REPOSITORY_FILE);
        Sources {
            home,
            repository: is_there(&repository).then_some(repository),
        }
    }
}

/// Where the home manifest is, or would be: the flag, `BOTTLE_MANIFEST`,
/// `$XDG_CONFIG_HOME/bottle/manifest.json`, or the same below `~/.config`. None without a home.
pub fn home_manifest(
    flag: Option<&Path>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<PathBuf> {
    named_manifest(flag, variable).or_else(|| default_manifest(variable))
}

fn named_manifest(
    flag: Option<&Path>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Option<PathBuf> {
    let of_variable = || variable("BOTTLE_MANIFEST").filter(|path| !path.is_empty());
    flag.map(Path::to_owned)
        .or_else(|| of_variable().map(PathBuf::from))
}

fn default_manifest(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    // A relative one is to be ignored, says the XDG Base Directory Specification.
    let absolute = |name| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let configuration = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(configuration.join("bottle/manifest.json"))
}

/// A link that leads nowhere is there: that it can't be read must be told. What can't be
/// looked at, too.
fn is_there(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(
            error.kind(),
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_named_is_taken() {
        let all = [
            ("BOTTLE_MANIFEST", "/b"),
            ("XDG_CONFIG_HOME", "/x"),
            ("HOME", "/h"),
        ];
        for (from, expected) in [
            (0, "/b"),
            (1, "/x/bottle/manifest.json"),
            (2, "/h/.config/bottle/manifest.json"),
        ] {
            let variable = |name: &str| {
                let mut set = all[from..].iter();
                set.find(|(set, _)| *set == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(
                home_manifest(None, &variable),
                Some(PathBuf::from(expected))
            );
            let flag = home_manifest(Some(Path::new("f")), &variable);
            assert_eq!(flag, Some(PathBuf::from("f")));
        }
        assert_eq!(home_manifest(None, &|_| None), None);
        assert_eq!(home_manifest(None, &|_| Some(String::new())), None);
        assert_eq!(
            home_manifest(None, &|_| Some("relative".to_owned())),
            Some("relative".into())
        );
    }

    #[test]
    fn only_a_manifest_that_was_named_must_be_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().join("home").display().to_string();
        let variable = |name: &str| (name == "HOME").then(|| home.clone());
        assert_eq!(
            Sources::find(None, folder.path(), &variable),
            Sources::default()
        );
        let named = Sources::find(Some(Path::new("/gone")), folder.path(), &variable);
        assert_eq!(named.home, Some(PathBuf::from("/gone")));

        let file = folder.path().join(REPOSITORY_FILE);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(&file, "{}").expect("written");
        let found = Sources::find(None, folder.path(), &variable);
        assert_eq!(found.repository, Some(file));
        assert_eq!(found.home, None);
    }
}
