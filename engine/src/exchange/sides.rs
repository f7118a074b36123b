//! The two connections of an exchange.

use crate::downstream::Client;
use crate::error::UpstreamConnectionAge;
use crate::wire::ReadBuffer;

/// The two connected sides.
pub(super) struct Sides<'a, S, U> {
    pub(super) client: &'a mut Client<S>,
    pub(super) service: &'a mut U,
    pub(super) service_buffer: &'a mut ReadBuffer,
    pub(super) service_age: UpstreamConnectionAge,
}
