//! What a gate is told, in directories of its own.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bare_repository::BareRepository;
use crate::git_server::git;
use crate::gitleaks::gitleaks;
use crate::sshd::Sshd;

/// A scanner that knows what gitleaks knows of itself, counts, and finds nothing.
const NOTHING: &str = "\
    case \"$*\" in version) exec echo 8.30.1 ;; *--help*) exec echo stdin ;; esac\n\
    octets=$(cat | wc -c)\n\
    echo \"1:00AM INF scanned ~$octets bytes ($octets bytes) in 1ms\" >&2\n\
    exec echo '[]'";

/// `gate.json` with keys and host keys, and the mirrors, which outlive a gate.
pub struct GateFiles {
    folder: TempDir,
    scanner: Vec<String>,
    repositories: Vec<Value>,
    environment: Vec<(String, OsString)>,
}

/// Which key opens an upstream, and how its host is known.
pub struct Opening<'a> {
    /// The address of the upstream.
    pub url: &'a str,
    /// The file with the private key.
    pub identity: &'a Path,
    /// The content of `known_hosts`, if there is one.
    pub known_hosts: Option<&'a str>,
}

impl GateFiles {
    /// A gate with the real scanner and no repository yet; or a skip told under the name of
    /// `test`.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn new(test: &str) -> Option<GateFiles> {
        let scanner = gitleaks(test)?;
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["state/keys", "state/known_hosts", "mirrors"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        let mut files = GateFiles {
            scanner: vec![scanner.display().to_string()],
            repositories: Vec::new(),
            environment: Vec::new(),
            folder,
        };
        files.export("PATH", std::env::var_os("PATH").unwrap_or_default());
        files.export("HOME", files.folder().to_owned());
        Some(files)
    }

    /// Has another scanner.
    pub fn scan_by(&mut self, words: &[&str]) {
        self.scanner = words.iter().map(|&word| word.to_owned()).collect();
    }

    /// Has a scanner that reads all, counts it, and finds nothing: where a test asks something
    /// else, as the real one takes half a second of a processor for each push.
    ///
    /// # Panics
    /// When the script cannot be written.
    pub fn scan_for_nothing(&mut self) {
        self.scan_by_script(NOTHING);
    }

    /// Has a shell script as its scanner.
    ///
    /// # Panics
    /// When the script cannot be written.
    pub fn scan_by_script(&mut self, script: &str) {
        let path = self.folder().join("scanner");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a file of ours");
        self.scanner = vec![path.display().to_string()];
    }

    /// The scanner's words.
    pub fn scanner(&self) -> &[String] {
        &self.scanner
    }

    /// Exports a variable to the gate.
    pub fn export(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.into()));
    }

    /// Adds an upstream of `sshd`, with the key that is let in and the true host key, and the
    /// policy that a manifest has if it says none.
    ///
    /// # Panics
    /// When a key cannot be written.
    pub fn add(&mut self, name: &str, sshd: &Sshd, upstream: &BareRepository) {
        self.open(
            name,
            &Opening {
                url: &sshd.url(upstream),
                identity: &sshd.identity(),
                known_hosts: Some(&sshd.known_hosts(&sshd.host_key())),
            },
        );
    }

    /// The same with whatever key and host key, for another that has been added or for a new
    /// one.
    ///
    /// # Panics
    /// When a key cannot be written.
    pub fn open(&mut self, name: &str, opening: &Opening<'_>) {
        let state = self.state();
        let key = state.join("keys").join(name);
        fs::copy(opening.identity, &key).expect("a private key");
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("a file of ours");
        let known_hosts = state.join("known_hosts").join(name);
        match opening.known_hosts {
            Some(text) => fs::write(known_hosts, text).expect("known_hosts"),
            None => drop(fs::remove_file(known_hosts)),
        }
        self.repositories.retain(|known| known["name"] != name);
        self.repositories.push(json!({
            "name": name,
            "url": opening.url,
            "policy": {
                "allow": ["refs/heads/*", "refs/tags/*"],
                "protect_default": true,
                "force": false,
                "delete": false,
                "ci": false,
                "max_push_mib": 100,
            },
        }));
    }

    /// What `gate.json` says of a repository.
    ///
    /// # Panics
    /// When it says nothing.
    pub fn repository(&mut self, name: &str) -> &mut Value {
        let mut all = self.repositories.iter_mut();
        let found = all.find(|known| known["name"] == name);
        found.unwrap_or_else(|| panic!("no repository {name}"))
    }

    /// What may be pushed there.
    ///
    /// # Panics
    /// When there is no such repository.
    pub fn policy(&mut self, name: &str) -> &mut Value {
        &mut self.repository(name)["policy"]
    }

    /// The name and the upstream's address of every repository.
    pub fn urls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.repositories.iter().map(|repository| {
            let word = |key: &str| repository[key].as_str().expect("a text");
            (word("name"), word("url"))
        })
    }

    /// What holds all.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The directory of the mirrors.
    pub fn mirrors(&self) -> PathBuf {
        self.folder.path().join("mirrors")
    }

    /// A mirror.
    pub fn mirror(&self, name: &str) -> PathBuf {
        self.mirrors().join(format!("{name}.git"))
    }

    /// Every branch and tag of a mirror with its value, as `for-each-ref` tells them.
    ///
    /// # Panics
    /// When git fails.
    pub fn mirror_refs(&self, name: &str) -> String {
        let format = "--format=%(refname) %(objectname)";
        git(&self.mirror(name), &["for-each-ref", format], b"")
    }

    /// Writes `gate.json`.
    ///
    /// # Panics
    /// When it cannot.
    pub fn write(&self) {
        let (scanner, repositories) = (&self.scanner, &self.repositories);
        let text = json!({ "scanner": scanner, "repositories": repositories }).to_string();
        fs::write(self.state().join("gate.json"), text).expect("gate.json");
    }

    pub(super) fn environment(&self) -> impl Iterator<Item = (&String, &OsString)> {
        self.environment.iter().map(|(name, value)| (name, value))
    }

    /// The lines of the private keys, without those that begin and end one.
    pub(super) fn private_lines(&self) -> Vec<String> {
        let keys = fs::read_dir(self.state().join("keys")).expect("a folder");
        let text = |entry: fs::DirEntry| fs::read_to_string(entry.path()).unwrap_or_default();
        let lines = keys.flatten().map(text).flat_map(|text| {
            let lines = text.lines().filter(|line| !line.starts_with("-----"));
            // The first says what kind of key it is, and a public key says so too.
            lines.skip(1).map(str::to_owned).collect::<Vec<_>>()
        });
        lines.collect()
    }
}
