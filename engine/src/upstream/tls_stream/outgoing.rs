//! What is sealed and has not left yet.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_rustls::rustls::Error as RustlsError;
use tokio_rustls::rustls::unbuffered::{EncodeError, EncryptError, InsufficientSizeError};

/// Sealed records, and how many of their octets have left.
#[derive(Default)]
pub(super) struct Outgoing {
    /// Longer than what is sealed: room that was made for records need not be made again.
    pub(super) block: Vec<u8>,
    pub(super) sealed: usize,
    sent: usize,
}

/// An answer of rustls to a block that is too small for its records.
pub(super) trait TooSmall {
    /// What it needs; or the error that this is.
    fn required(self) -> Result<usize, RustlsError>;
}

impl TooSmall for EncodeError {
    fn required(self) -> Result<usize, RustlsError> {
        match self {
            EncodeError::InsufficientSize(InsufficientSizeError { required_size }) => {
                Ok(required_size)
            }
            EncodeError::AlreadyEncoded => Err(RustlsError::General(self.to_string())),
        }
    }
}

impl TooSmall for EncryptError {
    fn required(self) -> Result<usize, RustlsError> {
        match self {
            EncryptError::InsufficientSize(InsufficientSizeError { required_size }) => {
                Ok(required_size)
            }
            EncryptError::EncryptExhausted => Err(RustlsError::EncryptError),
        }
    }
}

impl Outgoing {
    /// Puts records behind those that wait.
    pub(super) fn seal<E: TooSmall>(
        &mut self,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), RustlsError> {
        let room = self.block.get_mut(self.sealed..).unwrap_or_default();
        let count = match write(room) {
            Ok(count) => count,
            Err(error) => {
                self.block.resize(self.sealed + error.required()?, 0);
                write(&mut self.block[self.sealed..]).map_err(|_still| RustlsError::EncryptError)?
            }
        };
        self.sealed += count;
        Ok(())
    }

    /// Ready when all has left.
    pub(super) fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        tcp: &mut TcpStream,
    ) -> Poll<io::Result<()>> {
        while self.sent < self.sealed {
            let rest = &self.block[self.sent..self.sealed];
            match ready!(Pin::new(&mut *tcp).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        (self.sealed, self.sent) = (0, 0);
        Poll::Ready(Ok(()))
    }

    /// Keeps no room when nothing waits.
    pub(super) fn give_back_memory(&mut self) {
        if self.sealed == 0 {
            self.block = Vec::new();
        }
    }
}
