//! The life of a bottle on Docker: the order of a start, its undo, the agent's session.
//!
//! ```text
//! life ─┬─ images, networks ─▶ proxy ─▶ seal (probe) ─▶ agent ─▶ session
//!       └─ undo: everything noted before it is made, removed in reverse
//! orphans: what a launcher left that was killed
//! ```
//!
//! A plan comes in, with the values that it names; an exit code goes out. What is made bears
//! labels that say whose it is, so that another process can find and remove it.

mod agent;
pub(crate) mod archive;
mod certificates;
mod container_agent;
pub(crate) mod deploy_keys;
mod elf;
pub(crate) mod ending;
mod failure;
mod gate;
pub(crate) mod gate_files;
mod gate_image;
mod image;
mod label;
mod launcher_id;
mod life;
pub(crate) mod limits;
mod names;
mod neighbours;
mod old_images;
mod orphans;
mod proxy;
mod seal;
pub(crate) mod session;
pub(crate) mod sidecars;
pub(crate) mod slug;
pub(crate) mod state;
pub(crate) mod undo;

pub use failure::{Failure, exit_code};
pub use gate_files::GateRequest;
pub use gate_image::{GATE_BASE, GivenScanner, gate_image_spec, scanner_of, scanner_of_image};
pub use launcher_id::{Fate, LauncherId};
pub use life::{Programs, Request, run};
pub use neighbours::replaceable;
pub use old_images::OldImages;
pub use orphans::{Bottle, Leftovers, survey};
pub use proxy::{CERTIFICATE_VARIABLES, WAY_OUT_VARIABLES, WayOut};
pub use slug::is_valid as is_slug;

pub(crate) use agent::{absent_mount_points, guarded};
use names::Names;
pub(crate) use undo::remove_state;
