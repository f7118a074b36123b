//! The scanner of this host: where it is, and what it says that it is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child;
use crate::limits::{HOST_COMMAND_TIME, SCANNER_VERSION_OCTETS};
use crate::visible::visible;

/// The one that is looked for if none is named.
const USUAL: &str = "gitleaks";

/// A scanner that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanner {
    /// Absolute, links resolved.
    pub program: PathBuf,
    /// As it says itself, one line.
    pub version: String,
}

/// Finds the scanner: `named`, a path or a name in `path`, or else gitleaks in `path`.
///
/// # Errors
///
/// A sentence with the remedy.
pub fn find(named: Option<&Path>, path: &OsStr) -> Result<Scanner, String> {
    let name = named.unwrap_or(Path::new(USUAL));
    let shown = visible(&name.display().to_string());
    let program = match name.components().count() {
        1 => std::env::split_paths(path)
            .map(|directory| directory.join(name))
            .find_map(|program| program.canonicalize().ok().filter(|real| real.is_file())),
        _ => name.canonicalize().ok(),
    };
    let program = program.ok_or_else(|| {
        format!("the scanner {shown} is not here, and no push leaves unscanned: install gitleaks, or name one that takes its arguments with --scanner")
    })?;
    let mut command = Command::new(&program);
    // It may look for a configuration of its own where it begins.
    command.arg("version").current_dir("/").env_clear();
    let said = child::output(&mut command, HOST_COMMAND_TIME, SCANNER_VERSION_OCTETS)
        .map_err(|error| format!("the scanner {shown} does not say its version: {error}"))?;
    let said = String::from_utf8_lossy(&said);
    let version = visible(said.trim().lines().next().unwrap_or_default());
    match version.is_empty() {
        true => Err(format!("the scanner {shown} says nothing of its version")),
        false => Ok(Scanner { program, version }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_scanner_is_found_and_says_what_it_is() {
        let place = tempfile::tempdir().expect("a directory");
        let script = |name: &str, text: &str| {
            let path = place.path().join(name);
            std::fs::write(&path, text).expect("written");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&path, mode).expect("executable");
        };
        script(
            "gitleaks",
            "#!/bin/sh\ntest \"$1\" = version && echo 8.30.1\n",
        );
        script("silent", "#!/bin/sh\n");
        script("broken", "#!/bin/sh\nexit 3\n");
        let path = place.path().as_os_str();
        let found = find(None, path).expect("in PATH");
        assert_eq!(found.version, "8.30.1");
        assert_eq!(find(Some(&found.program), OsStr::new("/none")), Ok(found));
        for (name, why) in [
            ("silent", "says nothing of its version"),
            ("broken", "does not say its version: ended with 3"),
            ("absent", "is not here, and no push leaves unscanned: "),
        ] {
            let told = find(Some(Path::new(name)), path).expect_err(name);
            assert!(
                told.starts_with(&format!("the scanner {name} {why}")),
                "{told}"
            );
        }
    }
}
