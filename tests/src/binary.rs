//! The executable under test, built by the cargo that runs the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// Path of `cred-proxy`, built once per test process in the profile of the tests, so
/// that no stale executable is ever tested.
pub fn cred_proxy() -> &'static Path {
    static EXECUTABLE: OnceLock<Option<PathBuf>> = OnceLock::new();
    // A build that failed is remembered as well: cargo has said why, once.
    let built = EXECUTABLE.get_or_init(|| build("engine", "cred-proxy"));
    built.as_deref().expect("cred-proxy was built")
}

/// Path of `bottle`, built in the same way; `cred-proxy` and `bottle-gate` stand beside it,
/// where it looks for them.
pub fn bottle() -> &'static Path {
    static EXECUTABLE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let beside = cred_proxy();
    let built = EXECUTABLE.get_or_init(|| build("launcher", "bottle"));
    let path = built.as_deref().expect("bottle was built");
    assert_eq!(path.parent(), beside.parent(), "the two stand side by side");
    assert_eq!(path.parent(), bottle_gate().parent(), "the gate, too");
    path
}

/// Path of `bottle-gate`, built in the same way.
pub fn bottle_gate() -> &'static Path {
    static EXECUTABLE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = EXECUTABLE.get_or_init(|| build("launcher", "bottle-gate"));
    built.as_deref().expect("bottle-gate was built")
}

fn build(package: &str, name: &str) -> Option<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["build", "-p", package, "--bin", name])
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().expect("cargo runs");
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout)
        .ok()?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}
