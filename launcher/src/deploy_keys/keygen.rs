//! A new pair of keys, by `ssh-keygen`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::limits::PUBLIC_KEY_OCTETS;
use super::public_key::PublicKey;
use crate::bounded::read_file;
use crate::child::{self, ChildError};

/// Makes one: its private half is in `path` then, for its owner alone, its public half the
/// result.
///
/// # Errors
///
/// Why there is none.
pub(super) fn make(path: &Path, comment: &str, within: Duration) -> Result<PublicKey, String> {
    let mut program = Command::new("ssh-keygen");
    program.args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]);
    program.arg(path);
    made_by(&mut program, path, within)
}

fn made_by(program: &mut Command, path: &Path, within: Duration) -> Result<PublicKey, String> {
    let public = path.with_extension("pub");
    // It would ask whether to overwrite them, and nobody answers.
    for left in [path, &public] {
        match fs::remove_file(left) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{} can't be removed: {error}", left.display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    child::output(program, within, PUBLIC_KEY_OCTETS).map_err(|error| match error {
        ChildError::Start(error) if error.kind() == std::io::ErrorKind::NotFound => {
            "there is no ssh-keygen on this host; install openssh-client".to_owned()
        }
        error @ (ChildError::Start(_)
        | ChildError::TimedOut(_)
        | ChildError::TooLong(_)
        | ChildError::Io(_)
        | ChildError::Failed(..)) => format!("ssh-keygen {error}"),
    })?;
    let read = read_file(&public, PUBLIC_KEY_OCTETS);
    let line = read.map_err(|error| format!("{} can't be read: {error}", public.display()))?;
    // The intent has it from now on.
    let _ = fs::remove_file(&public);
    let line = String::from_utf8_lossy(&line);
    PublicKey::parse(&line).ok_or_else(|| "ssh-keygen wrote no public key".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_private_half_is_its_owners_alone_and_fits_the_public_one() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("app");
        let first = make(&path, "bottle:a-22222:app", LONG).expect("a pair");
        let second = make(&path, "bottle:a-22222:app", LONG).expect("another");
        assert_ne!(first, second);
        let mode = fs::metadata(&path).expect("it").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let derived = Command::new("ssh-keygen")
            .args(["-y", "-P", "", "-f"])
            .arg(&path)
            .output();
        let derived = String::from_utf8(derived.expect("it runs").stdout).expect("UTF-8");
        assert!(
            derived.trim_end().ends_with(" bottle:a-22222:app"),
            "{derived}"
        );
        assert_eq!(PublicKey::parse(&derived), Some(second));
        let names = fs::read_dir(place.path()).expect("listed").count();
        assert_eq!(names, 1, "the private half alone is left");
    }

    #[test]
    fn whatever_fails_is_told() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("app");
        let told = |words: &[&str], within| {
            let mut program = Command::new(words[0]);
            made_by(program.args(&words[1..]), &path, within).expect_err(words[0])
        };
        let short = Duration::from_millis(50);
        assert_eq!(
            told(&["/no/such/program"], LONG),
            "there is no ssh-keygen on this host; install openssh-client"
        );
        assert_eq!(
            told(&["sleep", "600"], short),
            "ssh-keygen took more than 0 s and was ended"
        );
        let script = "echo 'no room' >&2; exit 3";
        assert_eq!(
            told(&["sh", "-c", script], LONG),
            "ssh-keygen ended with 3: no room"
        );
        assert!(told(&["true"], LONG).contains("app.pub can't be read"));
        let script = format!(
            "echo ssh-ed25519 > '{}'",
            path.with_extension("pub").display()
        );
        assert_eq!(
            told(&["sh", "-c", &script], LONG),
            "ssh-keygen wrote no public key"
        );
    }
}
