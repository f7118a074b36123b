//! Bottles without Docker: an agent in a sandbox that does what a test tells it, and an
//! outside in network namespaces of the test's own.

mod local_bottle;
mod outside;

pub use local_bottle::{LocalBottle, slugs};
pub use outside::{METADATA, Outside, on_this_machine};

/// The interpreter that stands below `/usr`, and therefore in every sandbox too.
pub const PYTHON: &str = "/usr/bin/python3";
