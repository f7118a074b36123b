//! The engine outside the sandbox, with the tokens in its environment alone.

use std::ffi::OsString;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use zeroize::Zeroizing;

use super::sidecar::{self, Sidecar, tether};
use crate::bottle::sidecars::WITHOUT_PROXY;
use crate::plan::PROXY_HOST;

/// All that it is started with.
pub(super) struct Recipe<'a> {
    /// This program, which holds it.
    pub launcher: &'a Path,
    /// The engine.
    pub program: &'a Path,
    /// Its routes file.
    pub routes: &'a Path,
    /// A record `NAME=VALUE`, ended by NUL, for each token.
    pub tokens: &'a Zeroizing<Vec<u8>>,
    /// The host's variables that steer its way out.
    pub way_out: &'a [(String, OsString)],
}

/// Starts it on `socket`; its log goes to `directory`.
///
/// # Errors
///
/// The kernel's.
pub(super) fn start(
    recipe: &Recipe<'_>,
    socket: BorrowedFd<'_>,
    directory: &Path,
) -> io::Result<Sidecar> {
    let mut command = tether(recipe.launcher, &[], recipe.program.as_os_str());
    command
        .arg("--routes")
        .arg(recipe.routes)
        .args(["--allow-host", PROXY_HOST, "--log", "access"])
        .envs(recipe.way_out.iter().cloned());
    for record in recipe.tokens.split(|octet| *octet == 0) {
        let text = std::str::from_utf8(record).map_err(io::Error::other)?;
        if let Some((name, value)) = text.split_once('=') {
            command.env(name, value);
        }
    }
    let recipe = sidecar::Recipe {
        name: PROXY_HOST,
        serves: WITHOUT_PROXY,
        tether: command,
        directory,
        group: None,
    };
    Sidecar::start(recipe, &[socket])
}
