//! What the git gate is told and given: the files of its state directory, on every backend.

use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::gate;
use crate::host::secret::Secret;
use crate::plan::Gate;

/// Where they lie for the gate.
pub(crate) const DIRECTORY: &str = "/run/bottle-gate";

/// What the gate of a bottle is made from, beside the plan.
pub struct GateRequest {
    /// The program `bottle-gate`.
    pub program: PathBuf,
    /// The scanner of this host; a container has that of its image.
    pub scanner: PathBuf,
    /// The private keys of repositories that have one on this host, by their names.
    pub identities: Vec<(String, Secret)>,
}

/// A file of the gate's state; for its owner alone, who only reads it.
pub(crate) struct GateFile {
    /// Below the state directory.
    pub path: PathBuf,
    /// May be a private key.
    pub content: Zeroizing<Vec<u8>>,
}

/// The files: what to serve, and for each repository its pinned host key and its private key.
///
/// # Errors
///
/// None that memory has.
pub(crate) fn files(
    gate: &Gate,
    scanner: &str,
    keys: &[(String, Secret)],
) -> io::Result<Vec<GateFile>> {
    let repositories = gate.repositories.iter();
    let config = gate::Config {
        scanner: vec![scanner.to_owned()],
        repositories: repositories
            .clone()
            .map(|repository| gate::Repository {
                name: repository.name.clone(),
                url: repository.upstream.clone(),
                policy: repository.policy.clone(),
            })
            .collect(),
    };
    let mut files = vec![GateFile {
        path: gate::CONFIG.into(),
        content: serde_json::to_vec_pretty(&config)?.into(),
    }];
    files.extend(repositories.map(|repository| GateFile {
        path: PathBuf::from(gate::KNOWN_HOSTS).join(&repository.name),
        content: repository.known_host.clone().into_bytes().into(),
    }));
    files.extend(keys.iter().map(|(name, key)| {
        let mut content = Zeroizing::new(Vec::with_capacity(key.octet_count()));
        key.write_into(&mut content);
        GateFile {
            path: PathBuf::from(gate::KEYS).join(name),
            content,
        }
    }));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::plan::testing::{facts, gate, manifest};

    #[test]
    fn the_gate_is_given_what_it_serves_and_its_keys() {
        let mut manifest = manifest(Vec::new());
        let bottle = manifest.bottles.get_mut("dev").expect("dev");
        bottle.git_gate = Some(gate("ssh://git@git.example.org:2222/me/app.git"));
        let plan = Plan::make(&manifest, "a", &facts(), None).expect("a plan");
        let key = Secret::new(Zeroizing::new(b"PRIVATE".to_vec()));
        let keys = [("app".to_owned(), key)];
        let files = files(&plan.gate.expect("a gate"), "gitleaks", &keys).expect("files");
        let of = |path: &str| {
            let file = files.iter().find(|file| file.path.to_str() == Some(path));
            String::from_utf8_lossy(&file.expect(path).content).into_owned()
        };
        assert_eq!(
            of("known_hosts/app"),
            "[git.example.org]:2222 ssh-ed25519 AAAA\n"
        );
        assert_eq!(of("keys/app"), "PRIVATE");
        let config: gate::Config = serde_json::from_str(&of("gate.json")).expect("a config");
        assert_eq!(config.scanner, ["gitleaks"]);
        assert_eq!(
            config.repositories[0].url,
            "ssh://git@git.example.org:2222/me/app.git"
        );
        assert!(config.repositories[0].policy.protect_default);
    }
}
