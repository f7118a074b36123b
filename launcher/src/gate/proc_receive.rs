//! Ref policy and forwarding: the fate of each ref of a push that was scanned.

/// Runs it. Gives the exit code.
pub(super) fn run() -> u8 {
    2
}
