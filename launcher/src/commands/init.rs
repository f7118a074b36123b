//! `bottle init`: an example to begin with.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// A manifest that passes `bottle check`, and starts as soon as its variables are set.
pub const EXAMPLE: &str = r#"{
  "$schema": "./manifest.schema.json",
  "bottles": {
    "dev": {
      "agent_provider": { "template": "claude", "auth_token": "CLAUDE_CODE_OAUTH_TOKEN" },
      "tokens": [
        { "kind": "github", "token_ref": "GH_PAT" }
      ],
      "env": { "EDITOR": "vi", "TZ": "UTC" }
    }
  },
  "agents": {
    "dev": { "bottle": "dev", "workdir": "bind", "prompt": "Read README.md, then wait for the task." }
  }
}
"#;

/// What editors complete and check a manifest by. It is written beside the example, for there
/// is no address that every reader of the example could ask for it.
const SCHEMA: &str = include_str!("../../../docs/manifest.schema.json");
const SCHEMA_FILE: &str = "manifest.schema.json";

/// Writes the example to `manifest`, where there must be nothing, and its schema beside it. Gives the exit code: 2 if
/// there is something, 1 if it can't be written.
pub fn run(manifest: &Path, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    let shown = manifest.to_string_lossy().escape_debug().to_string();
    let (told, code) = match write_example(manifest) {
        Ok(()) => (writeln!(stdout, "{}", next(&shown)), 0),
        Err(NotWritten::IsThere) => {
            let text = "is there already and stays as it is; `bottle check` says what is in it";
            (writeln!(stderr, "{shown}: {text}"), 2)
        }
        Err(NotWritten::Io(error)) => {
            let text = "mend that, or name another file with --manifest";
            (
                writeln!(stderr, "{shown}: cannot be written: {error}; {text}"),
                1,
            )
        }
    };
    match told {
        Ok(()) => code,
        Err(_nobody_reads) => code.max(1),
    }
}

/// Why there is no new example.
enum NotWritten {
    /// There is something of that name.
    IsThere,
    /// Folder or file can't be made.
    Io(io::Error),
}

fn next(shown: &str) -> String {
    format!(
        "Wrote {shown}: a bottle and an agent, both named dev. Next:
  1. Set the variables that it names, or take out what you do not use:
       CLAUDE_CODE_OAUTH_TOKEN  (`claude setup-token` prints one)
       GH_PAT                   (a GitHub token for the repositories to be worked on)
  2. bottle check
  3. bottle start dev          (in the directory to be worked on)"
    )
}

/// Nobody else may write it, for it says where tokens go, nor read it.
fn write_example(manifest: &Path) -> Result<(), NotWritten> {
    let named = |folder: &&Path| !folder.as_os_str().is_empty();
    if let Some(folder) = manifest.parent().filter(named) {
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.map_err(NotWritten::Io)?;
    }
    let opened = new_file(manifest);
    let mut file = opened.map_err(|error| match error.kind() == io::ErrorKind::AlreadyExists {
        true => NotWritten::IsThere,
        false => NotWritten::Io(error),
    })?;
    let written = write_schema(&manifest.with_file_name(SCHEMA_FILE));
    let written = written.and_then(|()| file.write_all(EXAMPLE.as_bytes()));
    written.map_err(|error| {
        // Half an example would keep the next `init` from writing a whole one. If it can't be
        // taken away either, the first error is the one to mend.
        let _gone = fs::remove_file(manifest);
        NotWritten::Io(error)
    })
}

/// Where something of that name is, it stays.
fn write_schema(path: &Path) -> io::Result<()> {
    match new_file(path) {
        Ok(mut file) => file.write_all(SCHEMA.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Also where a link leads nowhere, this makes nothing.
fn new_file(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifest, Sources};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn init(manifest: &Path) -> (u8, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(manifest, &mut out, &mut err);
        let text = |octets| String::from_utf8(octets).expect("UTF-8");
        (code, text(out), text(err))
    }

    #[test]
    fn the_example_is_right_and_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = folder.path().join("a/b/manifest.json");
        let (code, out, err) = init(&manifest);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("bottle check"), "{out}");
        let mode = |path: &Path| {
            let metadata = fs::metadata(path).expect("there");
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode(&manifest), 0o600);
        assert_eq!(mode(&folder.path().join("a/b")), 0o700);

        let example: serde_json::Value = serde_json::from_str(EXAMPLE).expect("JSON");
        let named = example["$schema"].as_str().expect("a schema's place");
        let schema = fs::read_to_string(folder.path().join("a/b").join(named));
        assert_eq!(schema.expect("the schema"), SCHEMA);
        let sources = Sources {
            home: Some(manifest),
            repository: None,
        };
        let read = Manifest::load(&sources, &|_| None).expect("the example is right");
        assert_eq!(read.agents["dev"].bottle, "dev");
        let paths = read.bottles["dev"]
            .routes
            .iter()
            .map(|route| route.path.as_str());
        assert_eq!(
            paths.collect::<Vec<_>>(),
            ["/anthropic/", "/gh-api/", "/gh-git/"]
        );
        for route in &read.bottles["dev"].routes {
            let crate::manifest::TokenRef::Variable(name) = &route.token_ref else {
                panic!("a variable");
            };
            assert!(out.contains(name.as_str()), "{name} is not told");
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "mine").expect("written");
        symlink(folder.path().join("gone"), &link).expect("linked");
        for path in [&file, &link] {
            let (code, out, err) = init(path);
            assert_eq!((code, out.as_str()), (2, ""));
            assert!(
                err.contains("is there already and stays as it is; "),
                "{err}"
            );
        }
        assert_eq!(fs::read(&file).expect("read"), b"mine");
        assert!(!folder.path().join("gone").exists());
    }

    #[test]
    fn a_schema_that_is_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let schema = folder.path().join(SCHEMA_FILE);
        fs::write(&schema, "mine").expect("written");
        let (code, _, err) = init(&folder.path().join("manifest.json"));
        assert_eq!((code, err.as_str()), (0, ""));
        assert_eq!(fs::read(&schema).expect("read"), b"mine");
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        let (code, _, err) = init(&file.join("manifest.json"));
        assert_eq!(code, 1);
        assert!(err.contains("cannot be written: "), "{err}");
    }
}
