//! What no input may do to the engine: the bodies of the fuzz targets.
//!
//! ```text
//! fuzz_targets/*.rs ──▶ a module for each target ──▶ the engine's rooms
//!    (libFuzzer)              ▲         │
//! tests, over seeds/ ─────────┘         └──▶ naive, readings, delivery, forwarded
//! ```
//!
//! A body panics when the engine is wrong, and says nothing else. Each compares the
//! engine with a second reader that is written for clarity alone: it sees the whole input
//! at once, copies freely, and knows no state. What the two must agree on is not only
//! what is taken but also what is not: a reader that takes more than the grammar allows
//! is what request smuggling needs.

pub mod chunked;
mod client_url;
pub mod connection_options;
mod delivery;
pub mod exchange;
mod field_lines;
mod forwarded;
pub mod framing;
mod input;
mod naive;
pub mod push;
mod readings;
pub mod request_head;
pub mod response_head;
pub mod rewrite;
pub mod route;
pub mod routes_file;
#[cfg(test)]
mod seeds;
