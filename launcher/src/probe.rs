//! The probe: from inside a bottle, is what must be out of reach out of reach?
//!
//! It runs in a container of its own on the agent's network, before the agent does. It tries
//! the addresses that it is given and no other: those that are this bottle's own.

use std::fmt;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType};

/// Where a host commonly listens. Anything that answers, be it with a refusal, is reachable;
/// so one port would do where no packet filter stands, and these are tried where one does.
const COMMON_PORTS: [u16; 9] = [22, 53, 80, 111, 443, 2375, 5432, 6379, 8080];

/// A name that no one has (RFC 6761 §6.4): an answer about it was carried to a resolver.
pub const FOREIGN_NAME: &str = "probe.invalid";

/// The probe's last word where it found nothing.
pub const SEALED: &str = "sealed";

/// What a line begins with that is no breach, and that a person should know.
pub const NOTE: &str = "note: ";

/// Sockets to the machine below a virtual one are of no network, so none that is sealed holds them.
const VSOCK_OPENS: &str = "an agent can open AF_VSOCK sockets, and so reach what listens below a virtual machine; Docker 23.0 or later with its own seccomp profile denies them";

/// What the probe is told to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Questions {
    /// Where the host would stand on the agent's network.
    pub gateway: Ipv4Addr,
    /// Other addresses of the bottle that the agent must not reach, each with its port.
    pub forbidden: Vec<SocketAddr>,
    /// What the agent must reach, or the probe proves nothing: name and port.
    pub control: Option<(String, u16)>,
    /// How long it waits for a sign of life.
    pub patience: Duration,
}

/// Something that was reached and must not be, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// Something answered.
    Answered(SocketAddr, Sign),
    /// Something has this address on the network, though it took no connection.
    Present(Ipv4Addr),
    /// A foreign name was carried to a resolver.
    Resolved(&'static str, u8),
    /// The resolver is not the engine's own, but at this address.
    Resolver(IpAddr),
    /// A network device has an IPv6 address.
    Ipv6(String),
    /// What must be reached was not.
    ControlFailed(String, String),
}

/// How something answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It took the connection.
    Accepted,
    /// It refused it, and so is there.
    Refused,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::Answered(address, Sign::Accepted) => {
                write!(f, "{address} takes connections")
            }
            Breach::Answered(address, Sign::Refused) => {
                write!(f, "{address} answers (it refuses the port, so it is there)")
            }
            Breach::Present(address) => write!(f, "something stands at {address}"),
            Breach::Resolved(name, code) => {
                write!(
                    f,
                    "the name {name} was carried out to a resolver (answer code {code})"
                )
            }
            Breach::Resolver(address) => {
                write!(
                    f,
                    "names are asked for at {address}, not at the engine's own resolver"
                )
            }
            Breach::Ipv6(device) => write!(f, "the device {device} has an IPv6 address"),
            Breach::ControlFailed(name, why) => {
                write!(
                    f,
                    "{name} can't be reached, so the probe proves nothing: {why}"
                )
            }
        }
    }
}

impl Questions {
    /// Asks them all, at the same time.
    pub fn ask(&self) -> Vec<Breach> {
        let gateway = COMMON_PORTS.map(|port| SocketAddr::from((self.gateway, port)));
        let all = gateway.iter().chain(&self.forbidden).copied();
        let mut found: Vec<Breach> = std::thread::scope(|scope| {
            let tries: Vec<_> = all
                .map(|address| scope.spawn(move || knock(address, self.patience)))
                .collect();
            let name = scope.spawn(|| foreign_name(self.patience));
            let control =
                scope.spawn(|| self.control.as_ref().and_then(|c| reach(c, self.patience)));
            let tries = tries.into_iter().filter_map(|handle| handle.join().ok());
            let rest = [name, control]
                .into_iter()
                .filter_map(|handle| handle.join().ok());
            tries.chain(rest).flatten().collect()
        });
        // The kernel asked who has the address; an entry says that somebody answered.
        let neighbours = std::fs::read_to_string("/proc/net/arp").unwrap_or_default();
        if has_neighbour(&neighbours, self.gateway) && found.is_empty() {
            found.push(Breach::Present(self.gateway));
        }
        let devices = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
        found.extend(ipv6_devices(&devices).map(Breach::Ipv6));
        found
    }
}

