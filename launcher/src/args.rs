//! The command line.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::bottle::GATE_BASE;
use crate::plan::GATE_IMAGE;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Start a coding agent at full power without giving it a single key.
///
/// The agent works in a sealed container; a sidecar, cred-proxy, holds the credentials and
/// puts them in on the way.
#[derive(Debug, Parser)]
#[command(name = "bottle", version, arg_required_else_help = true, after_help = MAIN_EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const MAIN_EXAMPLES: &str = "\
Examples:
  bottle demo                  show a whole bottle, on this machine alone
  bottle init                  write an example manifest
  bottle check                 say everything that is wrong with the manifests
  bottle start claude          start the built-in agent in this directory
  bottle list                  show the bottles that run

Exit codes of start: the agent's; 1 nothing was started; 2 usage or manifest;
125 the launcher failed after the start; 128+n ended by signal n.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start an agent in a bottle of its own, and remove the bottle when it ends
    #[command(after_help = START_EXAMPLES)]
    Start(Box<Start>),
    /// Show the bottles that run, how old they are and how their sidecars are
    #[command(after_help = "Examples:\n  bottle list")]
    List,
    /// Show what a sidecar of a bottle wrote
    #[command(after_help = LOGS_EXAMPLES)]
    Logs(Logs),
    /// Show what a start of an agent would do, without asking anything of Docker
    #[command(after_help = "Examples:\n  bottle info claude\n  bottle info implementer")]
    Info(Info),
    /// Say everything that is wrong with the manifests
    #[command(after_help = "Examples:\n  bottle check\n  bottle check --manifest team.json")]
    Check(ManifestOption),
    /// Write an example manifest; one that is there stays as it is
    #[command(after_help = "Examples:\n  bottle init\n  bottle init --manifest team.json")]
    Init(ManifestOption),
    /// Remove what starts left that were cut off
    #[command(after_help = CLEANUP_EXAMPLES)]
    Cleanup(Cleanup),
    /// Build the image of the git gate's tools: git, ssh and gitleaks
    #[command(after_help = BUILD_GATE_EXAMPLES)]
    BuildGate(BuildGate),
    /// Try from inside a bottle whether it is sealed
    #[command(hide = true)]
    Probe(Probe),
    /// Show a whole bottle on this machine alone, without manifest, token or network
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Be the agent of the demonstration
    #[command(hide = true)]
    Tour(Tour),
    /// Become a program that dies with the launcher and holds its sockets
    #[command(hide = true)]
    Tether(Tether),
    /// Become the agent, in a sandbox that is made
    #[command(hide = true)]
    Inside(Inside),
}

const START_EXAMPLES: &str = "\
Examples:
  bottle start claude                       the built-in agent, in this directory
  bottle start implementer --yes            without being asked
  bottle start implementer -- sh -c 'env'   another program than the agent's
  bottle start implementer --dry-run        say what would be done
  bottle start implementer --dry-run --format json | jq .routes";

const LOGS_EXAMPLES: &str = "\
Examples:
  bottle logs claude-x7k2p                what cred-proxy wrote
  bottle logs claude-x7k2p --follow       and what it will write";

const CLEANUP_EXAMPLES: &str = "\
Examples:
  bottle cleanup                     show what would go, and ask
  bottle cleanup claude-x7k2p        of one bottle only
  bottle cleanup --yes               without being asked

A bottle whose launcher still runs is left alone.";

const BUILD_GATE_EXAMPLES: &str = "\
Examples:
  bottle build-gate                      with the pinned gitleaks
  bottle build-gate --base with-git --scanner ./gitleaks
                                         without any network; with-git has git and ssh";

const DEMO_EXAMPLES: &str = "\
Examples:
  bottle demo              an agent looks for the token and for a way out, then works
  bottle demo --shell      and a shell in its bottle, to try for yourself

Exit codes: 0 all of it held; 1 something did not, or it could not be started.";

