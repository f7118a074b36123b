//! The service of the demonstration: the engine's own, run as a child outside the bottle.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A running service; it ends with the value, and with this process.
#[derive(Debug)]
pub struct Service {
    child: Child,
    /// Held open: the service ends with it.
    lifeline: Option<ChildStdin>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate that vouches for it (PEM).
    pub authority: String,
}

impl Service {
    /// Starts the one of `engine`, which will want `token`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// The engine can't be run, or is none that has a demonstration in it.
    pub fn start(engine: &Path, token: &str) -> io::Result<Self> {
        let mut child = Command::new(engine)
            .arg("demo-service")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lifeline = child.stdin.take();
        let out = child.stdout.take();
        let told = lifeline.as_mut().map(|input| writeln!(input, "{token}"));
        let said = told
            .transpose()
            .and_then(|_told| out.map(read).unwrap_or_else(|| Err(no_demo())));
        match said {
            Ok((address, authority)) => Ok(Self {
                child,
                lifeline,
                address,
                authority,
            }),
            Err(error) => {
                drop(lifeline);
                child.wait()?;
                // One that does not read its token is another program.
                let is_another = error.kind() == io::ErrorKind::BrokenPipe;
                Err(if is_another { no_demo() } else { error })
            }
        }
    }

    /// Whether a connection to it succeeds from here.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub fn answers(&self) -> io::Result<()> {
        TcpStream::connect(self.address).map(drop)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // It has nothing to finish.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// The URL and the certificate that a service writes when it listens.
fn read(out: impl io::Read) -> io::Result<(SocketAddr, String)> {
    let mut lines = BufReader::new(out).lines();
    let url = lines.next().transpose()?.unwrap_or_default();
    let address = url
        .strip_prefix("https://")
        .and_then(|text| text.parse().ok());
    let address = address.ok_or_else(no_demo)?;
    let mut authority = String::new();
    for line in lines {
        let line = line?;
        authority.push_str(&line);
        authority.push('\n');
        if line == "-----END CERTIFICATE-----" {
            return Ok((address, authority));
        }
    }
    Err(no_demo())
}

fn no_demo() -> io::Error {
    io::Error::other(
        "this cred-proxy has no demonstration in it; build it with its default features",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_writes_is_read_to_the_certificates_end() {
        let text =
            "https://127.0.0.1:7\n-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n";
        let (address, authority) = read(text.as_bytes()).expect("whole");
        assert_eq!(address.port(), 7);
        assert_eq!(authority.lines().count(), 3);
        for cut in [
            "",
            "http://127.0.0.1:7\n",
            "https://127.0.0.1:7\n-----BEGIN",
        ] {
            assert!(read(cut.as_bytes()).is_err(), "{cut}");
        }
    }
}
