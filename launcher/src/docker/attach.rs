//! The standard streams of a container.
//!
//! Spoken to the socket itself: the client library looks for frames in a terminal's stream,
//! which has none, so that an octet below 3 at the head of a piece would stop the terminal.

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::frames::Frames;
use super::{Docker, DockerError};

/// A container's standard streams. Attached before the start, nothing of them is lost.
pub struct Attached {
    /// What it reads.
    pub input: Input,
    /// What it writes.
    pub output: Reader,
}

/// A container's standard input.
pub struct Input(OwnedWriteHalf);

/// What a container writes.
pub struct Reader {
    what: String,
    socket: OwnedReadHalf,
    /// Read and not given yet.
    buffer: BytesMut,
    /// A terminal's stream has no frames.
    frames: Option<Frames>,
}

/// A piece of what a container wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where.
    pub stream: Stream,
    /// What.
    pub octets: Bytes,
}

/// Where a container writes. A terminal is one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, or its terminal.
    Output,
    /// Standard error.
    Error,
}

/// Octets of the head of the engine's answer; it has some hundreds.
const HEAD_OCTETS: usize = 16 * 1024;

impl Docker {
    /// Attaches to a container, with its standard input if `input`; `terminal` says whether
    /// it was made with one.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn attach(
        &self,
        name: &str,
        input: bool,
        terminal: bool,
    ) -> Result<Attached, DockerError> {
        let what = format!("attach to the container {name}");
        let failed = |error: std::io::Error| DockerError::other(&what, error);
        let mut socket = UnixStream::connect(self.socket()).await.map_err(failed)?;
        let version = self.api.client_version();
        let stdin = u8::from(input);
        let request = format!(
            "POST /v{version}/containers/{name}/attach?stream=1&stdin={stdin}&stdout=1&stderr=1 HTTP/1.1\r\n\
             Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut buffer = BytesMut::new();
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break buffer.split_to(end + 4);
            }
            let read = socket.read_buf(&mut buffer).await.map_err(failed)?;
            if read == 0 || buffer.len() > HEAD_OCTETS {
                return Err(DockerError::other(&what, "it hung up"));
            }
        };
        let status = status(&head);
        // 101 where the upgrade is understood, 200 from engines that hijack without it.
        if !matches!(status, Some(101 | 200)) {
            let mut rest = socket.take(HEAD_OCTETS as u64);
            // The text is for people: what did not arrive is not in it.
            let _cut = tokio::time::timeout(ERROR_TEXT_WITHIN, rest.read_buf(&mut buffer)).await;
            return Err(DockerError::answer(&what, status, &buffer));
        }
        let (socket, writer) = socket.into_split();
        let frames = (!terminal).then(Frames::default);
        Ok(Attached {
            input: Input(writer),
            output: Reader {
                what: format!("read what the container {name} writes"),
                socket,
                buffer,
                frames,
            },
        })
    }
}

/// How long the text of a refusal may take; it comes with its head.
const ERROR_TEXT_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// The status of an answer's head.
fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head).ok()?.lines().next()?;
    line.split(' ').nth(1)?.parse().ok()
}

impl Reader {
    /// The next piece of output; none once the container has closed it.
    ///
    /// # Errors
    ///
    /// The socket's, or that the engine sent what is no frame.
    pub async fn next(&mut self) -> Result<Option<Output>, DockerError> {
        loop {
            let piece = match &mut self.frames {
                Some(frames) => frames
                    .next(&mut self.buffer)
                    .map_err(|error| DockerError::other(&self.what, error))?,
                None => Some(self.buffer.split())
                    .filter(|all| all.has_remaining())
                    .map(|all| Output {
                        stream: Stream::Output,
                        octets: all.freeze(),
                    }),
            };
            if piece.is_some() {
                return Ok(piece);
            }
            let read = self.socket.read_buf(&mut self.buffer).await;
            if read.map_err(|error| DockerError::other(&self.what, error))? == 0 {
                return Ok(None);
            }
        }
    }
}

impl Input {
    /// Writes all of `octets`.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.0.write_all(octets).await
    }

    /// Ends the container's standard input; its output goes on.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn end(&mut self) -> std::io::Result<()> {
        self.0.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read() {
        assert_eq!(
            status(b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n"),
            Some(101)
        );
        assert_eq!(status(b"HTTP/1.1 404 Not Found\r\n\r\n"), Some(404));
        assert_eq!(status(b"nonsense"), None);
    }
}
