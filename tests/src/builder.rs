//! How the process is started: with an empty environment, in a folder of its own.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::{self, Permissions};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::cred_proxy;
use crate::flag;
use crate::leak::Leaks;
use crate::process::{Finished, GUARD, Tap, wait_for_exit};
use crate::proxy::Proxy;

/// How a proxy is to be started.
pub struct Builder {
    routes: Vec<Value>,
    routes_text: Option<String>,
    subcommand: Option<String>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    secrets: Vec<String>,
    log: Option<&'static str>,
    stdin: Option<Vec<u8>>,
    inherited: Vec<TcpListener>,
    inherited_names: Option<String>,
    descriptors: Option<usize>,
    user: Option<u32>,
    bare: bool,
    folder: TempDir,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            routes: Vec::new(),
            routes_text: None,
            subcommand: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            secrets: Vec::new(),
            log: Some("debug"),
            stdin: None,
            inherited: Vec::new(),
            inherited_names: None,
            descriptors: None,
            user: None,
            bare: false,
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }
}

impl Builder {
    /// Takes the routes file as it is, well-formed or not.
    pub fn routes(mut self, text: impl Display) -> Builder {
        self.routes_text = Some(text.to_string());
        self
    }

    /// Adds a route.
    pub fn route(mut self, route: Value) -> Builder {
        self.routes.push(route);
        self
    }

    /// Adds keys to the route that was added last.
    pub fn with(mut self, keys: Value) -> Builder {
        let route = self.routes.last_mut().and_then(Value::as_object_mut);
        let keys = keys.as_object().expect("an object of keys");
        route.expect("a route").extend(keys.clone());
        self
    }

