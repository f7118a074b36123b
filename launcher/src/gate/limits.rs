//! Every number of the gate: its unit in its name, and why it has that size.

use std::time::Duration;

/// Octets of `gate.json`: as many repositories as a manifest has, with all their patterns.
pub(super) const CONFIG_OCTETS: usize = 1024 * 1024;

/// How often a taken lock is looked at again.
pub(super) const LOCK_LOOK: Duration = Duration::from_millis(20);
