//! Routes file, tokens and environment, made into values that are valid by construction.
//! The only room that knows JSON.
//!
//! Every problem is found, not the first one alone, and each is one line that says
//! where it is and what to do. None of them shows a value: a token that was pasted into
//! the wrong place must not end in a log.

mod json;
mod no_proxy;
mod proxy_url;
mod route_draft;
mod route_keys;
mod routes_file;
mod tokens;

pub use no_proxy::NoProxy;
pub use proxy_url::{ProxyUrl, ProxyUrlError};
pub use routes_file::{LoadedRoutes, load_routes, parse_routes};
pub use tokens::{TokenPlace, TokenSource};

use crate::limits::Limits;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;
use std::path::PathBuf;

/// All that the command line and the environment decide.
///
/// Holds the proxy's password, hence no `Debug`.
pub struct Config {
    /// The routes file.
    pub routes_path: PathBuf,
    /// Where to listen, unless sockets are inherited.
    pub bind: IpAddr,
    /// The port to listen at; 0 takes any.
    pub port: u16,
    /// Workers.
    pub threads: usize,
    /// What is logged.
    pub log: LogLevel,
    /// Where the metrics are, always a loopback address.
    pub admin: Option<SocketAddr>,
    /// The authorities that a client may name in Host, lower case; empty: any.
    pub allow_host: Vec<String>,
    /// Token records come on standard input.
    pub tokens_stdin: bool,
    /// Limits and deadlines; `connections` is the default unless the next field is set.
    pub limits: Limits,
    /// Connections, if the operator set them; else they follow from the descriptors.
    pub connections: Option<usize>,
    /// The proxy through which TLS upstreams are reached.
    pub proxy: Option<ProxyUrl>,
    /// The upstreams that are reached without it.
    pub no_proxy: NoProxy,
    /// What was left aside, to be logged.
    pub warnings: Vec<Problem>,
}

/// What is logged; each includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// A line for each exchange.
    Access,
    /// What an engineer wants to know.
    Debug,
}

impl LogLevel {
    /// All levels, quietest first.
    pub const ALL: [LogLevel; 4] = [
        LogLevel::Off,
        LogLevel::Error,
        LogLevel::Access,
        LogLevel::Debug,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Off => "off",
            LogLevel::Error => "error",
            LogLevel::Access => "access",
            LogLevel::Debug => "debug",
        }
    }
}

/// No [`LogLevel`] has this name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownLogLevel;

impl FromStr for LogLevel {
    type Err = UnknownLogLevel;

    fn from_str(text: &str) -> Result<LogLevel, UnknownLogLevel> {
        let mut levels = LogLevel::ALL.into_iter();
        levels
            .find(|level| level.as_str() == text)
            .ok_or(UnknownLogLevel)
    }
}

/// One thing that is wrong with the configuration: where, what, and what to do. A single
/// line of text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem(String);

impl Problem {
    /// `place` is a key, a flag or a file. A control character in either, from a file
    /// name say, is written as an escape, so that the line stays one.
    pub fn new(place: impl fmt::Display, text: impl fmt::Display) -> Problem {
        let mut line = String::new();
        for character in format!("{place}: {text}").chars() {
            match character.is_control() {
                true => line.extend(character.escape_default()),
                false => line.push(character),
            }
        }
        Problem(line)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_line() {
        let problem = Problem::new("a\nb", "is\r\x1b[31m missing");
        assert_eq!(problem.to_string(), "a\\nb: is\\r\\u{1b}[31m missing");
    }

    #[test]
    fn a_log_level_has_one_name() {
        for level in LogLevel::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        assert_eq!("Error".parse::<LogLevel>(), Err(UnknownLogLevel));
        assert!(LogLevel::Off < LogLevel::Debug);
    }
}
