//! TLS for real.
