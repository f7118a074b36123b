//! A forge, a bottle's directory, and what is asked for in most tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness::forge_api::{API_TOKEN, ForgeApi, ForgeKey};
use launcher::deploy_keys::{DeployKeys, KeyRequest, Limits, ProvisionedKey};
use launcher::host::secret::Secret;
use launcher::manifest::{GateKey, GateRepository, RefPolicy};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// The variable of the token.
pub(crate) const VARIABLE: &str = "GITEA_TOKEN";

/// The repository of most tests, and the name that the gate has for it.
pub(crate) const APP: (&str, &str) = ("app", "me/app");

/// Another one.
pub(crate) const LIB: (&str, &str) = ("lib", "me/lib");

/// The bottle.
pub(crate) const SLUG: &str = "a-22222";

/// A forge with [`APP`] and [`LIB`], and the state of a bottle.
pub(crate) struct Rig {
    /// The forge.
    pub(crate) forge: ForgeApi,
    /// What is looked up for [`VARIABLE`].
    pub(crate) token: Option<&'static str>,
    /// The limits of its keys.
    pub(crate) limits: Limits,
    api_url: String,
    place: TempDir,
}

impl Rig {
    /// With plain HTTP, which is allowed on loopback.
    pub(crate) fn new() -> Rig {
        let forge = ForgeApi::start(None, &[APP.1, LIB.1]);
        let api_url = forge.origin().url();
        Rig {
            forge,
            token: Some(API_TOKEN),
            limits: Limits {
                settle: Duration::from_millis(100),
                look: Duration::from_millis(20),
                ..Limits::default()
            },
            api_url,
            place: tempfile::tempdir().expect("a directory"),
        }
    }

    /// The API is here, instead of at the forge.
    pub(crate) fn at(mut self, api_url: String) -> Rig {
        self.api_url = api_url;
        self
    }

    /// The directory of the keys.
    pub(crate) fn directory(&self) -> PathBuf {
        self.place.path().join(SLUG).join("deploy-keys")
    }

    /// The keys.
    pub(crate) fn keys(&self) -> DeployKeys {
        DeployKeys::within(&self.directory(), self.limits.clone())
    }

    /// Makes keys for these repositories.
    pub(crate) fn provision(
        &self,
        repositories: &[(&str, &str)],
    ) -> Result<Vec<ProvisionedKey>, Vec<String>> {
        self.provision_with(&self.keys(), repositories)
    }

    /// The same, of keys that others have too.
    pub(crate) fn provision_with(
        &self,
        keys: &DeployKeys,
        repositories: &[(&str, &str)],
    ) -> Result<Vec<ProvisionedKey>, Vec<String>> {
        let requests: Vec<KeyRequest> = repositories
            .iter()
            .map(|(name, path)| request(name, path, &self.api_url))
            .collect();
        keys.provision(SLUG, &requests, &|name| self.look_up(name))
    }

    /// One key, where nothing is in its way.
    pub(crate) fn provisioned(&self) -> ProvisionedKey {
        let keys = self.provision(&[APP]).expect("a key");
        keys.into_iter().next().expect("one")
    }

    /// Why there is none.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.provision(&[APP]).expect_err("no key")
    }

    /// Revokes all.
    pub(crate) fn revoke(&self) -> Vec<String> {
        self.keys().revoke(&|name| self.look_up(name))
    }

    fn look_up(&self, name: &str) -> Result<Secret, String> {
        assert_eq!(name, VARIABLE);
        self.token.map(secret).ok_or_else(|| "is unset".to_owned())
    }

    /// The keys that the forge has of [`APP`].
    pub(crate) fn registered(&self) -> Vec<ForgeKey> {
        self.forge.keys(APP.1)
    }

    /// The page that every sentence names.
    pub(crate) fn page(&self) -> String {
        format!("{}/me/app/settings/keys", self.api_url)
    }

    /// Fails unless forge and disk have nothing of a key.
    pub(crate) fn assert_nothing_left(&self) {
        assert_eq!(self.registered(), []);
        assert_eq!(self.keys().pending(), []);
        let left = files(&self.directory());
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The token of that text.
pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(Zeroizing::new(text.as_bytes().to_vec()))
}

