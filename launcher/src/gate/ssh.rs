//! The `ssh` that git calls: the real one, with one key and one pinned host.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::clean_room;
use super::place::Place;
use super::talk::say;

/// What ssh is told whatever the repository: nothing of this machine's configuration or agents, no
/// question to anybody, no host whose key is not pinned, and an end where nobody answers.
const OPTIONS: [&str; 11] = [
    "IdentityAgent=none",
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "GlobalKnownHostsFile=/dev/null",
    "PreferredAuthentications=publickey",
    "ClearAllForwardings=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
];

/// Becomes ssh, with git's own arguments behind ours. Gives the exit code of not becoming it,
/// which is ssh's own for its failures.
pub(super) fn run(arguments: &[OsString]) -> u8 {
    let Err(error) = become_ssh(arguments.get(1..).unwrap_or_default());
    say(&error.to_string());
    255
}

fn become_ssh(of_git: &[OsString]) -> io::Result<core::convert::Infallible> {
    let place = Place::of_hook()?;
    let unset = || io::Error::other(format!("{} is unset", clean_room::REPOSITORY));
    let name = std::env::var(clean_room::REPOSITORY).map_err(|_unset| unset())?;
    let known_hosts = place.known_hosts(&name);
    is_there(&known_hosts, "no host key is pinned for its upstream")?;
    let identity = place.identity(&name);
    is_there(&identity, "it has no key for its upstream")?;
    let mut pinned = OsString::from("UserKnownHostsFile=");
    pinned.push(&known_hosts);

    let mut ssh = clean_room::program(&place, "ssh");
    ssh.args(["-F", "/dev/null"]);
    for option in OPTIONS {
        ssh.args(["-o", option]);
    }
    ssh.arg("-o").arg(pinned).arg("-i").arg(identity);
    pass_on("GIT_PROTOCOL", &mut ssh);
    Err(ssh.args(of_git).exec())
}

fn is_there(path: &Path, without: &str) -> io::Result<()> {
    let missing = |error| io::Error::other(format!("{without} ({}: {error})", path.display()));
    std::fs::metadata(path).map(drop).map_err(missing)
}

/// git asks ssh to send this one.
fn pass_on(variable: &str, command: &mut Command) {
    if let Some(value) = std::env::var_os(variable) {
        command.env(variable, value);
    }
}