/// Does anything answer at `address`?
fn knock(address: SocketAddr, patience: Duration) -> Option<Breach> {
    match TcpStream::connect_timeout(&address, patience) {
        Ok(_) => Some(Breach::Answered(address, Sign::Accepted)),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Some(Breach::Answered(address, Sign::Refused))
        }
        Err(_unreachable) => None,
    }
}

/// Is a name that no one has carried to a resolver?
fn foreign_name(patience: Duration) -> Option<Breach> {
    let resolver = resolver()?;
    if !resolver.is_loopback() {
        return Some(Breach::Resolver(resolver));
    }
    let code = ask_for(FOREIGN_NAME, resolver, patience).ok()?.code;
    // 0 is an answer, 3 is "no such name": both come from somebody who knows. The engine
    // itself says 2, it could not ask; or nothing.
    matches!(code, 0 | 3).then_some(Breach::Resolved(FOREIGN_NAME, code))
}

/// Is what must be reached out of reach?
fn reach((name, port): &(String, u16), patience: Duration) -> Option<Breach> {
    let failed = |why: String| Some(Breach::ControlFailed(format!("{name}:{port}"), why));
    let Some(resolver) = resolver() else {
        return failed("there is no resolver".to_owned());
    };
    let address = match ask_for(name, resolver, CONTROL_PATIENCE) {
        Ok(answer) => answer.address,
        Err(error) => return failed(error.to_string()),
    };
    let Some(address) = address else {
        return failed("its name has no address".to_owned());
    };
    let until = Instant::now() + CONTROL_PATIENCE;
    loop {
        match TcpStream::connect_timeout(&SocketAddr::from((address, *port)), patience) {
            Ok(_) => return None,
            Err(error) if Instant::now() > until => return failed(error.to_string()),
            // It may be on its way up.
            Err(_early) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// How long what must be reached may take: it is started at the same time.
const CONTROL_PATIENCE: Duration = Duration::from_secs(10);

fn resolver() -> Option<IpAddr> {
    let settings = std::fs::read_to_string("/etc/resolv.conf").ok()?;
    let mut lines = settings.lines();
    lines.find_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok())
}

struct NameAnswer {
    code: u8,
    address: Option<Ipv4Addr>,
}

/// Asks a resolver for the IPv4 address of a name (RFC 1035 §4.1).
fn ask_for(name: &str, resolver: IpAddr, patience: Duration) -> io::Result<NameAnswer> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect((resolver, 53))?;
    socket.send(&question(name))?;
    let until = Instant::now() + patience;
    let mut answer = [0_u8; 512];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::from(io::ErrorKind::TimedOut));
        }
        socket.set_read_timeout(Some(left))?;
        let length = socket.recv(&mut answer)?;
        if let Some(answer) = read_answer(&answer[..length]) {
            return Ok(answer);
        }
    }
}

/// The number by which an answer is known; one question a socket.
const QUESTION_ID: [u8; 2] = [0x62, 0x74];

fn question(name: &str) -> Vec<u8> {
    let mut octets = Vec::from(QUESTION_ID);
    // Recursion desired; one question, nothing else.
    octets.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        octets.push(u8::try_from(label.len()).unwrap_or(0));
        octets.extend(label.as_bytes());
    }
    // The root, type A, class IN.
    octets.extend([0, 0, 1, 0, 1]);
    octets
}

