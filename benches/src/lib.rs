//! What the benches share: what travels, and along which routes; and whom `cred-proxy` is
//! measured against, with real sockets.

pub mod peers;
pub mod routes;
pub mod traffic;
