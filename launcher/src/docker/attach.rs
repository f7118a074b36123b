//! The standard streams of a container.

use std::pin::Pin;

use bollard::container::LogOutput;
use bollard::query_parameters::AttachContainerOptionsBuilder;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::error::Attempt;
use super::{Docker, DockerError};

/// A container's standard streams. Attached before the start, nothing of them is lost.
pub struct Attached {
    /// What it reads.
    pub input: Input,
    /// What it writes.
    pub output: Reader,
}

/// What a container writes.
pub struct Reader {
    name: String,
    pieces: Pin<Box<dyn futures_util::Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>,
}

/// A container's standard input.
pub struct Input(Pin<Box<dyn AsyncWrite + Send>>);

/// A piece of what a container wrote.
#[derive(Clone, Debug)]
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

impl Docker {
    /// Attaches to a container.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn attach(&self, name: &str, input: bool) -> Result<Attached, DockerError> {
        let what = format!("attach to the container {name}");
        let options = AttachContainerOptionsBuilder::default()
            .stream(true)
            .stdin(input)
            .stdout(true)
            .stderr(true)
            .build();
        let streams = self.api.attach_container(name, Some(options)).await;
        let streams = streams.attempt(&what)?;
        Ok(Attached {
            input: Input(streams.input),
            output: Reader {
                name: name.to_owned(),
                pieces: streams.output,
            },
        })
    }
}

impl Reader {
    /// The next piece of output; none once the container has closed it.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn next(&mut self) -> Result<Option<Output>, DockerError> {
        let Some(piece) = self.pieces.next().await else {
            return Ok(None);
        };
        let what = format!("read what the container {} writes", self.name);
        let (stream, octets) = match piece.attempt(&what)? {
            LogOutput::StdErr { message } => (Stream::Error, message),
            LogOutput::StdOut { message }
            | LogOutput::StdIn { message }
            | LogOutput::Console { message } => (Stream::Output, message),
        };
        Ok(Some(Output { stream, octets }))
    }
}

impl Input {
    /// Writes all of `octets`.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn write(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.0.write_all(octets).await?;
        self.0.flush().await
    }

    /// Ends the container's standard input.
    ///
    /// # Errors
    ///
    /// The socket's.
    pub async fn end(&mut self) -> std::io::Result<()> {
        self.0.shutdown().await
    }
}