/// A request for a key of the repository `path` that the gate calls `name`.
pub(crate) fn request(name: &str, path: &str, api_url: &str) -> KeyRequest {
    let repository = GateRepository {
        url: format!("ssh://git@forge.example:2222/{path}.git"),
        key: GateKey::Provisioned {
            provider: "gitea".to_owned(),
            token_env: VARIABLE.to_owned(),
            api_url: Some(api_url.to_owned()),
        },
        host_key: "ssh-ed25519 AAAA".to_owned(),
        policy: RefPolicy::default(),
    };
    KeyRequest::of(name, &repository).expect("no identity")
}

/// A key that is nobody's of these tests, as `ssh-keygen` writes it.
pub(crate) fn foreign_key() -> String {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("key");
    let mut program = Command::new("ssh-keygen");
    program.args(["-q", "-t", "ed25519", "-N", "", "-C", "foreign", "-f"]);
    let status = program.arg(&path).stdin(Stdio::null()).status();
    assert!(status.expect("it runs").success());
    fs::read_to_string(path.with_extension("pub")).expect("it is there")
}

/// The names in a directory, which need not be there.
pub(crate) fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

/// Fails if a sentence has a token in it, or lacks one of these parts.
pub(crate) fn assert_tells(sentences: &[String], parts: &[&str]) {
    let told = sentences.join("\n");
    for part in parts {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert!(!told.contains(API_TOKEN), "{told}");
}

/// A test of this target, run once more in a process of its own.
pub(crate) struct Child {
    command: Command,
}

const ROLE: &str = "DEPLOY_KEYS_CHILD";

/// How many seconds a call of a [`Child`] may take, where that is not the limit itself.
pub(crate) const CALL_SECONDS: &str = "DEPLOY_KEYS_CALL_SECONDS";

impl Child {
    /// The test `name`, told to call `api_url` and to work below `directory`.
    pub(crate) fn of(name: &str, api_url: &str, directory: &Path) -> Child {
        let mut command = Command::new(std::env::current_exe().expect("this executable"));
        command
            .args(["--exact", name, "--nocapture"])
            .stdin(Stdio::null());
        command
            .env(ROLE, api_url)
            .env(VARIABLE, API_TOKEN)
            .env("HOME", directory);
        for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        Child { command }
    }

    /// With a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Child {
        self.command.env(name, value);
        self
    }

    /// Begins it.
    pub(crate) fn start(mut self) -> std::process::Child {
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        self.command.spawn().expect("it starts")
    }

    /// Runs it to its end; what its start said, empty if all went well.
    pub(crate) fn run(self, directory: &Path) -> Vec<String> {
        let told = directory.join("told");
        let mut child = self.start();
        child.wait().expect("its end");
        let text = fs::read_to_string(&told).expect("it told something");
        fs::remove_file(told).expect("removed");
        text.lines().map(str::to_owned).collect()
    }
}

/// In the process of a [`Child`]: makes a key with the host's own variables, writes what
/// failed, and gives true.
pub(crate) fn play_child() -> bool {
    let Ok(api_url) = std::env::var(ROLE) else {
        return false;
    };
    let directory = PathBuf::from(std::env::var_os("HOME").expect("HOME"));
    let mut limits = Limits::default();
    if let Ok(seconds) = std::env::var(CALL_SECONDS) {
        limits.call = Duration::from_secs(seconds.parse().expect("a number"));
    }
    let keys = DeployKeys::within(&directory.join("deploy-keys"), limits);
    let requests = [request(APP.0, APP.1, &api_url)];
    let tokens = &launcher::host::tokens::of_variable;
    let failures = match keys.provision(SLUG, &requests, tokens) {
        Ok(made) => {
            assert_eq!(made.len(), 1);
            keys.revoke(tokens)
        }
        Err(failures) => failures,
    };
    fs::write(directory.join("told"), failures.join("\n")).expect("written");
    true
}
