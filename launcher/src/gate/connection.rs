//! One connection, from its first line to its end.
//!
//! ```text
//! first line ─▶ request ─▶ git daemon ─▶ relay ─▶ end of git ─▶ linger
//!          └───── refused: a sentence for the client ─────────────┘
//! ```

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::clean_room;
use super::group::Group;
use super::limits::{REQUEST_OCTETS, Times};
use super::log::log;
use super::oversize::Oversize;
use super::place::Place;
use super::pushes::Pushes;
use super::relay::{Ending, relay};
use super::request::{LENGTH_OCTETS, Refused, Request, Service, error_line, payload_octets};
use super::silence::Silence;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) place: Place,
    /// The names of the repositories.
    pub(super) repositories: Vec<String>,
    /// How many MiB a push to each of them may have.
    pub(super) max_push_mib: BTreeMap<String, u32>,
    pub(super) pushes: Pushes,
    pub(super) times: Times,
}

/// Serves it. When the gate ends, so does git.
pub(super) async fn serve(
    mut client: TcpStream,
    gate: &Gate,
    mut gate_ends: watch::Receiver<bool>,
) {
    let request = tokio::select! {
        request = timeout(gate.times.request, request(&mut client, &gate.repositories)) => request,
        () = ended(&mut gate_ends) => return,
    };
    let request = match request {
        Ok(Ok(Ok(request))) => request,
        Ok(Ok(Err(refused))) => return refuse(client, gate, &refused.to_string()).await,
        // Nobody: a health check looks whether we are there.
        Ok(Err(_)) => return,
        Err(_) => {
            let seconds = gate.times.request.as_secs();
            return refuse(client, gate, &format!("no request came within {seconds} s")).await;
        }
    };
    let mirror = gate.place.mirror(&request.repository);
    let _push = gate.pushes.begin(&request, mirror);
    let (group, mut git) = match git_daemon(&gate.place, &request).await {
        Ok(started) => started,
        Err(error) => {
            return refuse(
                client,
                gate,
                &format!("git daemon could not be started: {error}"),
            )
            .await;
        }
    };
    let mut silence = Silence::new(request.service, gate.times, Instant::now());
    let ending = tokio::select! {
        ending = relay(&mut client, &mut git, &mut silence, oversize(gate, &request)) => ending,
        () = ended(&mut gate_ends) => return group.end(gate.times.grace).await,
    };
    // The client sees its end when git has cleared away what it left.
    group.end(gate.times.grace).await;
    let Request {
        service,
        repository,
        ..
    } = &request;
    match ending {
        Ending::Served => linger(client, gate).await,
        Ending::ClientLeft => {}
        Ending::Refused(reason) => {
            log(&format_args!("{repository}: {service} refused: {reason}"));
            linger(client, gate).await;
        }
        Ending::TooSilent(reason) if silence.is_unanswered() => {
            refuse(client, gate, &format!("{service} ended: {reason}")).await;
        }
        Ending::TooSilent(reason) => log(&format_args!("{repository}: {service} ended: {reason}")),
    }
}

/// What watches the size of a push; nothing does that of a fetch.
fn oversize(gate: &Gate, request: &Request) -> Option<Oversize> {
    let most = gate.max_push_mib.get(&request.repository)?;
    match request.service {
        Service::UploadPack => None,
        Service::ReceivePack => Some(Oversize::of(&request.repository, *most)),
    }
}

/// Waits for the end of the gate.
async fn ended(gate_ends: &mut watch::Receiver<bool>) {
    // No sender is no gate either.
    let _ = gate_ends.wait_for(|ends| *ends).await;
}

/// Tells the client why it is not served, so that its git shows it.
pub(super) async fn refuse(mut client: TcpStream, gate: &Gate, reason: &str) {
    log(&format_args!("refused: {reason}"));
    let told = timeout(gate.times.linger, client.write_all(&error_line(reason))).await;
    if let Ok(Ok(())) = told {
        linger(client, gate).await;
    }
}

/// Reads and drops what the client still sends: a connection that is closed before that is
/// reset, and the last words are lost with it.
async fn linger(mut client: TcpStream, gate: &Gate) {
    let mut dropped = [0; 4096];
    let until_it_left = async {
        client.shutdown().await?;
        while client.read(&mut dropped).await? > 0 {}
        io::Result::Ok(())
    };
    // A client that does not go is left.
    let _ = timeout(gate.times.linger, until_it_left).await;
}

/// Reads the first line, and not an octet more.
async fn request(
    client: &mut (impl AsyncRead + Unpin),
    repositories: &[String],
) -> io::Result<Result<Request, Refused>> {
    let mut length = [0; LENGTH_OCTETS];
    client.read_exact(&mut length).await?;
    let octets = match payload_octets(length) {
        Some(octets) if octets <= REQUEST_OCTETS => octets,
        Some(_) | None => return Ok(Err(Refused::NoRequest)),
    };
    let mut payload = vec![0; octets];
    client.read_exact(&mut payload).await?;
    Ok(Request::parse(&payload, repositories))
}

/// Starts git for one request. Both its ends are one socket, as those of an inetd's program.
async fn git_daemon(place: &Place, request: &Request) -> io::Result<(Group, UnixStream)> {
    let (ours, its) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut ours = UnixStream::from_std(ours)?;
    let (its_input, its_output) = (OwnedFd::from(its.try_clone()?), OwnedFd::from(its));

    let mut command = daemon_command(place, &request.repository);
    command
        .stdin(its_input)
        .stdout(its_output)
        .stderr(Stdio::null());
    let group = Group::spawn(&mut command)?;
    // With the command goes our copy of its ends: what we read then ends when git does.
    drop(command);
    ours.write_all(&request.encode()).await?;
    Ok((group, ours))
}

fn daemon_command(place: &Place, repository: &str) -> Command {
    let option = |name: &str, path: std::path::PathBuf| {
        let mut option = std::ffi::OsString::from(name);
        option.push(path);
        option
    };
    let mut command = clean_room::program(place, "git");
    command.args(["daemon", "--inetd", "--log-destination=none"]);
    // Without it the client is told of access-hook's reasons that it has no access.
    command.arg("--informative-errors");
    command.args(["--export-all", "--enable=receive-pack", "--strict-paths"]);
    command.arg(option("--base-path=", place.mirrors.clone()));
    command.arg(option("--access-hook=", place.link("access-hook")));
    // The only path that it serves.
    command
        .arg(place.mirror(repository))
        .current_dir(&place.mirrors);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_first_line_is_read_up_to_its_limit_and_not_an_octet_more() {
        let names = ["app".to_owned()];
        let line = |octets: usize| {
            let payload = format!("{:x<octets$}", "git-upload-pack /app.git\0host=");
            format!("{:04x}{payload}behind", LENGTH_OCTETS + octets)
        };
        let at_most = line(REQUEST_OCTETS);
        let mut octets = at_most.as_bytes();
        let read = request(&mut octets, &names).await.expect("it came");
        assert_eq!(read.expect("a request").repository, "app");
        assert_eq!(octets, b"behind");
        let longer = line(REQUEST_OCTETS + 1);
        let read = request(&mut longer.as_bytes(), &names).await;
        assert_eq!(read.expect("its length came"), Err(Refused::NoRequest));
    }
}
