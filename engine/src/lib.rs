//! The engine.

pub mod limits;
pub mod message;
pub mod policy;
pub mod route;
pub mod upstream;
