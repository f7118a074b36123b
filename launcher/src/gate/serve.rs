//! The command line: `serve` and `healthcheck`.

use std::ffi::OsString;
use std::io::Write as _;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{Arguments, Command, Fill, Serve};
use super::config::{Config, Repository};
use super::connection::Gate;
use super::limits::{STRAYS_TIME, TIMES};
use super::log::log;
use super::place::Place;
use super::pushes::Pushes;
use super::{door, fill, group, health_check, leftovers, listener, mirror, strays, tools};

/// clap's code for a command line that it does not know.
const USAGE: u8 = 2;

/// Runs it. Gives the exit code.
pub(super) fn run(arguments: &[OsString]) -> u8 {
    let command = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments.command,
        Err(told) => {
            // Help is no error.
            let _ = told.print();
            return u8::try_from(told.exit_code()).unwrap_or(USAGE);
        }
    };
    let done = match command {
        Command::Serve(options) => serve(&options),
        Command::Healthcheck(options) => health_check::run(options.address),
        Command::Fill(options) => fill_one(&options),
    };
    match done {
        Ok(()) => 0,
        Err(sentence) => {
            log(&sentence);
            1
        }
    }
}

fn fill_one(options: &Fill) -> Result<(), String> {
    fill::one(&options.directories.place()?, &options.name)
}

/// Serves until it is asked to end, and leaves no process.
fn serve(options: &Serve) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no event loop: {error}"))?;
    let served = runtime.block_on(async {
        let asked_to_end = asked_to_end().map_err(|error| format!("no signals: {error}"))?;
        tokio::pin!(asked_to_end);
        let served = serve_until(options, asked_to_end).await;
        strays::end(STRAYS_TIME).await;
        served
    });
    // A program that was asked for its version may not have answered yet.
    runtime.shutdown_background();
    served
}

async fn serve_until(
    options: &Serve,
    mut asked_to_end: impl Future<Output = ()> + Unpin,
) -> Result<(), String> {
    let place = options.directories.place()?;
    let config = Config::read(&place).map_err(|error| error.to_string())?;
    group::adopt().map_err(|error| format!("orphans can't be adopted: {error}"))?;
    tokio::select! {
        () = &mut asked_to_end => return Ok(()),
        prepared = prepare(&place, &config) => prepared?,
    }
    let listener = listener::open(options.wanted())?;
    tell_ready();
    let repositories = config.repositories.iter();
    let most = |one: &Repository| (one.name.clone(), one.policy.max_push_mib);
    let gate = Gate {
        pushes: Pushes::new(),
        place,
        repositories: repositories.clone().map(|one| one.name.clone()).collect(),
        max_push_mib: repositories.map(most).collect(),
        times: TIMES,
    };
    door::serve(listener, gate, asked_to_end)
        .await
        .map_err(|error| format!("it can't serve: {error}"))
}

/// All that must be before somebody is served.
async fn prepare(place: &Place, config: &Config) -> Result<(), String> {
    let checked = {
        let (place, config) = (place.clone(), config.clone());
        tokio::task::spawn_blocking(move || tools::missing(&place, &config))
    };
    let missing = checked.await.map_err(|error| error.to_string())?;
    if let Some((last, others)) = missing.split_last() {
        others.iter().for_each(|sentence| log(sentence));
        return Err(last.clone());
    }
    directories(place).map_err(|error| format!("{}: {error}", place.mirrors.display()))?;
    fill::all(place, config).await
}

/// The directories beside the mirrors, made anew.
fn directories(place: &Place) -> std::io::Result<()> {
    let (links, temporary) = (place.mirrors.join(".bin"), place.temporary());
    leftovers::remove_tree(&links)?;
    leftovers::remove_tree(&temporary)?;
    std::fs::create_dir_all(&temporary)?;
    mirror::link_all(&links, &["access-hook", "ssh"])
}

/// The one line on standard output: whoever started the gate waits for it.
fn tell_ready() {
    // Nobody may be waiting.
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(b"ready\n").and_then(|()| output.flush());
}

/// The first signal that asks for an end, from now on: as the first process of a container
/// it would be sent in vain.
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
