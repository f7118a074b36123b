//! The real process, running.

use std::fmt::Display;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::builder::Builder;
use crate::client::Client;
use crate::leak::Leaks;
use crate::process::{GUARD, Tap, pid_of, wait_for_exit};
use crate::upstream::Upstream;

/// The token that the routes of [`Proxy::to`] inject: its octets need percent-encoding
/// and use both alphabets of base64, so every rendering differs.
pub const TOKEN: &str = "ghp_Zk7~tOken/w1th+0dd=0ctets?>~Q9";

/// The variable that holds [`TOKEN`].
pub const TOKEN_ENV: &str = "CRED_PROXY_TOKEN_0";

/// A running proxy. Dropping it kills it and searches its log, and all that its clients
/// received, for its tokens.
pub struct Proxy {
    child: Child,
    ended: Option<ExitStatus>,
    boot_line: String,
    address: SocketAddr,
    outputs: Vec<Tap>,
    leaks: Arc<Leaks>,
    folder: TempDir,
}

impl Proxy {
    /// A proxy without routes, so far.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A proxy with the route `/api/` to `upstream`, which injects [`TOKEN`] as Bearer.
    pub fn to(upstream: &Upstream) -> Builder {
        Proxy::to_url(&upstream.url())
    }

    /// The same to any URL.
    pub fn to_url(url: &str) -> Builder {
        Proxy::builder()
            .route(bearer("/api/", url))
            .token(TOKEN_ENV, TOKEN)
    }

