//! The private keys of the git gate that are files of the host: read at the start, for the gate
//! alone.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use super::secret::Secret;
use crate::bounded::read_at_most;
use crate::child::{self, ChildError};
use crate::limits::{HOST_COMMAND_TIME, IDENTITY_OCTETS, PUBLIC_KEY_OCTETS};
use crate::manifest::GateKey;
use crate::plan::{Gate, below_home};
use crate::visible::visible;

/// Reads the identity of every repository that has one, or tells of every one that is of no
/// use: where it lies, why, and which repository needs it.
pub fn read(gate: &Gate, home: &Path) -> Result<Vec<(String, Secret)>, Vec<String>> {
    let mut keys = Vec::new();
    let mut problems = Vec::new();
    for repository in &gate.repositories {
        let GateKey::Identity(file) = &repository.key else {
            continue;
        };
        match identity(&below_home(file, home), home) {
            Ok(key) => keys.push((repository.name.clone(), key)),
            Err(why) => problems.push(format!(
                "the identity {} {why}; it is git_gate.repos.{}.identity",
                visible(file),
                repository.name
            )),
        }
    }
    match problems.is_empty() {
        true => Ok(keys),
        false => Err(problems),
    }
}

fn identity(path: &Path, home: &Path) -> Result<Secret, String> {
    let read = || read_at_most(&mut File::open(path)?, IDENTITY_OCTETS);
    let octets = read().map_err(|error| format!("can't be read: {error}"))?;
    if octets.len() > IDENTITY_OCTETS {
        return Err(format!("is longer than {IDENTITY_OCTETS} octets"));
    }
    if octets.starts_with(b"ssh-") {
        return Err("is a public key; name the private one that it belongs to".to_owned());
    }
    // Nobody is there to type a passphrase when the gate needs the key: an empty one opens it,
    // or it is of no use. The public half is what is said, and is not needed.
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-y", "-P", "", "-f"]).arg(path);
    keygen.env("LC_ALL", "C").current_dir(home);
    match child::output(&mut keygen, HOST_COMMAND_TIME, PUBLIC_KEY_OCTETS) {
        Ok(_public) => Ok(Secret::new(octets)),
        Err(ChildError::Failed(_, text)) if text.contains("incorrect passphrase") => Err(
            "is protected by a passphrase, which nobody can be asked for; name a key without one that is for this repository alone".to_owned(),
        ),
        Err(ChildError::Failed(_, text)) if text.contains("bad permissions") => Err(
            "is open to others than its owner, and ssh takes no such key: chmod 600 it".to_owned(),
        ),
        Err(ChildError::Start(error)) => Err(format!(
            "can't be looked at, for ssh-keygen could not be run ({error}): install openssh-client"
        )),
        Err(error) => Err(format!("is no private key that ssh takes: ssh-keygen {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::plan::Plan;
    use crate::plan::testing::{facts, gate, manifest};

    fn keygen(path: &Path, passphrase: &str) {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", passphrase, "-f"]);
        let made = child::output(command.arg(path), HOST_COMMAND_TIME, 0);
        made.expect("ssh-keygen of openssh-client makes a key");
    }

    /// A file as ssh takes it.
    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).expect("written");
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, private).expect("set");
    }

    #[test]
    fn a_key_is_read_and_what_is_none_is_told_with_its_place() {
        let home = tempfile::tempdir().expect("a home");
        let mut manifest = manifest(Vec::new());
        let bottle = manifest.bottles.get_mut("dev").expect("dev");
        let mut gate = gate("git@git.example.org:me/app.git");
        let mut name = |file: &str| {
            let repository = gate.repos.get_mut("app").expect("app");
            repository.key = GateKey::Identity(format!("~/{file}"));
            gate.clone()
        };
        keygen(&home.path().join("good"), "");
        keygen(&home.path().join("locked"), "a passphrase");
        keygen(&home.path().join("open"), "");
        let everybody = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(home.path().join("open"), everybody).expect("set");
        write(&home.path().join("text"), "no key");
        let long = "x".repeat(IDENTITY_OCTETS + 1);
        write(&home.path().join("long"), &long);
        for (file, why) in [
            ("good", None),
            ("locked", Some("is protected by a passphrase")),
            ("open", Some("is open to others than its owner")),
            ("good.pub", Some("is a public key; ")),
            ("text", Some("is no private key that ssh takes: ")),
            ("long", Some("is longer than ")),
            ("absent", Some("can't be read: ")),
        ] {
            bottle.git_gate = Some(name(file));
            let plan = Plan::make(&manifest_of(bottle), "a", &facts(), None).expect("a plan");
            let read = read(&plan.gate.expect("a gate"), home.path());
            let expected = why.map(|why| format!("the identity ~/{file} {why}"));
            match (read, expected) {
                (Ok(keys), None) => {
                    let octets = std::fs::read(home.path().join(file)).expect("a file");
                    assert_eq!(keys[0].0, "app");
                    assert_eq!(keys[0].1.octet_count(), octets.len());
                }
                (Err(told), Some(expected)) => {
                    assert!(told[0].starts_with(&expected), "{told:?}");
                    assert!(told[0].ends_with("git_gate.repos.app.identity"), "{told:?}");
                }
                (read, expected) => panic!("{:?}, not {expected:?}", read.err()),
            }
        }
    }

    fn manifest_of(bottle: &crate::manifest::Bottle) -> crate::manifest::Manifest {
        let mut manifest = manifest(Vec::new());
        manifest.bottles.insert("dev".to_owned(), bottle.clone());
        manifest
    }
}
