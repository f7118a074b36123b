//! The command line of `bottle-gate`, when no hook's name calls it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::listener::Wanted;
use super::place::Place;

/// Serve git's mirrors to an agent: scan what it pushes, forward what it may.
#[derive(Debug, Parser)]
#[command(name = "bottle-gate", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  bottle-gate serve --listen 0.0.0.0:9418   mirror what gate.json names, then serve it
  bottle-gate healthcheck                   is it there?

Exit codes: 0 it was asked to end, or is healthy; 1 it failed, or is not; 2 usage.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Mirror the repositories that gate.json names, then serve them until SIGTERM
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Say whether a gate serves at an address
    #[command(after_help = HEALTH_EXAMPLES)]
    Healthcheck(HealthCheck),
    /// Fill one mirror; serve calls it
    #[command(hide = true)]
    Fill(Fill),
}

const SERVE_EXAMPLES: &str = "\
Examples:
  bottle-gate serve --listen 0.0.0.0:9418
  bottle-gate serve --listener stdin --state ./state --mirrors ./mirrors

It writes the line `ready` to its standard output when it serves, and what it refuses to its
standard error. The state directory has gate.json, keys/NAME and known_hosts/NAME.";

const HEALTH_EXAMPLES: &str = "\
Examples:
  bottle-gate healthcheck
  bottle-gate healthcheck --address 127.0.0.1:9418";

/// `bottle-gate serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    listener: ListenerOptions,
    #[command(flatten)]
    pub(super) directories: Directories,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ListenerOptions {
    /// Listen on this address and port
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Accept on a listening socket that was handed over
    #[arg(long, value_name = "stdin")]
    listener: Option<Handed>,
}

/// How a listening socket is handed over.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Handed {
    /// As standard input.
    Stdin,
}

/// `bottle-gate healthcheck`.
#[derive(Debug, Args)]
pub(super) struct HealthCheck {
    /// Where it serves
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9418")]
    pub(super) address: SocketAddr,
}

/// `bottle-gate fill`.
#[derive(Debug, Args)]
pub(super) struct Fill {
    /// The repository's name
    pub(super) name: String,
    #[command(flatten)]
    pub(super) directories: Directories,
}

/// Where the gate's files lie.
#[derive(Debug, Args)]
pub(super) struct Directories {
    /// What the gate is told: gate.json, keys, host keys; it only reads
    #[arg(long, value_name = "DIR", default_value = "/run/bottle-gate")]
    state: PathBuf,
    /// Its mirrors, and what else it writes
    #[arg(long, value_name = "DIR", default_value = "/git")]
    mirrors: PathBuf,
}

impl Serve {
    /// Where it is to accept.
    pub(super) fn wanted(&self) -> Wanted {
        self.listener
            .listen
            .map_or(Wanted::Inherited, Wanted::Address)
    }
}

impl Directories {
    /// As absolute paths: git is run elsewhere.
    ///
    /// # Errors
    ///
    /// There is no such directory.
    pub(super) fn place(&self) -> Result<Place, String> {
        let absolute = |path: &PathBuf| {
            let failed = |error| format!("{}: {error}", path.display());
            path.canonicalize().map_err(failed)
        };
        Ok(Place {
            state: absolute(&self.state)?,
            mirrors: absolute(&self.mirrors)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        let wanted = |words: &[&str]| {
            let words = ["bottle-gate", "serve"].iter().chain(words);
            match Arguments::try_parse_from(words).ok()?.command {
                Command::Serve(serve) => Some(serve.wanted()),
                Command::Healthcheck(_) | Command::Fill(_) => None,
            }
        };
        let address = "127.0.0.1:9418".parse().expect("an address");
        assert_eq!(
            wanted(&["--listen", "127.0.0.1:9418"]),
            Some(Wanted::Address(address))
        );
        assert_eq!(wanted(&["--listener", "stdin"]), Some(Wanted::Inherited));
        assert_eq!(wanted(&[]), None);
        assert_eq!(
            wanted(&["--listen", "127.0.0.1:1", "--listener", "stdin"]),
            None
        );
        assert_eq!(wanted(&["--listener", "stdout"]), None);
    }
}
