//! An upstream as a team has one: a real `sshd` with repositories behind it, on loopback.
//!
//! The listener is the test's own and hands each connection to an `sshd -i`, so no port has
//! to be chosen, and what the network does (refuse, stay silent) is decided here. Whoever has
//! the key gets no shell: only git's own services, in an environment of theirs.

mod files;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::bare_repository::{BareRepository, ObjectFormat};
use crate::process::{GUARD, Tap};
use crate::require;

use files::{furnish, make_pipe};

pub use files::make_key;

/// What privilege separation asks for where `sshd` runs as root.
const EMPTY_FOLDER: &str = "/run/sshd";

/// git's services as `sshd` is asked for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitService {
    /// Somebody fetches, or lists the refs.
    UploadPack,
    /// Somebody pushes.
    ReceivePack,
}

impl GitService {
    /// The command's first word.
    pub fn command(self) -> &'static str {
        match self {
            GitService::UploadPack => "git-upload-pack",
            GitService::ReceivePack => "git-receive-pack",
        }
    }
}

/// What becomes of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// They are served.
    Serve,
    /// They are accepted, and nothing is ever said.
    Silent,
}

/// A running upstream; it and all it started are gone when it goes out of scope.
pub struct Sshd {
    folder: TempDir,
    program: PathBuf,
    user: String,
    address: SocketAddr,
    /// Holds the port while nothing listens there.
    _place: Socket,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    commands: Tap,
    _commands_stay_open: File,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    manner: Manner,
    is_stopping: bool,
    shows_another_key: bool,
    accepted: usize,
    open: Vec<(usize, TcpStream)>,
}

/// git's services stand still until this is dropped.
pub struct Hold<'a> {
    path: PathBuf,
    sshd: &'a Sshd,
}

impl Sshd {
    /// Starts one on loopback, or tells a skip under the name of `test`.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn start(test: &str) -> Option<Sshd> {
        Sshd::start_at(test, Ipv4Addr::LOCALHOST.into())
    }

    /// Starts one at an address of this machine, or tells a skip under the name of `test`.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn start_at(test: &str, address: IpAddr) -> Option<Sshd> {
        let program = require::program(test, "sshd")?;
        for needed in ["ssh", "ssh-keygen", "git", "git-shell"] {
            require::program(test, needed)?;
        }
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all(EMPTY_FOLDER).expect("a folder of sshd's");
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (commands, commands_stay_open) = furnish(folder.path());
        let (place, listener) = listener(address);
        let mut sshd = Sshd {
            program,
            user: said_by("id", &["-un"]),
            address: listener.local_addr().expect("an address"),
            _place: place,
            shared: Arc::new(Shared::new()),
            acceptor: None,
            commands,
            _commands_stay_open: commands_stay_open,
            folder,
        };
        sshd.accept(listener);
        Some(sshd)
    }

    fn accept(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        let (program, folder) = (self.program.clone(), self.folder.path().to_owned());
        self.acceptor = Some(thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.state().is_stopping {
                    return;
                }
                shared.begin(stream, &program, &folder);
            }
        }));
    }

    /// The address of a repository here, for git.
    pub fn url(&self, repository: &BareRepository) -> String {
        let (user, address) = (&self.user, self.address);
        format!("ssh://{user}@{address}{}", repository.folder().display())
    }

    /// Makes an empty bare repository that is served; `HEAD` is `refs/heads/main`.
    ///
    /// # Panics
    /// When git fails.
    pub fn repository(&self, name: &str, format: ObjectFormat) -> BareRepository {
        let folder = self.folder.path().join(format!("{name}.git"));
        BareRepository::init(folder, format)
    }

    /// The private key that is let in.
    pub fn identity(&self) -> PathBuf {
        self.folder.path().join("identity")
    }

    /// A private key that is not.
    pub fn strange_identity(&self) -> PathBuf {
        self.folder.path().join("stranger")
    }

    /// The public key of the host, its kind and value.
    pub fn host_key(&self) -> String {
        self.public_key("host_key.pub")
    }

    /// The key that it has once it [shows another](Self::show_another_key).
    pub fn other_host_key(&self) -> String {
        self.public_key("other_host_key.pub")
    }

    fn public_key(&self, name: &str) -> String {
        let line = fs::read_to_string(self.folder.path().join(name)).expect("a public key");
        let words: Vec<&str> = line.split(' ').take(2).collect();
        words.join(" ")
    }

    /// What `known_hosts` says of it, if `key` is its key.
    pub fn known_hosts(&self, key: &str) -> String {
        let address = self.address;
        format!("[{}]:{} {key}\n", address.ip(), address.port())
    }

    /// The commands that clients have asked for so far: `git-upload-pack '/…'` and the like.
    pub fn commands(&self) -> Vec<String> {
        self.commands.lines()
    }

    /// How many commands of this service clients have asked for so far.
    pub fn asked(&self, service: GitService) -> usize {
        let commands = self.commands();
        let of_service = |line: &&String| line.starts_with(service.command());
        commands.iter().filter(of_service).count()
    }

    /// Waits until clients have asked for `count` commands of this service, ever.
    ///
    /// # Panics
    /// When they do not.
    pub fn wait_for_commands(&self, service: GitService, count: usize) {
        let enough = |lines: &[String]| {
            let asked = lines
                .iter()
                .filter(|line| line.starts_with(service.command()));
            (asked.count() >= count).then_some(())
        };
        let waited = self.commands.wait("command of a client", enough);
        waited.expect("the list of commands has no end");
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.state().accepted
    }

    /// From now on each new command of that service stands still before its first octet, until
    /// what this gives is dropped. That it was asked for is told at once.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn hold(&self, service: GitService) -> Hold<'_> {
        let path = self
            .folder
            .path()
            .join(format!("hold-{}", service.command()));
        make_pipe(&path);
        Hold { path, sshd: self }
    }

    /// From now on it shows another host key, as an impostor would.
    pub fn show_another_key(&self) {
        self.shared.state().shows_another_key = true;
    }

    /// From now on connections are accepted and nothing is said.
    pub fn be_silent(&self) {
        self.shared.state().manner = Manner::Silent;
    }

    /// Ends all connections; new ones are refused.
    ///
    /// # Panics
    /// When a connection does not end.
    pub fn stop(&mut self) {
        self.shared.state().is_stopping = true;
        if let Some(acceptor) = self.acceptor.take() {
            let _woken = TcpStream::connect(self.address);
            let _panicked = acceptor.join();
        }
        self.shared.end_all();
    }

    /// Listens again where it did before, and serves.
    ///
    /// # Panics
    /// When its port is taken, which cannot be.
    pub fn start_again(&mut self) {
        self.stop();
        let mut state = self.shared.state();
        (state.is_stopping, state.manner) = (false, Manner::Serve);
        drop(state);
        self.accept(listening_at(self.address));
    }

    /// What `sshd` has written to its log, for the message of a failure.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("sshd.log")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        // Whoever waits for a writer has one now; whoever comes later finds no pipe.
        let opened = File::options().read(true).write(true).open(&self.path);
        let _gone = fs::remove_file(&self.path);
        drop(opened);
        let _still_there = self.sshd;
    }
}

