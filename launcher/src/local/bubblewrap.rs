//! The program that makes the sandbox: where it is, and what it says where it can't.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest version that can switch further user namespaces off.
const OLDEST: (u32, u32) = (0, 8);

/// Finds the program in the directories of `path`, the host's `PATH`.
///
/// # Errors
///
/// A sentence with the remedy: it is missing, or too old.
pub(super) fn find(path: &OsStr) -> Result<PathBuf, String> {
    let Some(program) = in_path("bwrap", path) else {
        return Err("the local backend needs bubblewrap 0.8 or later, and there is no bwrap in PATH; install the package bubblewrap, or use --backend docker".to_owned());
    };
    let asked = Command::new(&program).arg("--version").output();
    let shown = program.display();
    let asked = asked.map_err(|error| format!("{shown} can't be run: {error}"))?;
    let text = String::from_utf8_lossy(&asked.stdout);
    match version(&text) {
        Some(found) if found >= OLDEST => Ok(program),
        Some((major, minor)) => Err(format!(
            "the local backend needs bubblewrap 0.8 or later, and {shown} is {major}.{minor}; install a newer one, or use --backend docker"
        )),
        None => Err(format!("{shown} does not say which version it is")),
    }
}

/// The first executable file of this name.
pub(super) fn in_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    let absolute = std::env::split_paths(path).filter(|directory| directory.is_absolute());
    absolute
        .map(|directory| directory.join(name))
        .find(|file| is_executable(file))
}

/// Whether somebody may run it.
pub(super) fn is_executable(file: &Path) -> bool {
    const EXECUTE: u32 = 0o111;
    let facts = fs::metadata(file);
    facts.is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & EXECUTE != 0)
}

/// `bubblewrap 0.8.0`
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix("bubblewrap ")?.split('.');
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

/// What the kernel says about user namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Switches {
    /// `user.max_user_namespaces`.
    pub most: Option<u64>,
    /// Debian's `kernel.unprivileged_userns_clone`.
    pub clone: Option<u64>,
    /// Ubuntu's `kernel.apparmor_restrict_unprivileged_userns`.
    pub restricted: Option<u64>,
}

impl Switches {
    /// Those of this machine.
    pub(super) fn of_host() -> Self {
        let read = |name: &str| {
            let text = fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
            text.trim().parse().ok()
        };
        Self {
            most: read("user/max_user_namespaces"),
            clone: read("kernel/unprivileged_userns_clone"),
            restricted: read("kernel/apparmor_restrict_unprivileged_userns"),
        }
    }
}

/// Why there is no sandbox, in a sentence: `words` is what bubblewrap wrote.
pub(super) fn refusal(words: &str, switches: &Switches) -> String {
    let said = words.trim().lines().last().unwrap_or_default();
    let said = said.strip_prefix("bwrap: ").unwrap_or(said);
    let remedy = if switches.most == Some(0) {
        "user namespaces are switched off; run `sysctl -w user.max_user_namespaces=15000` as root"
    } else if switches.clone == Some(0) {
        "user namespaces are switched off for users; run `sysctl -w kernel.unprivileged_userns_clone=1` as root"
    } else if switches.restricted == Some(1) && refers_to_namespaces(said) {
        "AppArmor keeps user namespaces from bwrap; install its profile (`apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict`), or run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` as root"
    } else if refers_to_namespaces(said) {
        "this machine lets nobody make user namespaces, as inside many containers; start it on the host"
    } else {
        return match said {
            "" => "the sandbox ended before it said anything".to_owned(),
            said => format!("the sandbox could not be made: {said}"),
        };
    };
    let said = match said {
        "" => String::new(),
        said => format!(" (bubblewrap: {said})"),
    };
    format!("there is no sandbox without user namespaces: {remedy}, or use --backend docker{said}")
}

fn refers_to_namespaces(said: &str) -> bool {
    let signs = ["namespace", "uid map", "gid map", "loopback"];
    signs.iter().any(|sign| said.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version("bubblewrap 0.8.0\n"), Some((0, 8)));
        assert_eq!(version("bubblewrap 1.12\n"), Some((1, 12)));
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn a_missing_program_is_one_sentence_with_its_remedy() {
        let place = tempfile::tempdir().expect("a directory");
        let sentence = find(place.path().as_os_str()).expect_err("none");
        assert!(
            sentence.contains("install the package bubblewrap"),
            "{sentence}"
        );
        assert_eq!(sentence.lines().count(), 1);
    }

    fn program(text: &str) -> (tempfile::TempDir, Result<PathBuf, String>) {
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("bwrap");
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
        let found = find(place.path().as_os_str());
        (place, found)
    }

    #[test]
    fn an_old_program_is_refused_and_a_new_one_found() {
        let (_place, found) = program("#!/bin/sh\necho bubblewrap 0.4.1\n");
        assert!(
            found
                .expect_err("too old")
                .contains(" is 0.4; install a newer one")
        );
        let (place, found) = program("#!/bin/sh\necho bubblewrap 0.11.0\n");
        assert_eq!(found, Ok(place.path().join("bwrap")));
        let (_place, found) = program("#!/bin/sh\necho hello\n");
        assert!(found.is_err());
    }

    #[test]
    fn refusals_name_the_switch() {
        let words = "bwrap: No permissions to create new namespace, likely because\n";
        let switches = |most, clone, restricted| Switches {
            most: Some(most),
            clone,
            restricted,
        };
        let rows = [
            (words, switches(0, None, None), "user.max_user_namespaces"),
            (
                words,
                switches(9, Some(0), None),
                "unprivileged_userns_clone=1",
            ),
            (words, switches(9, Some(1), Some(1)), "apparmor_restrict"),
            (
                words,
                switches(9, None, Some(0)),
                "lets nobody make user namespaces",
            ),
            (
                "bwrap: setting up uid map: Permission denied",
                switches(9, None, Some(1)),
                "apparmor_restrict",
            ),
            (
                "bwrap: Can't find source path /x: No such file or directory",
                switches(9, None, Some(1)),
                "could not be made: Can't find source path /x",
            ),
            ("", switches(9, None, None), "before it said anything"),
        ];
        for (words, switches, sign) in rows {
            let sentence = refusal(words, &switches);
            assert!(sentence.contains(sign), "{sentence}");
            assert_eq!(sentence.lines().count(), 1);
        }
    }
}
