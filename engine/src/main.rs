//! `cred-proxy`
fn main() {}