    /// Sets a variable that holds no secret.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Builder {
        let pair = (name.as_ref().into(), value.as_ref().into());
        self.environment.push(pair);
        self
    }

    /// Sets a variable to a token that must never leak.
    pub fn token(self, name: &str, value: &str) -> Builder {
        self.env(name, value).secret(value)
    }

    /// Names a value that must never leak.
    pub fn secret(mut self, value: &str) -> Builder {
        self.secrets.push(value.to_owned());
        self
    }

    /// Adds a command line argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Builder {
        self.arguments.push(argument.as_ref().into());
        self
    }

    /// Sets a limit by its flag ([`flag`]).
    pub fn limit(self, name: &str, value: usize) -> Builder {
        self.arg(name).arg(value.to_string())
    }

    /// Sets a deadline by its flag ([`flag`]).
    pub fn deadline(self, name: &str, value: Duration) -> Builder {
        self.arg(name).arg(flag::time(value))
    }

    /// Another log level than `debug`; none at all with `""`.
    pub fn log(mut self, level: &'static str) -> Builder {
        self.log = Some(level).filter(|level| !level.is_empty());
        self
    }

    /// Writes `octets` to standard input, then closes it. Otherwise it is empty.
    pub fn stdin(mut self, octets: impl AsRef<[u8]>) -> Builder {
        self.stdin = Some(octets.as_ref().to_vec());
        self
    }

    /// Passes listening sockets as descriptors 3 and 4, by `LISTEN_FDS`.
    pub fn inherit(mut self, listeners: Vec<TcpListener>) -> Builder {
        assert!(
            (1..=2).contains(&listeners.len()),
            "one or two sockets can be passed"
        );
        self.inherited = listeners;
        self
    }

    /// Names the inherited sockets (`LISTEN_FDNAMES`).
    pub fn inherit_names(mut self, names: &str) -> Builder {
        self.inherited_names = Some(names.to_owned());
        self
    }

    /// The most descriptors that the process may have, soft and hard.
    pub fn descriptors(mut self, count: usize) -> Builder {
        self.descriptors = Some(count);
        self
    }

    /// Runs as another user, which only root can ask for.
    pub fn user(mut self, id: u32) -> Builder {
        self.user = Some(id);
        self
    }

    /// Leaves out `--routes`, `--bind`, `--port` and `--log`.
    pub fn bare(mut self) -> Builder {
        self.bare = true;
        self
    }

    /// The folder of the process, where a test may put files before the start.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder, and gives its path.
    pub fn file(&self, name: &str, octets: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, octets).expect("a file in the folder");
        path
    }

    fn routes_file(&self) -> PathBuf {
        let text = self.routes_text.clone();
        let text = text.unwrap_or_else(|| json!({ "routes": self.routes }).to_string());
        self.file("routes.json", text)
    }

    fn command(&mut self) -> Command {
        let routes = self.routes_file();
        let mut command = match self.script() {
            None => Command::new(self.executable()),
            Some(script) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &script, "sh"]).arg(self.executable());
                shell
            }
        };
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        if let Some(subcommand) = &self.subcommand {
            command.arg(subcommand);
        }
        if !self.bare {
            command.arg("--routes").arg(routes);
            if self.inherited.is_empty() {
                command.args(["--bind", "127.0.0.1", "--port", "0"]);
            }
            if let Some(level) = self.log {
                command.args(["--log", level]);
            }
        }
        command
            .current_dir(self.folder.path())
            .args(&self.arguments)
            .envs(self.environment.iter().cloned());
        if self.inherited.is_empty() {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        } else {
            let mut sockets = self.inherited.drain(..).map(OwnedFd::from);
            command.stdin(sockets.next().expect("one socket"));
            match sockets.next() {
                Some(second) => command.stdout(second),
                None => command.stdout(Stdio::null()),
            };
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command.stderr(Stdio::piped());
        command
    }

    /// Another user may not reach the build folder, so gets a copy; by a program of its
    /// own, for a descriptor of ours that writes to it could be inherited by a child that
    /// another test starts just then.
    fn executable(&self) -> PathBuf {
        if self.user.is_none() {
            return cred_proxy().to_owned();
        }
        let copy = self.folder.path().join("cred-proxy");
        let status = Command::new("cp").arg(cred_proxy()).arg(&copy).status();
        assert!(status.expect("cp runs").success(), "a copy");
        let all = Permissions::from_mode(0o755);
        fs::set_permissions(self.folder.path(), all).expect("a folder for all");
        copy
    }

    /// What only a shell can do before it becomes the process: set the limit of
    /// descriptors, and move its standard streams, which are the sockets, to where
    /// `LISTEN_FDS` has them.
    fn script(&self) -> Option<String> {
        let limit = match self.descriptors {
            Some(count) => format!("ulimit -n {count}; "),
            None if self.inherited.is_empty() => return None,
            None => String::new(),
        };
        if self.inherited.is_empty() {
            return Some(format!("{limit}exec \"$@\""));
        }
        let count = self.inherited.len();
        let second = if count == 2 { "4<&1" } else { "" };
        let names = match &self.inherited_names {
            Some(names) => format!("LISTEN_FDNAMES={names}"),
            None => String::new(),
        };
        Some(format!(
            "{limit}LISTEN_PID=$$ LISTEN_FDS={count} {names} \\
             exec \"$@\" 3<&0 {second} 0</dev/null 1>/dev/null"
        ))
    }

    fn spawn(&mut self) -> Child {
        let mut child = self.command().spawn().expect("cred-proxy starts");
        if let Some(mut stdin) = child.stdin.take() {
            // A process that ends before it has read is reported by its exit.
            let _ = stdin.write_all(self.stdin.as_deref().unwrap_or_default());
        }
        child
    }

    /// Starts the process and waits for the boot line.
    pub fn start(self) -> Proxy {
        match self.try_start() {
            Ok(proxy) => proxy,
            Err(finished) => panic!("cred-proxy ended at once: {finished:?}"),
        }
    }

    /// Starts the process; gives what it left behind if it ends before the boot line.
    pub fn try_start(mut self) -> Result<Proxy, Finished> {
        let mut child = self.spawn();
        let mut outputs = vec![Tap::on(child.stderr.take().expect("piped"))];
        outputs.extend(child.stdout.take().map(Tap::on));
        let routes = fs::read_to_string(self.folder.path().join("routes.json"));
        let routes = routes.unwrap_or_default();
        let booted = outputs[0].wait("boot line", |lines| boot_line(lines, &routes));
        let leaks = Leaks::of(&self.secrets);
        match booted {
            None => Err(finish(&mut child, &mut outputs, &leaks)),
            Some(boot) => Ok(Proxy::running(child, boot, outputs, leaks, self.folder)),
        }
    }

    /// Runs `subcommand` (none if it is empty) to its end.
    pub fn run(mut self, subcommand: &str) -> Finished {
        self.subcommand = Some(subcommand.to_owned()).filter(|name| !name.is_empty());
        let mut child = self.spawn();
        let mut outputs = vec![Tap::on(child.stderr.take().expect("piped"))];
        outputs.extend(child.stdout.take().map(Tap::on));
        finish(&mut child, &mut outputs, &Leaks::of(&self.secrets))
    }
}

fn finish(child: &mut Child, outputs: &mut [Tap], leaks: &Arc<Leaks>) -> Finished {
    let Some(status) = wait_for_exit(child, GUARD) else {
        let _ = child.kill();
        let _ = child.wait();
        let output = outputs[0].finish();
        panic!(
            "still running after {GUARD:?}: {}",
            String::from_utf8_lossy(&output)
        );
    };
    let mut texts = outputs.iter_mut().map(|output| {
        let octets = output.finish();
        leaks.stream("the output of the process").feed(&octets);
        String::from_utf8_lossy(&octets).into_owned()
    });
    let stderr = texts.next().unwrap_or_default();
    let stdout = texts.next().unwrap_or_default();
    leaks.assert_none();
    Finished {
        status,
        stdout,
        stderr,
    }
}

/// The first line that names a socket address of ours: not one of the upstreams'.
fn boot_line(lines: &[String], routes: &str) -> Option<(String, SocketAddr)> {
    lines.iter().find_map(|line| {
        let address = line.match_indices("127.0.0.1:").find_map(|(at, _)| {
            let digits = &line[at + "127.0.0.1:".len()..];
            let end = digits.find(|c: char| !c.is_ascii_digit());
            let port: u16 = digits[..end.unwrap_or(digits.len())].parse().ok()?;
            (!routes.contains(&format!("127.0.0.1:{port}"))).then_some(port)
        })?;
        Some((line.clone(), SocketAddr::from(([127, 0, 0, 1], address))))
    })
}