/// `bottle demo`.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// Open a shell in the bottle when the tour is over
    #[arg(long)]
    pub shell: bool,
    /// The program cred-proxy, instead of the one beside this program
    #[arg(long, value_name = "PATH", env = "BOTTLE_ENGINE")]
    pub engine: Option<PathBuf>,
}

/// `bottle tour`: what there is outside, to be tried from inside.
#[derive(Clone, Debug, Args)]
pub struct Tour {
    /// Where the service listens
    #[arg(long)]
    pub service: SocketAddr,
    /// The user's home on the host
    #[arg(long)]
    pub home: PathBuf,
}

/// Where the manifest is.
#[derive(Clone, Debug, Args)]
pub struct ManifestOption {
    /// The manifest, instead of the one in the configuration directory
    #[arg(long, value_name = "FILE", env = "BOTTLE_MANIFEST")]
    pub manifest: Option<PathBuf>,
}

/// Where the agent runs.
#[derive(Clone, Copy, Debug, Args)]
pub struct BackendOption {
    /// Where the agent runs [default: docker if it answers, or else local]
    #[arg(long, value_name = "BACKEND", env = "BOTTLE_BACKEND")]
    pub backend: Option<Backend>,
}

/// What the git gate is made from.
#[derive(Clone, Debug, Default, Args)]
pub struct GateOption {
    /// What scans pushes on the local backend, a program that takes gitleaks' arguments
    /// [default: gitleaks; Docker's is in the gate's image]
    #[arg(long, value_name = "CMD", env = "BOTTLE_SCANNER")]
    pub scanner: Option<PathBuf>,
    /// The program bottle-gate, instead of the one beside this program
    #[arg(long, value_name = "PATH", env = "BOTTLE_GATE")]
    pub gate: Option<PathBuf>,
}

/// What carries a plan out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Containers of a Docker Engine.
    Docker,
    /// Namespaces of this machine, by bubblewrap.
    Local,
}

/// `bottle start`.
#[derive(Clone, Debug, Args)]
pub struct Start {
    /// The agent: a built-in one, or one of a manifest
    #[arg(value_name = "AGENT")]
    pub agent: String,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestOption,
    /// Start without asking; an agent that the repository brought is still asked about
    #[arg(long)]
    pub yes: bool,
    /// With --yes: start an agent that the repository brought, with its prompt
    #[arg(long)]
    pub trust_repo: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How --dry-run says it: for people on standard error, or JSON on standard output
    #[arg(long, value_name = "FORMAT", requires = "dry_run")]
    pub format: Option<Format>,
    /// Where the agent runs.
    #[command(flatten)]
    pub backend: BackendOption,
    /// The program cred-proxy, instead of the one beside this program
    #[arg(long, value_name = "PATH", env = "BOTTLE_ENGINE")]
    pub engine: Option<PathBuf>,
    /// The scanner and the git gate's program.
    #[command(flatten)]
    pub gate: GateOption,
    /// What runs instead of the agent's own program
    #[arg(last = true, value_name = "CMD")]
    pub program: Vec<String>,
}

/// How a dry run says what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `bottle logs`.
#[derive(Clone, Debug, Args)]
pub struct Logs {
    /// The bottle, as `bottle list` shows it
    #[arg(value_name = "SLUG")]
    pub slug: String,
    /// The sidecar
    #[arg(value_name = "SIDECAR", default_value = "cred-proxy")]
    pub sidecar: String,
    /// Go on with what it will write
    #[arg(long, short)]
    pub follow: bool,
}

/// `bottle info`.
#[derive(Clone, Debug, Args)]
pub struct Info {
    /// The agent: a built-in one, or one of a manifest
    #[arg(value_name = "AGENT")]
    pub agent: String,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestOption,
    /// Where the agent would run.
    #[command(flatten)]
    pub backend: BackendOption,
    /// The scanner and the git gate's program.
    #[command(flatten)]
    pub gate: GateOption,
}

