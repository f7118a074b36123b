//! The tour: what an agent finds in a bottle that wants the token, or a way out.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, ipproto};

use super::call::Caller;
use super::search;
use super::transcript::Transcript;
use super::{ROUTE, mark};

/// The credential that the agent brings; the service must never see it.
const SMUGGLED: &str = "made-up-by-the-agent";

/// Events of the service's stream.
const EVENTS: usize = 4;

/// A connection that is not refused at once is not given more.
const PATIENCE: Duration = Duration::from_secs(2);

/// What there is outside, to be tried from inside.
#[derive(Clone, Debug)]
pub struct Sights {
    /// Where the service listens on the host. The tour was told that a connection from
    /// outside the bottle succeeds.
    pub service: SocketAddr,
    /// The user's home on the host.
    pub home: PathBuf,
}

/// Takes the tour and prints a transcript on standard output. Gives whether all of it held.
///
/// # Errors
///
/// The proxy does not answer.
pub fn take(sights: &Sights) -> io::Result<bool> {
    let mut transcript = Transcript::default();
    let mut caller = Caller::default();
    transcript.say("This is an agent in a bottle. The service it works with wants a token.");
    who_it_is(&mut transcript);
    looks_for_the_token(&mut transcript);
    tries_to_get_out(&mut transcript, sights);
    works(&mut transcript, &mut caller)?;
    is_refused(&mut transcript, &mut caller)?;
    transcript.scene("A search of everything that it received");
    let length = caller.received().len();
    transcript.say(&format!("  {length} octets"));
    let clean = !caller.received().contains(&mark()) && !caller.received().contains(SMUGGLED);
    transcript.check("neither the token nor what it brought is among them", clean);
    Ok(transcript.end())
}

fn who_it_is(transcript: &mut Transcript) {
    transcript.scene("What it has");
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let names: Vec<String> = std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    transcript.say(&format!("  variables: {}", names.join(", ")));
    let user = rustix::process::getuid().as_raw();
    transcript.check(&format!("it is user {user}, not root"), user != 0);
    let none = "0000000000000000";
    let powerless = ["CapEff:", "CapPrm:", "CapBnd:"]
        .map(&field)
        .iter()
        .all(|set| set == none);
    let powerless = powerless && field("NoNewPrivs:") == "1";
    transcript.check(
        "it has no capability, and no program can give it one",
        powerless,
    );
    let devices = fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let devices: Vec<&str> = devices
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim()))
        .collect();
    let said = format!(
        "its network is loopback and nothing else ({})",
        devices.join(", ")
    );
    transcript.check(&said, devices == ["lo"]);
}

fn looks_for_the_token(transcript: &mut Transcript) {
    transcript.scene("It looks for the token");
    let mut check = |what: &str, found: &search::Found| {
        let said = format!("not in {what} ({} looked at)", found.looked_at);
        transcript.check(&said, found.looked_at > 0 && found.places.is_empty());
    };
    let what = "environment or arguments of any process that it sees";
    check(what, &search::processes(&mark()));
    check("any file that it can read", &search::files(&mark()));
}

fn tries_to_get_out(transcript: &mut Transcript, sights: &Sights) {
    transcript.scene("It tries to get out");
    let mut fails = |what: &str, tried: io::Result<()>| {
        let why = tried.as_ref().err().map(io::Error::to_string);
        let why = why.unwrap_or_else(|| "it succeeded".to_owned());
        transcript.check(&format!("{what}: {why}"), tried.is_err());
    };
    let service = sights.service;
    let straight = TcpStream::connect_timeout(&service, PATIENCE);
    fails(
        &format!("straight to the service at {service}"),
        straight.map(drop),
    );
    let named = ("service.invalid", 443).to_socket_addrs();
    fails("a name that only a resolver outside knows", named.map(drop));
    let raw = rustix::net::socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP));
    fails("a raw socket", raw.map(drop).map_err(io::Error::from));
    let home = &sights.home;
    fails(
        &format!("the user's home {}", home.display()),
        fs::read_dir(home).map(drop),
    );
    for socket in ["/run/docker.sock", "/var/run/docker.sock"] {
        let connected = std::os::unix::net::UnixStream::connect(socket);
        fails(&format!("the Docker socket {socket}"), connected.map(drop));
    }
    fails(
        "a file in /usr",
        File::create("/usr/bin/bottle-tour").map(drop),
    );
    let setting = fs::OpenOptions::new()
        .write(true)
        .open("/proc/sys/kernel/core_pattern");
    fails("a setting of the kernel", setting.map(drop));
    let flags = rustix::mount::MountFlags::BIND;
    let mounted = rustix::mount::mount("/usr", "/tmp", "", flags, None);
    fails("a mount of its own", mounted.map_err(io::Error::from));
}

fn works(transcript: &mut Transcript, caller: &mut Caller) -> io::Result<()> {
    transcript.scene("It works: a call, with a credential that it brought along");
    let smuggled = format!("Authorization: Bearer {SMUGGLED}\r\nx-api-key: {SMUGGLED}\r\n");
    let status = caller.call("GET", &format!("{ROUTE}hello"), &smuggled, transcript)?;
    transcript.check(
        "the service knew its own token, so the proxy put it in",
        status == 200,
    );
    transcript.scene("A live event stream: each is sent once the one before has arrived");
    let seen = caller.stream(transcript)?;
    transcript.check("every event came by itself", seen == EVENTS);
    Ok(())
}

fn is_refused(transcript: &mut Transcript, caller: &mut Caller) -> io::Result<()> {
    transcript.scene("What the proxy refuses");
    let push = format!("{ROUTE}me/app.git/info/refs?service=git-receive-pack");
    let status = caller.call("GET", &push, "", transcript)?;
    transcript.check("a push over HTTPS", status == 403);
    let status = caller.call("GET", "/elsewhere/", "", transcript)?;
    transcript.check("a path that no route has", status == 404);
    Ok(())
}
