//! The engine.

pub mod limits;
pub mod message;
pub mod upstream;
