//! A bottle without Docker: a sandbox by bubblewrap, the engine and the git gate outside it.
//!
//! ```text
//! life ─┬─ tether ─▶ bwrap ─▶ git-gate    outside, with the keys, in a sandbox of its own
//!       ├─ tether ─▶ cred-proxy    outside, with the tokens; both accept on the sockets
//!       │    ▲ listening sockets
//!       └─ bwrap ─▶ inside ─▶ agent's command    no network but loopback, no token, no key
//! ```
//!
//! The sockets are made inside the sandbox's network namespace and handed out over the control
//! socket; nothing else leads out. `inside` and `tether` are this program again, as hidden
//! subcommands: an exec with what they hold is all that they are for.

mod agent;
mod bubblewrap;
mod cgroup;
mod client;
mod descriptors;
mod engine;
mod etc;
mod filter;
mod gate;
mod gate_sandbox;
pub mod inside;
mod life;
mod log;
mod mounts;
mod place;
mod reach;
mod running;
mod sandbox;
mod seal;
mod sidecar;
pub(crate) mod straggler;
mod streams;
pub mod tether;
pub(crate) mod tree;
mod wire;

pub use client::Private;
pub use life::{Request, run, usable};
pub use log::show_log;

/// Where the agent finds this program.
pub fn launcher_inside() -> std::path::PathBuf {
    std::path::Path::new(sandbox::OWN).join("bottle")
}
