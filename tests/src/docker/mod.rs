//! Bottles on a real Docker Engine: the engine itself, an image for agents, a network
//! that stands for the outside, and the launcher as a user runs it.
//!
//! ```text
//!            a network that the test made, "outer"
//!  harness ──┤ its address on this machine: services of ours, an outbound proxy
//!            ├── Peer: a container that listens, and answers names
//!            └── Outsider: whoever is not in a bottle; the control of every attempt
//!
//!  bottle-…-egress ── cred-proxy ── bottle-…-internal ── agent
//! ```
//!
//! No octet goes further than this machine: what agents are told to call lies in networks
//! that the test made itself.

mod agent_image;
mod daemon;
mod engine;
mod host;
mod inventory;
mod outer;
mod relay;
mod running_bottle;

pub use agent_image::agent_image;
pub use engine::{Engine, engine, small_engine};
pub use host::{Host, Launched};
pub use inventory::Inventory;
pub use outer::{Container, Outer};
pub use relay::Relay;
pub use running_bottle::RunningBottle;
