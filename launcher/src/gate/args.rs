//! The command line of `bottle-gate`, where it is called by its own name.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::serve;

/// Serve git to an agent: fetches from upstream, and pushes that were scanned.
#[derive(Debug, Parser)]
#[command(name = "bottle-gate", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fill the mirrors, then serve them
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Ask whether a gate listens; exit with 0 or 1
    #[command(after_help = "Examples:\n  bottle-gate healthcheck")]
    Healthcheck {
        /// Where it should
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9418")]
        address: SocketAddr,
    },
}

const SERVE_EXAMPLES: &str = "\
Examples:
  bottle-gate serve --listen 0.0.0.0:9418
  bottle-gate serve --listener stdin --state ./state --mirrors ./mirrors

The state directory has gate.json, and keys/NAME and known_hosts/NAME for each repository in it;
`bottle start` writes them. `ready` on standard output says that clients are served.";

/// `bottle-gate serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen.
    #[command(flatten)]
    pub(super) listen: Listener,
    /// The directory of gate.json, keys/ and known_hosts/
    #[arg(long, value_name = "DIR", default_value = "/run/bottle-gate")]
    pub(super) state: PathBuf,
    /// The directory in which mirrors are made
    #[arg(long, value_name = "DIR", default_value = "/git")]
    pub(super) mirrors: PathBuf,
}

/// Where to listen, in one of two ways.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Listener {
    /// Listen there
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<SocketAddr>,
    /// Listen on a socket that is there already: `stdin`, the standard input
    #[arg(long, value_name = "WHERE", value_parser = ["stdin"])]
    pub(super) listener: Option<String>,
}

/// Does what the command line says. Gives the exit code.
pub(super) fn run(arguments: &[OsString]) -> u8 {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => match arguments.command {
            Command::Serve(serve) => serve::run(&serve),
            Command::Healthcheck { address } => serve::healthcheck(address),
        },
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Who closed it does not want to be told.
            let _closed = error.print();
            code
        }
    }
}
