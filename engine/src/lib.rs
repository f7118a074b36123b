//! The engine.
pub mod limits;
pub mod upstream;
