//! `cred-proxy healthcheck`: the image that it runs in has no shell and no curl.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;

use crate::limits::HEALTH_CHECK_TIME;
use crate::serve::tell;

/// Why a proxy is not healthy.
#[derive(Debug)]
enum Unhealthy {
    /// It can't be reached.
    Unreachable(SocketAddr, io::Error),
    /// It answered, but not as this proxy does.
    Answer(SocketAddr),
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unhealthy::Unreachable(address, error) => {
                write!(out, "no answer from {address}: {error}")
            }
            Unhealthy::Answer(address) => {
                write!(out, "{address} did not answer as cred-proxy does")
            }
        }
    }
}

/// Says on standard error why it is not healthy. 0 or 1.
pub fn run(bind: IpAddr, port: u16) -> ExitCode {
    match check(bind, port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(unhealthy) => {
            tell(&unhealthy);
            ExitCode::FAILURE
        }
    }
}

/// Asks the proxy that listens on `bind` and `port` whether it is there.
fn check(bind: IpAddr, port: u16) -> Result<(), Unhealthy> {
    let address = SocketAddr::new(reachable(bind), port);
    let status = ask(address).map_err(|error| Unhealthy::Unreachable(address, error))?;
    if status.starts_with(b"HTTP/1.1 204 ") {
        Ok(())
    } else {
        Err(Unhealthy::Answer(address))
    }
}

/// An unspecified address is listened on, not connected to.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => bind,
    }
}

fn ask(address: SocketAddr) -> io::Result<[u8; 13]> {
    let mut stream = TcpStream::connect_timeout(&address, HEALTH_CHECK_TIME)?;
    stream.set_read_timeout(Some(HEALTH_CHECK_TIME))?;
    stream.set_write_timeout(Some(HEALTH_CHECK_TIME))?;
    stream.write_all(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; 13];
    stream.read_exact(&mut status)?;
    Ok(status)
}
