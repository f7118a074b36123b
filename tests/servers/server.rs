//! A real server of others' making, run as a child with nothing but its own folder, that
//! counts what it serves: a line a request, `<status> <octets of body> <request line>`.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::origin::Origin;
use harness::process::{GUARD, Tap, pid_of, wait_for_exit};
use harness::{require, test_programs};
use rustix::process::{Signal, kill_process};
use tempfile::TempDir;

/// A port that was free may be taken before the server has it.
const TRIES: usize = 5;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Apache,
    Node,
    Python,
}

/// Every one of them.
pub(crate) const KINDS: [Kind; 5] = [
    Kind::Nginx,
    Kind::Haproxy,
    Kind::Apache,
    Kind::Node,
    Kind::Python,
];

impl Kind {
    /// The route that leads to it, as long as the one that the corpus has.
    pub(crate) fn route(self) -> &'static str {
        match self {
            Kind::Nginx => "/ngx/",
            Kind::Haproxy => "/hap/",
            Kind::Apache => "/apa/",
            Kind::Node => "/nod/",
            Kind::Python => "/pyt/",
        }
    }

    /// Where its program is, or a skip told under the name of `test`.
    fn program(self, test: &str) -> Option<PathBuf> {
        match self {
            Kind::Nginx => require::program(test, "nginx"),
            Kind::Haproxy => require::program(test, "haproxy"),
            Kind::Apache => require::program(test, "apache2"),
            Kind::Node => require::program(test, "node"),
            Kind::Python => test_programs::interpreter(test),
        }
    }

    /// Does it take port 0, and tell on its first line which one it got?
    fn tells_its_port(self) -> bool {
        matches!(self, Kind::Node | Kind::Python)
    }

    /// What it is run with, in `folder`.
    fn arguments(self, folder: &Path, echo: &Origin) -> Vec<String> {
        let [one, inner] = [free_port(), free_port()];
        let put = |name: &str, text: &str| {
            let text = text
                .replace("@FOLDER@", &folder.display().to_string())
                .replace("@MODULES@", "/usr/lib/apache2/modules")
                .replace("@USER@", user())
                .replace("@PORT@", &one.to_string())
                .replace("@ECHO@", &echo.address().to_string())
                .replace("@INNER@", &inner.to_string());
            let path = folder.join(name);
            fs::write(&path, text).expect("a file in the folder");
            path.display().to_string()
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Kind::Nginx => {
                let file = put("nginx.conf", include_str!("programs/nginx.conf"));
                words(&["-c", &file])
            }
            Kind::Haproxy => {
                let file = put("haproxy.cfg", include_str!("programs/haproxy.cfg"));
                words(&["-db", "-f", &file])
            }
            Kind::Apache => {
                put("apache.lua", include_str!("programs/apache.lua"));
                let file = put("apache.conf", include_str!("programs/apache.conf"));
                words(&["-X", "-f", &file])
            }
            Kind::Node => vec![put("node.cjs", include_str!("programs/node.cjs"))],
            Kind::Python => vec![put("python.py", include_str!("programs/python.py"))],
        }
    }
}

/// Apache does not serve as root, and takes no other user's name unless it is root.
fn user() -> &'static str {
    match rustix::process::geteuid().is_root() {
        true => "User #65534\nGroup #65534",
        false => "",
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
    listener.local_addr().expect("a bound address").port()
}

/// A request that a server has served, or what the proxy says that it forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Octets of its body, the framing removed.
    pub(crate) length: u64,
}

impl Served {
    /// A request with a body of so many octets.
    pub(crate) fn new(method: &str, target: &str, length: u64) -> Served {
        Served {
            method: method.to_owned(),
            target: target.to_owned(),
            length,
        }
    }

    /// What every server here answers it with.
    pub(crate) fn echo(&self) -> String {
        format!("{} {} {}\n", self.method, self.target, self.length)
    }
}

/// A running server; dropping it ends it.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    child: Child,
    lines: Tap,
    complaints: Tap,
    folder: TempDir,
    /// What stands behind a server that can't answer by itself.
    _echo: Origin,
}

