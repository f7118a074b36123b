//! What no input may do to the engine's message layer: the bodies of the fuzz targets.
//!
//! ```text
//! fuzz_targets/*.rs ──▶ request_head, response_head, chunked ──▶ the engine's rooms
//!    (libFuzzer)              ▲              │
//! tests, over seeds/ ─────────┘              └──▶ naive, delivery, forwarded
//! ```
//!
//! A body panics when the engine is wrong, and says nothing else. Each compares the
//! engine with a second reader that is written for clarity alone: it sees the whole input
//! at once, copies freely, and knows no state. What the two must agree on is not only
//! what is taken but also what is not: a reader that takes more than the grammar allows
//! is what request smuggling needs.

pub mod chunked;
mod delivery;
pub mod exchange;
mod forwarded;
mod naive;
pub mod request_head;
pub mod response_head;
#[cfg(test)]
mod seeds;
