//! The authorities that the engine trusts: the host's.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::limits::CERTIFICATES_OCTETS;

/// Where distributions keep all of them in one file.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The host's bundle; empty where there is none.
pub(super) fn of_host() -> Vec<u8> {
    let mut bundles = BUNDLES.iter().filter_map(|path| read(Path::new(path)).ok());
    bundles.next().unwrap_or_default()
}

/// What `SSL_CERT_FILE` and `SSL_CERT_DIR` name, in one bundle; none where neither is set.
/// The paths mean nothing in a container, so what they lead to goes there.
///
/// # Errors
///
/// The path that can't be read, and why.
pub(super) fn named(
    file: Option<&str>,
    directories: Option<&str>,
) -> Result<Option<Vec<u8>>, String> {
    let set = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
    let (file, directories) = (set(file), set(directories));
    if file.is_none() && directories.is_none() {
        return Ok(None);
    }
    let mut bundle = Vec::new();
    let mut add = |variable: &str, path: &Path| -> Result<(), String> {
        let failed = |error: io::Error| format!("{variable} names {}: {error}", path.display());
        bundle.extend(read(path).map_err(failed)?);
        bundle.push(b'\n');
        if bundle.len() > CERTIFICATES_OCTETS {
            return Err(failed(io::Error::other("it holds too much")));
        }
        Ok(())
    };
    if let Some(file) = file {
        add("SSL_CERT_FILE", Path::new(&file))?;
    }
    for directory in directories.iter().flat_map(|all| all.split(':')) {
        let failed = |error: io::Error| format!("SSL_CERT_DIR names {directory}: {error}");
        // A directory of authorities links each under the hash of its name as well.
        let files: BTreeSet<PathBuf> = std::fs::read_dir(directory)
            .map_err(failed)?
            .filter_map(|entry| entry.ok()?.path().canonicalize().ok())
            .filter(|path| path.is_file())
            .collect();
        for path in files {
            add("SSL_CERT_DIR", &path)?;
        }
    }
    Ok(Some(bundle))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let file = std::fs::File::open(path)?;
    let limit = CERTIFICATES_OCTETS as u64 + 1;
    file.take(limit).read_to_end(&mut octets)?;
    match octets.len() > CERTIFICATES_OCTETS {
        true => Err(io::Error::other("it holds too much")),
        false => Ok(octets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_variables_name_is_put_together_once() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("certs");
        std::fs::create_dir(&directory).expect("made");
        std::fs::write(directory.join("one.pem"), "ONE").expect("written");
        std::os::unix::fs::symlink("one.pem", directory.join("abcd.0")).expect("a link");
        std::fs::write(place.path().join("two.pem"), "TWO").expect("written");
        let (file, dir) = (
            place.path().join("two.pem"),
            directory.display().to_string(),
        );
        let bundle = named(file.to_str(), Some(&dir)).expect("read");
        assert_eq!(bundle.as_deref(), Some(&b"TWO\nONE\n"[..]));
        assert_eq!(named(None, Some("")), Ok(None));
        let absent = named(Some("/nowhere/x.pem"), None)
            .err()
            .unwrap_or_default();
        assert!(absent.contains("SSL_CERT_FILE") && absent.contains("/nowhere/x.pem"));
    }
}
