//! Starting the peers, each in a folder of its own, at a port that the kernel picks.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::peer::Peer;
use super::settings::{self, Setup, TOKEN, TOKEN_ENV};

/// How long a peer may take until it listens.
const START_TIME: Duration = Duration::from_secs(10);

/// Where the executables are; none for what is not installed.
pub struct Programs {
    /// cred-proxy, built for a user: `--release`, without the demo.
    pub cred_proxy: PathBuf,
    relay: PathBuf,
    hyper: PathBuf,
    nginx: Option<PathBuf>,
    haproxy: Option<PathBuf>,
}

impl Programs {
    /// Builds `cred-proxy` and looks for the others.
    pub fn find(relay: &str, hyper: &str) -> Programs {
        Programs {
            cred_proxy: build_cred_proxy(),
            relay: relay.into(),
            hyper: hyper.into(),
            nginx: on_path("nginx"),
            haproxy: on_path("haproxy"),
        }
    }

    /// What a peer calls itself, if it is another's program.
    pub fn version(&self, peer: Peer) -> Option<String> {
        let program = match peer {
            Peer::Nginx => self.nginx.as_deref()?,
            Peer::Haproxy => self.haproxy.as_deref()?,
            Peer::CredProxy | Peer::Relay | Peer::Hyper | Peer::Direct => return None,
        };
        let output = Command::new(program).arg("-v").output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let digits = text
            .split([' ', '/', '\n', '-'])
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        digits.map(|version| format!("{} {}", peer.name(), version.trim()))
    }

    /// Starts a peer and waits until it listens.
    ///
    /// # Errors
    /// Why there is no such peer here, in a sentence.
    pub fn start(&self, peer: Peer, setup: &Setup<'_>) -> Result<Running, String> {
        if peer == Peer::Direct {
            return Ok(Running::direct(setup));
        }
        let folder = tempfile::tempdir().expect("a folder");
        let listen = free_address();
        let mut command = self.command(peer, setup, listen, folder.path())?;
        let log = folder.path().join("log");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"));
        let began = Instant::now();
        let mut child = command
            .spawn()
            .map_err(|error| format!("can't be run: {error}"))?;
        while let Err(error) = TcpStream::connect(listen) {
            let ended = child.try_wait().expect("a child").is_some();
            if ended || began.elapsed() > START_TIME {
                let _ = child.kill();
                let _ = child.wait();
                let log = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("did not start ({error}): {}", log.trim()));
            }
            thread::sleep(Duration::from_micros(50));
        }
        Ok(Running {
            peer,
            listen,
            prefix: setup.prefix(),
            start_time: began.elapsed(),
            child: Some(child),
            _folder: Some(folder),
        })
    }

    fn command(
        &self,
        peer: Peer,
        setup: &Setup<'_>,
        listen: SocketAddr,
        folder: &Path,
    ) -> Result<Command, String> {
        let put = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).expect("a file");
            path
        };
        let missing = || format!("{} is not installed", peer.name());
        let mut command;
        match peer {
            Peer::CredProxy => {
                command = clean(&self.cred_proxy);
                command
                    .arg("--routes")
                    .arg(put("routes.json", settings::cred_proxy(setup)));
                command.args(["--bind", &listen.ip().to_string()]);
                command.args(["--port", &listen.port().to_string()]);
                command.args(["--threads", "1", "--log", "off"]);
                command.args(["--limit-connections", &setup.connections.to_string()]);
                command.env(TOKEN_ENV, TOKEN);
                if let Some(file) = setup.authority {
                    command.env("SSL_CERT_FILE", file);
                }
            }
            Peer::Relay | Peer::Hyper => {
                let plain = [listen, setup.upstream].map(|address| address.to_string());
                command = clean(if peer == Peer::Relay {
                    &self.relay
                } else {
                    &self.hyper
                });
                command.args(plain);
            }
            Peer::Nginx => {
                command = clean(self.nginx.as_deref().ok_or_else(missing)?);
                let text = settings::nginx(setup, listen, folder);
                command.arg("-c").arg(put("nginx.conf", text));
                command.arg("-p").arg(folder).args(["-e", "stderr"]);
            }
            Peer::Haproxy => {
                command = clean(self.haproxy.as_deref().ok_or_else(missing)?);
                put("routes.map", settings::haproxy_map(setup));
                let text = settings::haproxy(setup, listen, folder);
                command.arg("-db").arg("-f").arg(put("haproxy.cfg", text));
            }
            Peer::Direct => return Err("no proxy, hence no process".to_owned()),
        }
        Ok(command)
    }
}

/// Nothing of our own environment, such as a proxy to go through.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command
}

/// A peer at work. Dropping it ends the process.
pub struct Running {
    /// Which one.
    pub peer: Peer,
    /// Where it listens.
    pub listen: SocketAddr,
    /// What the paths of its requests begin with.
    pub prefix: String,
    /// From exec to the first connection that was accepted.
    pub start_time: Duration,
    child: Option<Child>,
    _folder: Option<TempDir>,
}

impl Running {
    /// No proxy, but the origin itself.
    pub fn direct(setup: &Setup<'_>) -> Running {
        Running {
            peer: Peer::Direct,
            listen: setup.upstream,
            prefix: "/".to_owned(),
            start_time: Duration::ZERO,
            child: None,
            _folder: None,
        }
    }

    /// The process; none where there is no proxy.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that is free now. Another program may take it first; then the peer does not start,
/// and that is told.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a free port")
}

/// Servers lie in `sbin`, which is not on every user's path.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [path, OsString::from("/usr/local/sbin:/usr/sbin")].join(&OsString::from(":"));
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn build_cred_proxy() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["build", "--release", "-p", "engine", "--bin", "cred-proxy"])
        .args(["--no-default-features"])
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error: io::Error| panic!("cargo can't be run: {error}"));
    assert!(output.status.success(), "cred-proxy was not built");
    let messages = String::from_utf8(output.stdout).expect("JSON");
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "cred-proxy")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable")
}
