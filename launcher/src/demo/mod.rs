//! `bottle demo`: a whole bottle on a bare machine, offline, without any manifest.
//!
//! ```text
//! tour.rs, in the sandbox ──HTTP──▶ cred-proxy, outside ──TLS──▶ service.rs, outside
//! no token, no network             route /demo/, token          answers only to the token
//! ```
//!
//! The tour is the agent: it looks for the token, tries to get out, and then works.

mod call;
mod search;
mod service;
mod tour;
mod transcript;

pub use service::Service;
pub use tour::{Sights, take};

/// The one route of the demonstration.
pub const ROUTE: &str = "/demo/";

/// What every token of the demonstration begins with, so that the tour can look for one
/// without knowing any. It is put together at run time: this program must not hold it.
fn mark() -> String {
    ["demo", "token", ""].join("-")
}

/// A token that nobody has seen before: finding it proves a leak.
///
/// # Errors
///
/// The kernel gives no random octets.
pub fn fresh_token() -> std::io::Result<String> {
    let mut octets = [0; 16];
    let length = rustix::rand::getrandom(&mut octets, rustix::rand::GetRandomFlags::empty())?;
    if length < octets.len() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(mark() + &digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_new_and_bears_the_mark() {
        let [one, two] = [(); 2].map(|()| fresh_token().expect("random octets"));
        assert!(
            one.starts_with(&mark()) && one.len() == mark().len() + 32,
            "{one}"
        );
        assert_ne!(one, two);
    }
}
