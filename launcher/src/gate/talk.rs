//! What the gate says: lines on standard error that steer no terminal.

use std::io::{self, Write as _};

use crate::visible::visible;

/// Says one line.
pub(super) fn say(text: &str) {
    let line = format!("bottle-gate: {}\n", visible(text));
    // Who closed it does not want to be told.
    let _closed = io::stderr().write_all(line.as_bytes());
}
