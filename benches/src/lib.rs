//! What the benches share: what travels, and along which routes; whom `cred-proxy` is measured
//! against, with real sockets; and what the git gate costs.

pub mod peers;
pub mod pushes;
pub mod routes;
pub mod traffic;
