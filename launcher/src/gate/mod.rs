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

mod access_hook;
mod args;
mod clean_room;
mod config;
mod limits;
mod lock;
mod mirror;
mod phase;
mod place;
mod pre_receive;
mod proc_receive;
mod pulse;
mod relay;
mod request;
mod serve;
mod ssh;
mod talk;
mod upstream;

pub use config::{Config, Policy, Repository};
pub use place::{CONFIG, KEYS, KNOWN_HOSTS};

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Does what the name that it is called by says. Gives the exit code.
pub fn run(arguments: impl Iterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.collect();
    let called = arguments.first().map(Path::new).and_then(Path::file_name);
    match called.and_then(OsStr::to_str) {
        Some("access-hook") => access_hook::run(&arguments),
        Some("pre-receive") => pre_receive::run(),
        Some("proc-receive") => proc_receive::run(),
        Some("ssh") => ssh::run(&arguments),
        Some(_) | None => args::run(&arguments),
    }
}
