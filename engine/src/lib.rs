//! The engine.

pub mod args;
pub mod config;
pub mod limits;
pub mod message;
pub mod policy;
pub mod route;
