//! The registry that npm on the host is set to.

use std::process::Command;

use crate::child;
use crate::limits::{HOST_COMMAND_TIME, REGISTRY_OCTETS};

/// Asks npm. In the work directory its `.npmrc` would answer, and a clone could point the
/// token at a host of its own; in `/` there is none. It writes neither log nor cache.
pub(super) fn registry() -> Result<String, String> {
    said_by(&["npm"])
}

fn said_by(npm: &[&str]) -> Result<String, String> {
    let words = "config get registry --logs-max=0 --no-update-notifier --cache=/";
    let (program, more) = npm.split_first().ok_or("npm has no name")?;
    let mut command = Command::new(program);
    command.args(more).args(words.split(' ')).current_dir("/");
    let octets = child::output(&mut command, HOST_COMMAND_TIME, REGISTRY_OCTETS);
    let octets = octets.map_err(|error| format!("npm {error}"))?;
    match core::str::from_utf8(octets.trim_ascii()) {
        Ok(url) => Ok(url.to_owned()),
        Err(error) => Err(format!("npm's answer is no text: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn npm_is_asked_where_no_clone_can_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("npm");
        let fake = |text: &str| {
            // Read by a shell, not run: a program that somebody has open for writing can't
            // be, and other tests fork while it is.
            fs::write(&script, text).expect("written");
            said_by(&["sh", script.to_str().expect("UTF-8")])
        };
        assert_eq!(
            fake("echo \"in $PWD: $*\"").as_deref(),
            Ok("in /: config get registry --logs-max=0 --no-update-notifier --cache=/")
        );
        assert_eq!(
            fake("echo broken >&2; exit 3"),
            Err("npm ended with 3: broken".to_owned())
        );
        let not_text = fake("printf '\\377'").expect_err("no text");
        assert!(
            not_text.starts_with("npm's answer is no text"),
            "{not_text}"
        );
        let long = format!("head -c {} /dev/zero", REGISTRY_OCTETS + 1);
        assert_eq!(
            fake(&long),
            Err(format!("npm wrote more than {REGISTRY_OCTETS} octets"))
        );
        let at_bound = format!("head -c {REGISTRY_OCTETS} /dev/zero");
        assert_eq!(fake(&at_bound).map(|text| text.len()), Ok(REGISTRY_OCTETS));
    }
}