    pub(crate) fn running(
        child: Child,
        (boot_line, address): (String, SocketAddr),
        outputs: Vec<Tap>,
        leaks: Arc<Leaks>,
        folder: TempDir,
    ) -> Proxy {
        Proxy {
            child,
            ended: None,
            boot_line,
            address,
            outputs,
            leaks,
            folder,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `127.0.0.1:port`, as in a Host field.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// The line that it printed when it was ready.
    pub fn boot_line(&self) -> &str {
        &self.boot_line
    }

    /// The address that the boot line names for metrics.
    ///
    /// # Panics
    /// When the proxy was started without `--admin`.
    pub fn admin_address(&self) -> SocketAddr {
        let at = self
            .boot_line
            .rfind("127.0.0.1:")
            .expect("the admin address");
        let digits = self.boot_line[at..].split_whitespace().next();
        digits.unwrap_or_default().parse().expect("an address")
    }

    /// A new connection to it.
    pub fn client(&self) -> Client {
        Client::connect(self.address, &self.leaks)
    }

    /// A new connection to another of its listeners, such as the admin address.
    pub fn client_of(&self, address: SocketAddr) -> Client {
        Client::connect(address, &self.leaks)
    }

    /// The search for its tokens, for octets that reached an agent another way.
    pub fn leaks(&self) -> &Arc<Leaks> {
        &self.leaks
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder with `routes.json`, and whatever the test put there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces the routes file as a whole; [`reload`](Self::reload) makes it count.
    pub fn rewrite_routes(&self, text: impl Display) {
        let new = self.folder.path().join("routes.json.new");
        fs::write(&new, text.to_string()).expect("routes.json.new");
        fs::rename(new, self.folder.path().join("routes.json")).expect("routes.json");
    }

    /// All of standard error so far.
    pub fn log(&self) -> String {
        self.outputs[0].text()
    }

    /// The complete lines of standard error so far.
    pub fn log_lines(&self) -> Vec<String> {
        self.outputs[0].lines()
    }

    /// Waits for a line of standard error that `wanted` accepts.
    pub fn wait_for_line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let found = self.outputs[0].wait(what, |lines| {
            lines.iter().find(|line| wanted(line)).cloned()
        });
        found.unwrap_or_else(|| panic!("ended without {what}:\n{}", self.log()))
    }

    /// Waits for `count` lines of standard error that `wanted` accepts.
    pub fn wait_for_lines(
        &self,
        what: &str,
        count: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let found = self.outputs[0].wait(what, |lines| {
            let lines: Vec<String> = lines.iter().filter(|l| wanted(l)).cloned().collect();
            (lines.len() >= count).then_some(lines)
        });
        found.unwrap_or_else(|| panic!("ended without {count} of {what}:\n{}", self.log()))
    }

    /// Waits for `count` lines of the access log: JSON objects with a `status`.
    pub fn wait_for_access(&self, count: usize) -> Vec<Value> {
        let found = self.outputs[0].wait("access log line", |lines| {
            let objects: Vec<Value> = lines.iter().filter_map(|line| access(line)).collect();
            (objects.len() >= count).then_some(objects)
        });
        found.unwrap_or_else(|| panic!("ended without {count} lines:\n{}", self.log()))
    }

    fn status_kib(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.pid());
        let status = fs::read_to_string(path).expect("/proc/pid/status");
        let line = status.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        kib.unwrap_or_else(|| panic!("no {name} in {status}"))
    }

    /// Resident memory now, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// The most resident memory ever, in KiB.
    pub fn peak_resident_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    /// How many descriptors are open.
    pub fn open_descriptors(&self) -> usize {
        let path = format!("/proc/{}/fd", self.pid());
        fs::read_dir(path).expect("/proc/pid/fd").count()
    }

    /// Waits until no more descriptors are open than `count`.
    pub fn wait_for_descriptors(&self, count: usize) {
        let begun = Instant::now();
        while self.open_descriptors() > count {
            let open = self.open_descriptors();
            assert!(begun.elapsed() < GUARD, "{open} descriptors, not {count}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Processor time so far, of all threads, to the hundredth of a second.
    pub fn processor_time(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = fs::read_to_string(path).expect("/proc/pid/stat");
        // The name, in parentheses, may hold anything; utime and stime are fields 14 and 15.
        let behind_name = &stat[stat.rfind(')').expect("a name") + 1..];
        let fields = behind_name.split_whitespace().skip(11).take(2);
        let ticks = fields.map(|field| field.parse::<u64>().expect("a number"));
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(pid_of(&self.child), signal).expect("the process is there");
    }

    /// Sends SIGHUP.
    pub fn reload(&self) {
        self.signal(Signal::HUP);
    }

    /// Sends SIGTERM, waits for the end, and searches for leaks.
    pub fn terminate(self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_for_end()
    }

    /// Sends SIGTERM, waits for the end, and gives all of standard error.
    pub fn terminate_with_log(mut self) -> String {
        self.signal(Signal::TERM);
        self.ended = wait_for_exit(&mut self.child, GUARD + GUARD);
        assert!(self.ended.is_some(), "the process ends");
        let log = self.outputs[0].finish();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits for the end, and searches for leaks.
    pub fn wait_for_end(mut self) -> ExitStatus {
        let status = wait_for_exit(&mut self.child, GUARD + GUARD);
        self.ended = status;
        status.expect("the process ends")
    }

    /// Is it still running?
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let mut log = String::new();
        for output in &mut self.outputs {
            let octets = output.finish();
            self.leaks.stream("the log").feed(&octets);
            log.push_str(&String::from_utf8_lossy(&octets));
        }
        if thread::panicking() {
            eprintln!("the log of cred-proxy:\n{log}");
            return;
        }
        assert!(!log.contains("panicked at"), "cred-proxy panicked:\n{log}");
        self.leaks.assert_none();
    }
}

/// The access log's object on this line, if it is one.
pub fn access(line: &str) -> Option<Value> {
    let object: Value = serde_json::from_str(line).ok()?;
    object.get("status").is_some().then_some(object)
}

/// A route that injects the variable [`TOKEN_ENV`] as Bearer.
pub fn bearer(path: &str, url: &str) -> Value {
    json!({"path": path, "upstream": url, "auth_scheme": "Bearer", "token_env": TOKEN_ENV})
}
