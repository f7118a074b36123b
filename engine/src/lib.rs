//! The engine.

pub mod limits;
pub mod policy;
pub mod route;