/// `bottle cleanup`.
#[derive(Clone, Debug, Args)]
pub struct Cleanup {
    /// Bottles, as `bottle list` shows them; none: all whose launcher is gone
    #[arg(value_name = "SLUG")]
    pub slugs: Vec<String>,
    /// Remove without asking
    #[arg(long)]
    pub yes: bool,
}

/// `bottle build-gate`.
#[derive(Clone, Debug, Args)]
pub struct BuildGate {
    /// The image that the tools are put upon; of Debian's family, or one that has git and ssh
    #[arg(long, value_name = "IMAGE", default_value = GATE_BASE)]
    pub base: String,
    /// A static program that takes gitleaks' arguments, instead of the pinned gitleaks
    #[arg(long, value_name = "CMD")]
    pub scanner: Option<PathBuf>,
    /// What the image is called
    #[arg(long, value_name = "NAME", default_value = GATE_IMAGE)]
    pub image: String,
}

/// `bottle probe`: what it must not reach, and what it must.
#[derive(Clone, Debug, Args)]
pub struct Probe {
    /// Where the host would stand on this network
    #[arg(long)]
    pub gateway: Ipv4Addr,
    /// A further address that must not answer
    #[arg(long)]
    pub forbidden: Vec<SocketAddr>,
    /// Name and port that must answer
    #[arg(long, value_parser = name_and_port)]
    pub control: Option<(String, u16)>,
    /// How long to wait for a sign of life
    #[arg(long)]
    pub patience_ms: u64,
}

/// `bottle tether`.
#[derive(Clone, Debug, Args)]
pub struct Tether {
    /// The launcher's process
    #[arg(long)]
    pub launcher: u32,
    /// Whether its one socket is its standard input
    #[arg(long)]
    pub on_stdin: bool,
    /// What it becomes
    #[arg(last = true, required = true)]
    pub program: Vec<OsString>,
}

/// `bottle inside`.
#[derive(Clone, Debug, Args)]
pub struct Inside {
    /// Where to listen on loopback
    #[arg(long)]
    pub port: Vec<u16>,
    /// The host's namespaces
    #[arg(long, value_delimiter = ',')]
    pub outside: Vec<String>,
    /// Where the agent's files are
    #[arg(long)]
    pub files: PathBuf,
    /// Where they go
    #[arg(long)]
    pub home: PathBuf,
    /// Processes that the agent may have
    #[arg(long)]
    pub processes: u64,
    /// Octets of data that a process may have
    #[arg(long)]
    pub data_octets: Option<u64>,
    /// What it becomes
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

fn name_and_port(text: &str) -> Result<(String, u16), String> {
    let (name, port) = text.rsplit_once(':').ok_or("write NAME:PORT")?;
    let port = port.parse().map_err(|error| format!("{port}: {error}"))?;
    Ok((name.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_of_a_subcommand_is_help_and_nothing_else() {
        for command in [
            "start", "list", "logs", "info", "check", "init", "cleanup", "probe", "demo", "tour",
            "tether", "inside",
        ] {
            let asked = Arguments::try_parse_from(["bottle", command, "--help"]);
            let kind = asked.map(drop).map_err(|error| error.kind());
            assert_eq!(kind, Err(clap::error::ErrorKind::DisplayHelp), "{command}");
        }
    }

    #[test]
    fn a_format_needs_a_dry_run_and_a_command_stands_behind_dashes() {
        let parse = |words: &[&str]| {
            let words = ["bottle", "start", "a"].iter().chain(words);
            Arguments::try_parse_from(words)
        };
        assert!(parse(&["--format", "json"]).is_err());
        assert!(parse(&["--dry-run", "--format", "json"]).is_ok());
        assert!(parse(&["ls"]).is_err());
        let Ok(Arguments {
            command: Command::Start(start),
        }) = parse(&["--", "ls", "--help"])
        else {
            panic!("it is a start");
        };
        assert_eq!(start.program, ["ls", "--help"]);
    }
}
