//! What the gate says on standard error, line by line: to who runs it, or out of a hook to the
//! client.

use core::fmt;
use std::io::Write as _;

use crate::visible::visible;

/// One line. Whatever is in it, it does nothing to a terminal and stays one line.
pub(super) fn log(sentence: &dyn fmt::Display) {
    let line = format!("bottle-gate: {}\n", visible(&sentence.to_string()));
    // Nobody may be reading, which is no reason to stop serving.
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