impl Server {
    /// Starts it, or tells under the name of `test` that it is not here.
    pub(crate) fn start(kind: Kind, test: &str) -> Option<Server> {
        let program = kind.program(test)?;
        let mut complaints = String::new();
        for _ in 0..TRIES {
            match Server::try_start(kind, &program) {
                Ok(server) => return Some(server),
                Err(said) => complaints += &said,
            }
        }
        panic!("{kind:?} does not start: {complaints}");
    }

    fn try_start(kind: Kind, program: &Path) -> Result<Server, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let all = Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), all).expect("a folder for all");
        let echo = Origin::start(None, |request, answer| {
            let length = request.body.len() as u64;
            let served = Served::new(&request.method, &request.target, length);
            answer.whole("200 OK", &[], served.echo().as_bytes())
        });
        let arguments = kind.arguments(folder.path(), &echo);
        let mut command = Command::new(program);
        command.env_clear().current_dir(folder.path());
        command.args(arguments).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a program that can be run");
        let mut server = Server {
            kind,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            lines: Tap::on(child.stdout.take().expect("a piped standard output")),
            complaints: Tap::on(child.stderr.take().expect("a piped standard error")),
            child,
            folder,
            _echo: echo,
        };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let port = match self.kind.tells_its_port() {
            true => self.lines.wait("port", |lines| told_port(lines.first()?)),
            false => configured_port(self.folder.path()),
        };
        let port = port.ok_or_else(|| self.complaints.text())?;
        self.address.set_port(port);
        let deadline = Instant::now() + GUARD;
        while TcpStream::connect(self.address).is_err() {
            let ended = wait_for_exit(&mut self.child, Duration::from_millis(2)).is_some();
            if ended || Instant::now() > deadline {
                return Err(self.complaints.text());
            }
        }
        // Whoever listens may be another that took the port.
        let ended = self.child.try_wait().expect("a child").is_some();
        if ended {
            Err(self.complaints.text())
        } else {
            Ok(())
        }
    }

    /// How many lines it has written.
    pub(crate) fn count(&self) -> usize {
        self.lines.lines().len()
    }

    /// Waits until it has served a request whose target ends in `token` and so many in
    /// all, and gives what it has served behind line `from`, and how many lines that are.
    pub(crate) fn served(&self, from: usize, count: usize, token: &str) -> (Vec<Served>, usize) {
        let wanted = format!("{:?}: {count} requests and {token}", self.kind);
        let found = self.lines.wait(&wanted, |lines| {
            let lines = lines.get(from..)?;
            let served = lines.iter().filter_map(|line| served_of(line));
            let served: Vec<Served> = served.collect();
            let last = served.iter().any(|one| one.target.ends_with(token));
            (last && served.len() >= count).then_some((served, lines.len()))
        });
        found.unwrap_or_else(|| panic!("{:?} ended: {}", self.kind, self.complaints.text()))
    }

    /// The lines of messages that it found faulty.
    pub(crate) fn faults(&self) -> Vec<String> {
        let lines = self.lines.lines().into_iter();
        lines
            .filter(|line| told_port(line).is_none() && served_of(line).is_none())
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = kill_process(pid_of(&self.child), Signal::TERM);
        if wait_for_exit(&mut self.child, Duration::from_secs(2)).is_none() {
            let _gone = (self.child.kill(), self.child.wait());
        }
        if std::thread::panicking() {
            let (said, complained) = (self.lines.text(), self.complaints.text());
            let tail: Vec<&str> = said.lines().rev().take(20).collect();
            eprintln!("{:?} said last: {tail:#?}\n{complained}", self.kind);
        }
    }
}

fn told_port(line: &str) -> Option<u16> {
    line.strip_prefix("port ")?.parse().ok()
}

/// The port that the file in this folder gives.
fn configured_port(folder: &Path) -> Option<u16> {
    let files = ["nginx.conf", "haproxy.cfg", "apache.conf"];
    let text = files
        .iter()
        .find_map(|name| fs::read_to_string(folder.join(name)).ok())?;
    let at = text.find("127.0.0.1:")? + "127.0.0.1:".len();
    let end = text[at..].find(|c: char| !c.is_ascii_digit())?;
    text[at..at + end].parse().ok()
}

fn served_of(line: &str) -> Option<Served> {
    let mut words = line.split(' ');
    if words.next()? != "200" {
        return None;
    }
    let length = words.next()?.parse().ok()?;
    Some(Served::new(words.next()?, words.next()?, length))
}
