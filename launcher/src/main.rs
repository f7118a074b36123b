//! `bottle` starts a coding agent in a sealed place, beside the sidecars that hold its keys.
//!
//! The launcher itself is still to come; this binary states what it will do
//! and refuses everything else, so that nobody mistakes it for a working one.

mod commands;
mod host;
mod limits;
mod manifest;
mod plan;

use clap::Parser;

/// Start a coding agent at full power without giving it a single key.
///
/// This version carries the sidecar `cred-proxy` alone. `bottle start`, `list`,
/// `logs`, `info`, `check`, `init` and `cleanup` are to come; until then run the
/// sidecar by hand as the README shows.
#[derive(Parser)]
#[command(name = "bottle", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {}

const EXAMPLES: &str = "\
Examples:
  bottle --version
  cred-proxy demo              see what the sidecar does, with no network and no token
  cred-proxy --routes r.json   run the sidecar by hand";

fn main() {
    Arguments::parse();
}