fn read_answer(octets: &[u8]) -> Option<NameAnswer> {
    let (id, rest) = octets.split_at_checked(2)?;
    let flags = *rest.get(1)?;
    if id != QUESTION_ID {
        return None;
    }
    let answers = u16::from_be_bytes([*octets.get(6)?, *octets.get(7)?]);
    // An A record ends with its length, 4, and the address; the last record stands last, for
    // Docker's resolver adds nothing behind it.
    let address = octets
        .last_chunk::<6>()
        .filter(|tail| answers > 0 && tail[..2] == [0, 4])
        .map(|tail| Ipv4Addr::new(tail[2], tail[3], tail[4], tail[5]));
    Some(NameAnswer {
        code: flags & 0x0f,
        address,
    })
}

/// Is there a complete entry for `address` in `/proc/net/arp`?
fn has_neighbour(table: &str, address: Ipv4Addr) -> bool {
    let address = address.to_string();
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.first() == Some(&address.as_str())
            && fields.get(2).is_some_and(|flags| *flags != "0x0")
    })
}

/// Devices with an IPv6 address, in `/proc/net/if_inet6`, but for loopback.
fn ipv6_devices(table: &str) -> impl Iterator<Item = String> {
    let devices = table
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    devices.filter(|device| *device != "lo").map(str::to_owned)
}

/// Whether a socket to the machine below, if this one is virtual, can be had. None is connected.
fn vsock_opens() -> bool {
    rustix::net::socket(AddressFamily::VSOCK, SocketType::STREAM, None).is_ok()
}

/// Asks and tells: a line a note or a breach on standard output, or that it is sealed. Gives whether there was no breach.
///
/// # Errors
///
/// Standard output's.
pub fn run(questions: &Questions) -> io::Result<bool> {
    let breaches = questions.ask();
    let mut out = io::stdout().lock();
    if vsock_opens() {
        writeln!(out, "{NOTE}{VSOCK_OPENS}")?;
    }
    for breach in &breaches {
        writeln!(out, "{breach}")?;
    }
    if breaches.is_empty() {
        writeln!(out, "{SEALED}")?;
    }
    out.flush()?;
    Ok(breaches.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const PATIENCE: Duration = Duration::from_millis(500);

    #[test]
    fn whatever_answers_is_a_breach() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let address = listener.local_addr().expect("its address");
        assert_eq!(
            knock(address, PATIENCE),
            Some(Breach::Answered(address, Sign::Accepted))
        );
        drop(listener);
        assert_eq!(
            knock(address, PATIENCE),
            Some(Breach::Answered(address, Sign::Refused))
        );
    }

    #[test]
    fn answers_of_resolvers() {
        let asked = question("cred-proxy");
        assert_eq!(&asked[12..], b"\x0acred-proxy\0\0\x01\0\x01");
        let mut answer = asked.clone();
        answer[3] = 0x80;
        answer[7] = 1;
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 2, 88, 0, 4, 172, 18, 0, 2]);
        let read = read_answer(&answer).expect("an answer");
        assert_eq!(
            (read.code, read.address),
            (0, Some(Ipv4Addr::new(172, 18, 0, 2)))
        );
        let mut none = asked.clone();
        none[3] = 0x82;
        let read = read_answer(&none).expect("an answer");
        assert_eq!((read.code, read.address), (2, None));
        assert!(read_answer(&[0, 0, 1]).is_none());
        assert!(read_answer(&asked[..5]).is_none());
    }

    #[test]
    fn neighbours_and_devices() {
        let table = "IP address HW type Flags HW address Mask Device\n\
            172.18.0.1 0x1 0x2 02:42:00:00:00:01 * eth0\n172.18.0.9 0x1 0x0 00:00:00:00:00:00 * eth0\n";
        assert!(has_neighbour(table, Ipv4Addr::new(172, 18, 0, 1)));
        assert!(!has_neighbour(table, Ipv4Addr::new(172, 18, 0, 9)));
        assert!(!has_neighbour(table, Ipv4Addr::new(172, 18, 0, 10)));
        let table = "00000000000000000000000000000001 01 80 10 80 lo\n\
            fe800000000000000000000000000001 02 40 20 80 eth0\n";
        assert_eq!(ipv6_devices(table).collect::<Vec<_>>(), ["eth0"]);
    }
}
