//! What a service of ours says: written octet by octet as the test wants it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use tokio_rustls::rustls::{ServerConnection, StreamOwned};

use crate::received::Received;

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next request may come.
    Keep,
    /// Closed in good order: over TLS with close_notify.
    Close,
    /// The TCP stream ends; over TLS without close_notify, as an attacker would cut it.
    Cut,
    /// Another protocol from here on, in which everything is sent back.
    Echo,
}

/// The way back to the client that sent a request. What is written leaves at once.
pub struct Answer<'a> {
    stream: &'a mut dyn Write,
    head_only: bool,
}

impl<'a> Answer<'a> {
    pub(crate) fn toward(stream: &'a mut dyn Write, request: &Received) -> Answer<'a> {
        let head_only = request.method == "HEAD";
        Answer { stream, head_only }
    }

    /// Writes these octets and nothing else.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn raw(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets)?;
        self.stream.flush()
    }

    /// A whole answer with `Content-Length`; to HEAD without its body.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn whole(
        &mut self,
        status: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<After> {
        let mut octets = head(status, fields);
        octets.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        if !self.head_only {
            octets.extend_from_slice(body);
        }
        self.raw(&octets)?;
        Ok(After::Keep)
    }

    /// The head of an answer whose body follows by [`Answer::chunk`].
    ///
    /// # Errors
    /// When the client has gone.
    pub fn begin_chunked(&mut self, status: &str, fields: &[(&str, &str)]) -> io::Result<()> {
        let mut octets = head(status, fields);
        octets.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        self.raw(&octets)
    }

    /// One chunk; an empty run of octets is none.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn chunk(&mut self, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        self.raw(&[format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat())
    }

    /// The last chunk.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn end_chunked(&mut self) -> io::Result<After> {
        self.raw(b"0\r\n\r\n")?;
        Ok(After::Keep)
    }
}

fn head(status: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let lines = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("HTTP/1.1 {status}\r\n{}", lines.collect::<String>()).into_bytes()
}

/// A stream that knows how to end in good order and how to break off.
pub(crate) trait Connection: Read + Write {
    /// Ends the connection; [`After::Keep`] ends it as [`After::Close`] does.
    fn finish(&mut self, after: After) -> io::Result<()>;
}

impl Connection for TcpStream {
    fn finish(&mut self, _: After) -> io::Result<()> {
        self.shutdown(Shutdown::Write)?;
        // Unread octets would turn the end into a reset, and the answer would be lost.
        let _already_gone = io::copy(self, &mut io::sink());
        Ok(())
    }
}

impl Connection for StreamOwned<ServerConnection, TcpStream> {
    fn finish(&mut self, after: After) -> io::Result<()> {
        if after != After::Cut {
            self.conn.send_close_notify();
            self.flush()?;
        }
        self.sock.finish(after)
    }
}
