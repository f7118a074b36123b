//! What the benches share: what travels, and along which routes.

pub mod routes;
pub mod traffic;
