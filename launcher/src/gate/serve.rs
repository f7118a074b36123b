//! `bottle-gate serve`: mirrors filled, then conversations, until a signal ends it.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use super::args::{Listener, Serve};
use super::clean_room;
use super::config::{Config, Repository};
use super::limits::{CONVERSATIONS, FETCH_WORDS_OCTETS, GIT_TIME};
use super::mirror;
use super::place::Place;
use super::relay::{self, Gate};
use super::talk::say;
use crate::child;

/// Fills the mirrors and serves them. Gives the exit code.
pub(super) fn run(args: &Serve) -> u8 {
    match serve(args) {
        Ok(()) => 0,
        Err(sentences) => {
            for sentence in sentences {
                say(&sentence);
            }
            1
        }
    }
}

fn serve(args: &Serve) -> Result<(), Vec<String>> {
    let one = |error: io::Error| vec![error.to_string()];
    let place = Place {
        state: args.state.clone(),
        mirrors: args.mirrors.clone(),
    };
    let config = Config::read(&place).map_err(one)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(one)?;
    look_at_programs(&place, &config)?;
    mirror::link(&place).map_err(one)?;
    fill(&place, &config.repositories)?;
    runtime.block_on(async {
        let listener = listener(&args.listen).await.map_err(one)?;
        ready().map_err(one)?;
        accept(listener, Gate { place, config }).await.map_err(one)
    })
}

/// Nothing is fetched by a gate that could not scan: what it needs is run once.
fn look_at_programs(place: &Place, config: &Config) -> Result<(), Vec<String>> {
    let [scanner, of_scanner @ ..] = config.scanner.as_slice() else {
        return Err(vec!["gate.json names no scanner".to_owned()]);
    };
    let mut version = clean_room::program(place, scanner);
    version.args(of_scanner).arg("version");
    let mut git = clean_room::program(place, "git");
    git.arg("version");
    let mut ssh = clean_room::program(place, "ssh");
    ssh.arg("-V");
    let look = |name: &str, program: &mut Command| {
        let said = child::output(program.current_dir("/"), GIT_TIME, FETCH_WORDS_OCTETS);
        said.err()
            .map(|error| format!("{name} {error}; the gate can't work without it"))
    };
    let missing = [
        look("git", &mut git),
        look("ssh", &mut ssh),
        look(&format!("the scanner {scanner}"), &mut version),
    ];
    let missing: Vec<String> = missing.into_iter().flatten().collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(missing),
    }
}

/// Fills all mirrors at the same time: an upstream that is slow delays no other.
fn fill(place: &Place, repositories: &[Repository]) -> Result<(), Vec<String>> {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let fills: Vec<_> = repositories
            .iter()
            .map(|repository| scope.spawn(|| mirror::fill(place, repository)))
            .collect();
        let joined = fills.into_iter().map(|fill| match fill.join() {
            Ok(filled) => filled,
            Err(_panic) => Err("a mirror could not be filled".to_owned()),
        });
        joined.filter_map(Result::err).collect()
    });
    match failures.is_empty() {
        true => Ok(()),
        false => Err(failures),
    }
}

async fn listener(listener: &Listener) -> io::Result<TcpListener> {
    match listener.listen {
        Some(address) => TcpListener::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}"))),
        None => {
            let inherited = io::stdin().as_fd().try_clone_to_owned()?;
            let nothing = std::fs::File::open("/dev/null")?;
            // What the gate starts reads nothing from the agent's network.
            rustix::stdio::dup2_stdin(&nothing)?;
            let listener = std::net::TcpListener::from(inherited);
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        }
    }
}

/// Tells whoever waits for it that clients are served from now on.
fn ready() -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(b"ready\n")?;
    out.flush()
}

async fn accept(listener: TcpListener, gate: Gate) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (gate, free) = (Arc::new(gate), Arc::new(Semaphore::new(CONVERSATIONS)));
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _address)) => client,
                Err(error) => {
                    // Of one client, or of a moment without descriptors: others may be served.
                    say(&format!("a client could not be accepted: {error}"));
                    tokio::task::yield_now().await;
                    continue;
                }
            },
            _asked = terminate.recv() => return Ok(()),
            _asked = interrupt.recv() => return Ok(()),
        };
        converse(client, &gate, &free);
    }
}

fn converse(mut client: TcpStream, gate: &Arc<Gate>, free: &Arc<Semaphore>) {
    let Ok(place) = Arc::clone(free).try_acquire_owned() else {
        tokio::spawn(async move {
            let why = format!("{CONVERSATIONS} fetches and pushes are under way; try again later");
            relay::refuse(&mut client, &why).await;
        });
        return;
    };
    let gate = Arc::clone(gate);
    tokio::spawn(async move {
        relay::serve(client, gate).await;
        drop(place);
    });
}

/// Asks whether somebody listens at `address`. Gives the exit code.
pub(super) fn healthcheck(address: SocketAddr) -> u8 {
    match std::net::TcpStream::connect_timeout(&address, GIT_TIME) {
        Ok(_listens) => 0,
        Err(error) => {
            say(&format!("{address}: {error}"));
            1
        }
    }
}
