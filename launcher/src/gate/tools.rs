//! What the gate needs, looked at before it starts: programs, and files of the launcher's.

use std::process::Command;

use crate::child;

use super::clean_room;
use super::config::Config;
use super::limits::{PROGRAM_TIME, TOOL_ANSWER_OCTETS};
use super::place::Place;

/// The oldest git that the hooks were tried with.
const GIT: (u32, u32) = (2, 39);

/// Everything that is missing, a sentence each.
pub(super) fn missing(place: &Place, config: &Config) -> Vec<String> {
    let mut missing: Vec<String> = [git(place), ssh(place), scanner(place, &config.scanner)]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    for repository in &config.repositories {
        let name = repository.name.as_str();
        if name.is_empty() || name.contains('/') || name.starts_with(['.', '-']) {
            missing.push(format!("gate.json: {name:?} is no name of a repository"));
            continue;
        }
        for (what, path) in place.ssh_files(name) {
            // Read as ssh will read it: that it is there is not enough.
            if let Err(error) = std::fs::File::open(&path) {
                missing.push(format!("{name}: no {what}: {}: {error}", path.display()));
            }
        }
    }
    missing
}

fn git(place: &Place) -> Result<(), String> {
    let told = told(
        clean_room::program(place, "git").arg("--version"),
        "git --version",
    )?;
    if version(&told).is_none_or(|version| version < GIT) {
        let told = crate::visible::visible(told.trim());
        return Err(format!(
            "git {}.{} or newer is needed, this is: {told}",
            GIT.0, GIT.1
        ));
    }
    // It is a package of its own in some distributions.
    let directory = self::told(
        clean_room::program(place, "git").arg("--exec-path"),
        "git --exec-path",
    )?;
    let daemon = std::path::Path::new(directory.trim()).join("git-daemon");
    if daemon.is_file() {
        Ok(())
    } else {
        Err(format!(
            "git daemon is not installed: {} is not there",
            daemon.display()
        ))
    }
}

fn ssh(place: &Place) -> Result<(), String> {
    told(clean_room::program(place, "ssh").arg("-V"), "ssh -V").map(drop)
}

/// It must be able to read what it scans from standard input.
fn scanner(place: &Place, scanner: &[String]) -> Result<(), String> {
    let [program, arguments @ ..] = scanner else {
        return Err("gate.json names no scanner".to_owned());
    };
    let ask = |words: &[&str]| {
        let mut command = clean_room::program(place, program);
        told(
            command.args(arguments).args(words),
            &format!("the scanner, {program}"),
        )
    };
    ask(&["version"])?;
    if ask(&["stdin", "--help"])?.contains("stdin") {
        Ok(())
    } else {
        Err(format!(
            "the scanner, {program}, knows no stdin: gitleaks 8.19 or newer is needed"
        ))
    }
}

/// What a program writes; what is wrong with it otherwise.
fn told(command: &mut Command, what: &str) -> Result<String, String> {
    let octets = child::output(command, PROGRAM_TIME, TOOL_ANSWER_OCTETS)
        .map_err(|error| format!("{what} {error}"))?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// The version in `git version 2.39.5 (…)`.
fn version(told: &str) -> Option<(u32, u32)> {
    let mut numbers = told.strip_prefix("git version ")?.split('.');
    Some((
        numbers.next()?.parse().ok()?,
        numbers.next()?.trim().parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gits_version_is_read() {
        let rows = [
            ("git version 2.39.5\n", Some((2, 39))),
            ("git version 2.47.3\n", Some((2, 47))),
            ("git version 3.0\n", Some((3, 0))),
            ("git version 2.54.GIT\n", Some((2, 54))),
            ("hub 1\n", None),
        ];
        for (told, expected) in rows {
            assert_eq!(version(told), expected, "{told}");
        }
    }
}
