//! `bottle-gate`: the only way git leaves a bottle.
//!
//! ```text
//! agent's git ─▶ serve ─▶ relay ─▶ git daemon ─┬─▶ access-hook   refresh the mirror from upstream
//!                                              ├─▶ pre-receive   scan what is new
//!                                              └─▶ proc-receive  policy, forward, update the mirror
//! ```
//!
//! The hooks, and the `ssh` that git calls, are links to this program, told apart by the name
//! they are called by. It knows nothing of manifests, plans and backends: its [`Config`] is all
//! that it is told.

mod clean_room;
mod config;
mod limits;
mod lock;
mod place;

pub use config::{Config, Policy, Repository};

use std::ffi::OsString;
use std::path::Path;

/// Does what the name that it is called by says. Gives the exit code.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> u8 {
    let called = arguments.next().unwrap_or_default();
    let name = Path::new(&called).file_name().and_then(|name| name.to_str());
    match name {
        // access-hook, pre-receive, proc-receive, ssh: an arm each, `module::run(arguments)`.
        _ => 2,
    }
}
