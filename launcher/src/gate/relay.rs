//! One conversation: a client on one side, a git daemon of its own on the other.

use std::io;
use std::process::Stdio;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::clean_room;
use super::config::Config;
use super::limits::{END_GRACE, END_LOOK, FIRST_LINE_TIME, PIECE_OCTETS};
use super::phase::Phase;
use super::place::Place;
use super::pulse::Pulse;
use super::request::{LENGTH_OCTETS, Request, first_line_octets, line};
use super::talk::say;

/// What every conversation knows.
#[derive(Debug)]
pub(super) struct Gate {
    /// Where things are.
    pub(super) place: Place,
    /// What is served.
    pub(super) config: Config,
}

/// Why a conversation was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// git has said all that it had to say.
    Served,
    /// The client is gone.
    Gone,
    /// Nobody said anything for too long.
    Quiet,
}

/// Serves one client, to the end.
pub(super) async fn serve(mut client: TcpStream, gate: Arc<Gate>) {
    let first = timeout(FIRST_LINE_TIME, first_line(&mut client)).await;
    let Ok(Ok(text)) = first else {
        return refuse(&mut client, "no request of git's came").await;
    };
    let request = match Request::read(text.get(LENGTH_OCTETS..).unwrap_or_default()) {
        Ok(request) => request,
        Err(why) => return refuse(&mut client, why).await,
    };
    if gate.config.repository(&request.name).is_none() {
        let there = gate.config.repositories.iter();
        let there: Vec<String> = there.map(|one| format!("/{}.git", one.name)).collect();
        let why = format!(
            "there is no such repository here; there are {}",
            there.join(", ")
        );
        return refuse(&mut client, &why).await;
    }
    let Request { service, name } = &request;
    say(&format!("{name}: {service:?} begins"));
    let said = match converse(client, &gate, &request, &text).await {
        Ok(End::Served) => return,
        Ok(End::Gone) => "the client is gone".to_owned(),
        Ok(End::Quiet) => "ended, for nobody said anything".to_owned(),
        Err(error) => error.to_string(),
    };
    say(&format!("{name}: {service:?}: {said}"));
}

/// Says why not, as git's clients show it.
pub(super) async fn refuse(client: &mut TcpStream, why: &str) {
    say(&format!("refused: {why}"));
    // The client may be gone.
    let _gone = client
        .write_all(&line(format!("ERR {why}").as_bytes()))
        .await;
    let _gone = client.shutdown().await;
    // What it still sends would turn the end into a reset, which overtakes what it was told.
    let mut rest = vec![0; PIECE_OCTETS];
    let drained = async { while let Ok(1..) = client.read(&mut rest).await {} };
    let _late = timeout(END_GRACE, drained).await;
}

async fn first_line(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; LENGTH_OCTETS];
    client.read_exact(&mut length).await?;
    let octets = first_line_octets(length).ok_or(io::ErrorKind::InvalidData)?;
    let mut text = length.to_vec();
    text.resize(octets, 0);
    let rest = text.get_mut(LENGTH_OCTETS..).unwrap_or_default();
    client.read_exact(rest).await?;
    Ok(text)
}

/// Gives git daemon the request and joins the two, until one of them ends.
async fn converse(
    mut client: TcpStream,
    gate: &Gate,
    request: &Request,
    text: &[u8],
) -> io::Result<End> {
    let mut daemon = daemon(&gate.place).spawn()?;
    let (Some(mut input), Some(output)) = (daemon.stdin.take(), daemon.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    input.write_all(text).await?;
    let ended = join(&mut client, input, output, Phase::of(request.service)).await;
    if matches!(ended, Ok(End::Served)) {
        // The client may have gone meanwhile, content.
        let _gone = client.shutdown().await;
    }
    drop(client);
    end(&mut daemon).await;
    ended
}

/// git daemon for one conversation, in a process group of its own.
fn daemon(place: &Place) -> Command {
    let mut daemon = clean_room::program(place, "git");
    daemon.args(["daemon", "--inetd", "--informative-errors", "--export-all"]);
    daemon.arg("--enable=receive-pack");
    let mut base = std::ffi::OsString::from("--base-path=");
    base.push(&place.mirrors);
    let mut hook = std::ffi::OsString::from("--access-hook=");
    hook.push(place.link("access-hook"));
    daemon.arg(base).arg(hook);
    let mut daemon = Command::from(daemon);
    daemon
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    daemon
}

/// Moves octets both ways. Neither side is read while the other has not taken what came.
async fn join(
    client: &mut TcpStream,
    mut input: ChildStdin,
    mut output: ChildStdout,
    phase: Phase,
) -> io::Result<End> {
    let (mut from_client, mut to_client) = client.split();
    let pulse = Pulse::of(phase);
    let upward = async {
        let mut piece = vec![0; PIECE_OCTETS];
        let mut git_reads = true;
        // Reading goes on when git does not: it has said why, or will, and the client's end is
        // seen nowhere else.
        while let Ok(count @ 1..) = from_client.read(&mut piece).await {
            let octets = piece.get(..count).unwrap_or_default();
            pulse.beat(|phase| phase.sent(octets));
            git_reads = git_reads && write(&mut input, octets, &pulse).await.is_ok();
        }
        Ok(End::Gone)
    };
    let downward = async {
        let mut piece = vec![0; PIECE_OCTETS];
        loop {
            let count = output.read(&mut piece).await?;
            if count == 0 {
                return Ok(End::Served);
            }
            pulse.beat(Phase::answered);
            let octets = piece.get(..count).unwrap_or_default();
            if write(&mut to_client, octets, &pulse).await.is_err() {
                return Ok(End::Gone);
            }
        }
    };
    tokio::select! {
        // What git said last is told, whoever went first.
        biased;
        ended = downward => ended,
        ended = upward => ended,
        () = pulse.stops() => Ok(End::Quiet),
    }
}

async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    mut octets: &[u8],
    pulse: &Pulse,
) -> io::Result<()> {
    while !octets.is_empty() {
        let count = to.write(octets).await?;
        octets = octets.get(count..).unwrap_or_default();
        pulse.beat(|_phase| ());
    }
    Ok(())
}

/// Ends a git daemon and all that it started: asked first, for git takes its quarantine away.
async fn end(daemon: &mut Child) {
    let group = daemon.id().and_then(|id| i32::try_from(id).ok());
    let Some(group) = group.and_then(Pid::from_raw) else {
        return;
    };
    // The group may be gone by now, which is what is wanted.
    let _ = kill_process_group(group, Signal::TERM);
    let gone = async {
        let _status = daemon.wait().await;
        while test_kill_process_group(group).is_ok() {
            // Nobody tells of the end of a grandchild.
            tokio::time::sleep(END_LOOK).await;
        }
    };
    if timeout(END_GRACE, gone).await.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
        let _status = daemon.wait().await;
    }
}
