//! `bottle`: starts a coding agent in a sealed place, beside the sidecars that hold its keys.
//!
//! ```text
//! manifest ─▶ plan ─▶ bottle ─▶ docker
//! a person's   pure    order     the engine
//! words        value   and undo
//!               ▲         ▲
//!               host ─────┘ facts for the plan, values for its names
//! ```

pub mod args;
pub mod bottle;
mod bounded;
mod child;
pub mod commands;
pub mod demo;
pub mod deploy_keys;
pub mod docker;
pub mod gate;
pub mod host;
pub mod limits;
pub mod local;
pub mod manifest;
pub mod plan;
pub mod probe;
pub mod progress;
pub mod signals;
pub mod terminal;
mod visible;
