//! `bottle-gate healthcheck`: the image that it runs in has no shell.

use std::net::{SocketAddr, TcpStream};

use super::limits::HEALTH_CHECK_TIME;

/// Connects. A gate listens only when its mirrors are filled.
///
/// # Errors
///
/// A sentence.
pub(super) fn run(address: SocketAddr) -> Result<(), String> {
    TcpStream::connect_timeout(&address, HEALTH_CHECK_TIME)
        .map(drop)
        .map_err(|error| format!("no gate serves at {address}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_that_listens_is_healthy() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("its address");
        assert_eq!(run(address), Ok(()));
        drop(listener);
        let told = run(address).expect_err("nobody listens");
        assert!(
            told.starts_with(&format!("no gate serves at {address}: ")),
            "{told}"
        );
    }
}
