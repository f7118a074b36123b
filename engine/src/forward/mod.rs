//! What an intermediary does to a message (RFC 9110 §7.6), as pure functions.
//!
//! ```text
//!   RequestHead + Permit ──▶ ForwardedRequest      only these two can be written
//!   ResponseHead         ──▶ ForwardedResponse     toward a peer
//! ```
//!
//! Heads are generated, never echoed: the start line and whatever frames, routes or
//! authenticates the message are ours; every other field line is the sender's own,
//! its octets, case, order and repetition kept.

mod connection_options;
mod request;
mod response;
mod rewrite;
mod via;

pub use request::{ForwardedRequest, RequestContext};
pub use response::{ForwardedResponse, HttpDate, ResponseContext};
pub use rewrite::References;
pub use via::Pseudonym;
