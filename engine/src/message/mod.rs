//! HTTP/1.1 message syntax, RFC 9112: octets in, values out.
//!
//! Nothing here reads a socket, a clock, a file or the environment, and nothing here
//! waits. Whoever holds the octets drives these values; so a test, a fuzzer and a
//! connection drive them alike.
//!
//! ```text
//! octets ─▶ HeadScan ─▶ RequestHead ──┬─▶ RequestTarget      where it wants to go
//!           where the   ResponseHead  ├─▶ RequestFraming ─▶ BodyDecoder ─▶ Step
//!           head ends   spans into    │   ResponseFraming    (ChunkedDecoder)
//!                       one block     └─▶ Persistence        may another message follow
//!
//!           encode: what we write ourselves          Fault: all that octets can be wrong about
//! ```
//!
//! A peer's octets are never repaired. What does not follow the grammar is a [`Fault`],
//! and what has two readings is one too: a recipient that guesses is what request
//! smuggling needs (RFC 9112 §11.2).
//!
//! [`Fault`]: fault::Fault

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod authority;
pub mod body;
pub mod chunked;
pub mod encode;
pub mod fault;
pub mod field;
pub mod field_name;
pub mod framing;
pub mod head_scan;
mod octets;
pub mod persistence;
pub mod request_head;
pub mod request_target;
pub mod response_head;
pub mod start_line;
#[cfg(test)]
mod testing;

pub use authority::Authority;
pub use body::{BodyDecoder, Truncated};
pub use chunked::{ChunkLimits, ChunkedDecoder, Step};
pub use encode::BodyEncoding;
pub use fault::{Fault, LimitReached, Malformed, Unsupported};
pub use field::{FieldLine, FieldSection, HeadStorage, LineSpan, list_members};
pub use field_name::{FieldName, is_read_as};
pub use framing::{RequestFraming, ResponseFraming};
pub use head_scan::{HeadLimits, HeadScan};
pub use octets::read_decimal;
pub use persistence::{CloseReason, Persistence};
pub use request_head::RequestHead;
pub use request_target::RequestTarget;
pub use response_head::ResponseHead;
pub use start_line::{Method, Status, Version};
