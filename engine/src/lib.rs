//! `cred-proxy`: a reverse proxy beside one agent. The agent speaks plain HTTP/1.1 to it;
//! it speaks HTTPS to the real service, and it alone holds the credentials.
//!
//! ```text
//!            message   RFC 9112: octets in, values out        ┐
//!            route     which origin, or none                  │ pure
//!            policy    may it leave, with which credential    │
//!            forward   what an intermediary does to a message ┘
//!   agent ─▶ downstream ─▶ exchange ─▶ upstream ─▶ service
//!                             wire: buffers, batches, deadlines
//! ```
//!
//! [`Engine::start`] runs it; `main.rs` is the command line around that.

mod access_log;
mod admin;
pub mod args;
pub mod check;
mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
mod downstream;
mod engine;
mod error;
mod exchange;
pub mod forward;
pub mod health_check;
pub mod limits;
pub mod message;
mod metrics;
#[cfg(feature = "pipes")]
pub mod pipes;
pub mod policy;
pub mod process;
pub mod route;
pub mod serve;
pub mod upstream;
mod wire;
mod worker;

pub use access_log::AccessLog;
pub use engine::{Engine, Listen, Setup, StartError};
