//! What an exchange asks of either side's connection.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Octets both ways, and the socket itself where nothing stands between it and them.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// The socket whose octets are just these; none under TLS, or where there is no socket.
    fn socket(&self) -> Option<&TcpStream>;
}

impl Stream for TcpStream {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

#[cfg(test)]
impl Stream for tokio::io::DuplexStream {
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}
