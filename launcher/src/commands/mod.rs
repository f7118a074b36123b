//! What each subcommand does, and where the rooms meet.

mod backend;
mod build_gate;
pub mod check;
mod cleanup;
mod demo;
mod gate;
mod info;
pub mod init;
mod list;
mod logs;
mod prepare;
mod start;
mod table;

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::args::{Command, Inside, ManifestOption, Probe, Tether};
use crate::bottle::Programs;
use crate::bottle::exit_code::{NOT_STARTED, OWN_FAILURE, USAGE};
use crate::docker::{Docker, DockerError};
use crate::probe::Questions;
use crate::progress::Progress;

/// Does what the command line says. Gives the exit code.
pub fn run(command: Command) -> u8 {
    match command {
        Command::Start(args) => start::run(&args),
        Command::List => list::run(),
        Command::Logs(args) => logs::run(&args),
        Command::Cleanup(args) => cleanup::run(&args),
        Command::BuildGate(args) => build_gate::run(&args),
        Command::Probe(args) => probe(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Tour(args) => demo::tour(&args),
        Command::Tether(args) => tether(&args),
        Command::Inside(args) => inside(args),
        Command::Info(args) => info::run(&args),
        Command::Check(option) => check_manifests(&option),
        Command::Init(option) => write_example(&option),
    }
}

fn check_manifests(option: &ManifestOption) -> u8 {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    match prepare::sources(option) {
        Ok(sources) => check::run(&sources, &variable, &mut out, &mut err),
        Err(sentence) => {
            progress().tell(&sentence);
            USAGE
        }
    }
}

fn write_example(option: &ManifestOption) -> u8 {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    match prepare::manifest_path(option) {
        Ok(path) => init::run(&path, &mut out, &mut err),
        Err(sentence) => {
            progress().tell(&sentence);
            USAGE
        }
    }
}

/// Writes text for people to standard error, as it is.
fn tell_people(text: &str) {
    use std::io::Write;
    let mut err = std::io::stderr().lock();
    // Who closed it does not want to be told.
    let _closed = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

fn tether(args: &Tether) -> u8 {
    match crate::local::tether::run(args.launcher, args.on_stdin, &args.program) {
        Ok(never) => match never {},
        Err(sentence) => {
            progress().tell(&sentence);
            OWN_FAILURE
        }
    }
}

fn inside(args: Inside) -> u8 {
    crate::local::inside::run(&crate::local::inside::Orders {
        ports: args.port,
        outside: args.outside,
        files: args.files,
        home: args.home,
        processes: args.processes,
        data_octets: args.data_octets,
        command: args.command,
    })
}

/// The probe's exit code for a bottle that is not sealed.
const SEAL_BROKEN: u8 = 3;

fn probe(args: &Probe) -> u8 {
    let questions = Questions {
        gateway: args.gateway,
        forbidden: args.forbidden.clone(),
        control: args.control.clone(),
        patience: std::time::Duration::from_millis(args.patience_ms),
    };
    match crate::probe::run(&questions) {
        Ok(true) => 0,
        Ok(false) => SEAL_BROKEN,
        Err(_nobody_reads) => OWN_FAILURE,
    }
}

/// A variable of the host that is set and is text.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn progress() -> Progress {
    let (terminal, no_color) = (variable("TERM"), variable("NO_COLOR"));
    Progress::new(terminal.as_deref(), no_color.as_deref())
}

/// The programs that become images: this one, and the engine that is named or stands beside.
fn programs(engine: Option<PathBuf>) -> std::io::Result<Programs> {
    let beside = || beside("cred-proxy");
    Ok(Programs {
        engine: engine.map_or_else(beside, Ok)?,
        launcher: std::env::current_exe()?,
    })
}

/// The program of that name beside this one.
fn beside(name: &str) -> std::io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Where the state of all bottles is: below `$XDG_STATE_HOME`, or else the home.
fn state_root() -> Result<PathBuf, String> {
    // The XDG specification says to ignore a relative path.
    let given = variable("XDG_STATE_HOME").map(PathBuf::from);
    let given = given.filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(variable("HOME")?).join(".local/state"));
    let root = given.or_else(home);
    let root =
        root.ok_or("neither XDG_STATE_HOME nor HOME says where state is kept; set one of them")?;
    let root = root.join("bottle");
    match std::fs::metadata(&root) {
        Ok(facts) if !is_private(facts.uid(), facts.mode()) => Err(format!(
            "{} belongs to somebody else, or others may write it: what stands there says what is removed; set XDG_STATE_HOME to a directory of your own",
            root.display()
        )),
        Ok(_) | Err(_) => Ok(root),
    }
}

fn is_private(owner: u32, mode: u32) -> bool {
    owner == rustix::process::geteuid().as_raw() && mode & 0o022 == 0
}

async fn connect() -> Result<Docker, DockerError> {
    let (host, runtime) = (variable("DOCKER_HOST"), variable("XDG_RUNTIME_DIR"));
    Docker::connect(host.as_deref(), runtime.map(PathBuf::from).as_deref()).await
}

/// Docker, where it answers; where it does not, the other bottles are looked at, and a person
/// is told why Docker's are not.
async fn docker_if_any(progress: &mut Progress) -> Option<Docker> {
    match connect().await {
        Ok(docker) => Some(docker),
        Err(error) => {
            let fact = error.fact();
            progress.tell(&format!("bottles of Docker's are not looked at: {fact}"));
            None
        }
    }
}

/// Runs `work` to its end on one thread. Threads that hang in a read are left to the exit.
fn block_on(work: impl Future<Output = u8>) -> u8 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            progress().tell(&format!("this machine gives no event loop: {error}"));
            NOT_STARTED
        }
    }
}

/// Writes `text` to standard output, on purpose and by this function alone.
fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // Who closes the pipe has read enough.
    let _closed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
