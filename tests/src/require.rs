//! Programs that a test needs and a machine may lack.

use std::io::Write;
use std::path::PathBuf;

/// The variable that turns a missing program from a skip into a failure.
pub const REQUIRE_ALL: &str = "BOTTLE_REQUIRE_ALL";

/// Where servers are, which the PATH of a user who is not root may leave out.
const SERVERS: [&str; 2] = ["/usr/local/sbin", "/usr/sbin"];

/// The path of `program` if it is on the PATH or among the servers. Otherwise the test
/// called `test` is skipped with a line on stderr, or fails where everything is required
/// ([`REQUIRE_ALL`]`=1`): a skip must never be mistaken for a pass.
///
/// ```no_run
/// # fn test() {
/// let Some(git) = harness::require::program("a fetch passes", "git") else { return };
/// # let _ = git; }
/// ```
pub fn program(test: &str, program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        skip(test, &format!("`{program}` is not on the PATH"));
    }
    found
}

/// The path of `program` if it is on the PATH or among the servers.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SERVERS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// Tells that `test` is skipped because of `reason`, or fails where everything is
/// required.
pub fn skip(test: &str, reason: &str) {
    let required = std::env::var_os(REQUIRE_ALL).is_some_and(|value| value == "1");
    assert!(!required, "{test}: {reason}, and {REQUIRE_ALL}=1");
    // Not by `eprintln!`, which the test runner swallows where a test passes.
    let line = format!("SKIPPED {test}: {reason}\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("standard error");
}
