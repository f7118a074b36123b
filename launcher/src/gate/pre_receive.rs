//! The scan of what a push brings, before anything else looks at it.

/// Runs it. Gives the exit code.
pub(super) fn run() -> u8 {
    2
}
