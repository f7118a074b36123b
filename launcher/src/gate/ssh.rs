//! The `ssh` that git calls: the real one, with one key and one pinned host.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::clean_room::REPOSITORY;
use super::place::Place;

/// ssh's own status for a failure that is not the other side's.
const FAILED: u8 = 255;

/// What holds of every connection: nothing of the machine's or the user's steers it, nobody
/// is asked, nothing but a key is tried, and a dead upstream is noticed.
const OPTIONS: [&str; 14] = [
    "IdentityAgent=none",
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "GlobalKnownHostsFile=/dev/null",
    // The pinned key is all there is: nothing is learnt, nothing else is asked.
    "UpdateHostKeys=no",
    "VerifyHostKeyDNS=no",
    "CheckHostIP=no",
    "PreferredAuthentications=publickey",
    "ClearAllForwardings=yes",
    "ControlPath=none",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];

/// Becomes it. Gives the exit code if that can't be.
pub(super) fn run(arguments: &[OsString]) -> u8 {
    let refused = match command(arguments) {
        Ok(mut command) => format!("ssh could not be run: {}", command.exec()),
        Err(reason) => reason,
    };
    // git shows it as ssh's. Nobody may be there to read it, which is no reason to panic.
    let _ = writeln!(std::io::stderr(), "{refused}");
    FAILED
}

/// The real `ssh`, with what git asked of ours.
fn command(arguments: &[OsString]) -> Result<Command, String> {
    let place = Place::of_hook().map_err(|error| error.to_string())?;
    let name = std::env::var(REPOSITORY)
        .map_err(|error| format!("{REPOSITORY}: {error}: bottle-gate calls this"))?;
    for (what, path) in place.ssh_files(&name) {
        if !path.is_file() {
            return Err(format!("the gate has no {what} for {name}"));
        }
    }
    let mut command = Command::new("ssh");
    command.args(["-F", "/dev/null", "-a", "-x", "-T"]);
    for option in OPTIONS {
        command.args(["-o", option]);
    }
    command
        .arg("-o")
        .arg(known_hosts_option(&place.known_hosts(&name)));
    command.arg("-i").arg(place.identity(&name));
    command.args(arguments.iter().skip(1));
    Ok(command)
}

/// The option's value is a list of words in ssh's own quoting.
fn known_hosts_option(path: &Path) -> OsString {
    let mut option = OsString::from("UserKnownHostsFile=\"");
    option.push(OsStr::new(path));
    option.push("\"");
    option
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_hosts_file_may_have_a_space_in_its_path() {
        assert_eq!(
            known_hosts_option(Path::new("/a b/known_hosts/app")),
            OsStr::new("UserKnownHostsFile=\"/a b/known_hosts/app\"")
        );
    }
}