impl Shared {
    fn new() -> Shared {
        let state = State {
            manner: Manner::Serve,
            is_stopping: false,
            shows_another_key: false,
            accepted: 0,
            open: Vec::new(),
        };
        Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a sound lock")
    }

    fn begin(self: &Arc<Self>, stream: TcpStream, program: &Path, folder: &Path) {
        let mut state = self.state();
        let number = state.accepted;
        state.accepted += 1;
        let kept = stream.try_clone().expect("a descriptor");
        state.open.push((number, kept));
        if state.manner == Manner::Silent {
            return;
        }
        let config = if state.shows_another_key {
            "impostor_config"
        } else {
            "config"
        };
        let input: OwnedFd = stream.try_clone().expect("a descriptor").into();
        let output: OwnedFd = stream.into();
        let mut command = Command::new(program);
        command.arg("-i").arg("-f").arg(folder.join(config));
        command.arg("-E").arg(folder.join("sshd.log"));
        command
            .env_clear()
            .current_dir(folder)
            .stderr(Stdio::null());
        let mut child = command.stdin(input).stdout(output).spawn().expect("sshd");
        drop(command); // and its copies of the socket
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let _ended = child.wait();
            let mut state = shared.state();
            state.open.retain(|(other, _)| *other != number);
            shared.changed.notify_all();
        });
    }

    fn end_all(&self) {
        let mut state = self.state();
        for (_, stream) in &state.open {
            let _gone = stream.shutdown(Shutdown::Both);
        }
        if state.manner == Manner::Silent {
            state.open.clear();
        }
        let is_busy = |state: &mut State| !state.open.is_empty();
        let waited = self.changed.wait_timeout_while(state, GUARD, is_busy);
        let is_late = waited.expect("a sound lock").1.timed_out();
        assert!(!is_late || thread::panicking(), "an sshd does not end");
    }
}

/// A place at this address, and a listener there. While the place is held, nobody else gets the
/// port, though nothing may listen there.
fn listener(address: IpAddr) -> (Socket, TcpListener) {
    let place = shared_socket(SocketAddr::from((address, 0)));
    let address = place.local_addr().expect("an address").as_socket();
    (place, listening_at(address.expect("an address of IP")))
}

fn listening_at(address: SocketAddr) -> TcpListener {
    let socket = shared_socket(address);
    socket.listen(128).expect("listen");
    socket.into()
}

fn shared_socket(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_port(true).expect("SO_REUSEPORT");
    // Connections that `sshd` has closed linger there.
    socket.set_reuse_address(true).expect("SO_REUSEADDR");
    socket.bind(&address.into()).expect("bind");
    socket
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output: io::Result<_> = output;
    let octets = output.expect("a program of every Linux").stdout;
    String::from_utf8(octets).expect("UTF-8").trim().to_owned()
}
