//! A private package registry: verdaccio, which lets in only whoever brings its token,
//! behind a TLS listener that keeps the record.
//!
//! Verdaccio listens on a socket in the file system, so there is no port to choose.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;

use crate::answer::{After, Answer};
use crate::origin::Origin;
use crate::process::Finished;
use crate::program::{Program, Running};
use crate::received::Received;
use crate::upstream::listen;

/// Nobody may read or publish without an account; nothing is fetched from elsewhere.
const CONFIGURATION: &str = "\
storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
uplinks: {}
packages: { '**': { access: $authenticated, publish: $authenticated } }
log: { type: stdout, format: json, level: warn }
";

/// A running registry.
pub struct NpmRegistry {
    origin: Origin,
    host: String,
    token: String,
    folder: TempDir,
    _verdaccio: Running,
}

impl NpmRegistry {
    /// Starts the registry with one account; `verdaccio` is its start script.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start(tls: Arc<ServerConfig>, verdaccio: &Path) -> NpmRegistry {
        NpmRegistry::on(listen(), "localhost", tls, verdaccio)
    }

    /// The same behind a listener that is there already, by a name that is in the certificate.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn on(
        listener: TcpListener,
        host: &str,
        tls: Arc<ServerConfig>,
        verdaccio: &Path,
    ) -> NpmRegistry {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        fs::write(folder.path().join("config.yaml"), CONFIGURATION).expect("config.yaml");
        let mut running = Program::new("node", folder.path())
            .arg(verdaccio)
            .args(["--config", "config.yaml", "--listen"])
            .arg(format!("unix:{}", socket.display()))
            .start();
        while !running.line().contains("http address") {}
        let token = open_account(&socket);
        let origin = Origin::on(listener, Some(tls), move |request, answer| {
            relay(&socket, request, answer)
        });
        NpmRegistry {
            origin,
            host: host.to_owned(),
            token,
            folder,
            _verdaccio: running,
        }
    }

    /// Its listener and its record.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The account's token, as the service expects it after `Bearer`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Publishes a package of one file with npm itself, past any proxy, trusting the
    /// authority in `pem`.
    ///
    /// # Panics
    /// When npm fails.
    pub fn publish(&self, name: &str, version: &str, content: &str, pem: &Path) {
        let package = self.folder.path().join("packages").join(name);
        write_package(&package, name, version, content);
        let place = format!("{}:{}", self.host, self.origin.port());
        let published = Program::new("npm", self.folder.path())
            .within(&package)
            .arg("publish")
            .env("npm_config_registry", format!("https://{place}/"))
            .env(format!("npm_config_//{place}/:_authToken"), &self.token)
            .env("npm_config_cafile", pem)
            .env("npm_config_update_notifier", "false")
            .run();
        assert!(published.status.success(), "{published:#?}");
    }
}

/// Writes a package of one file, `index.js`, that exports a string.
///
/// # Panics
/// When the folder cannot be written.
pub fn write_package(folder: &Path, name: &str, version: &str, content: &str) {
    fs::create_dir_all(folder).expect("a folder");
    let description = json!({ "name": name, "version": version, "main": "index.js" });
    fs::write(folder.join("package.json"), description.to_string()).expect("package.json");
    let module = format!("module.exports = {};\n", Value::from(content));
    fs::write(folder.join("index.js"), module).expect("index.js");
}

/// npm in `folder` with a registry and nothing else configured, quiet and offline but
/// for that registry. `lines` are more lines of its `.npmrc`.
pub fn npm(folder: &Path, registry: &str, lines: &str) -> Program {
    let settings = format!(
        "registry={registry}\nreplace-registry-host=always\ncache={}\n\
         update-notifier=false\nfund=false\naudit=false\nfetch-retries=0\n{lines}",
        folder.join("cache").display()
    );
    fs::write(folder.join(".npmrc"), settings).expect(".npmrc");
    Program::new("npm", folder)
}

fn open_account(socket: &Path) -> String {
    let account = json!({ "name": "agent", "password": "correct horse battery" }).to_string();
    let request = format!(
        "PUT /-/user/org.couchdb.user:agent HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{account}",
        account.len()
    );
    let answer = ask(socket, request.as_bytes()).expect("an answer of verdaccio");
    let text = String::from_utf8_lossy(&answer);
    let json = text
        .find('{')
        .zip(text.rfind('}'))
        .map(|(start, end)| &text[start..=end]);
    let json: Value = json
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default();
    let token = json["token"].as_str();
    token
        .unwrap_or_else(|| panic!("no token in {text}"))
        .to_owned()
}

fn relay(socket: &Path, request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    let mut octets = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    let ours = [
        "connection",
        "content-length",
        "transfer-encoding",
        "expect",
    ];
    for (name, value) in &request.fields {
        if !ours.contains(&name.to_ascii_lowercase().as_str()) {
            octets += &format!("{name}: {value}\r\n");
        }
    }
    octets += "Connection: close\r\nX-Forwarded-Proto: https\r\n";
    octets += &format!("Content-Length: {}\r\n\r\n", request.body.len());
    let received = ask(socket, &[octets.as_bytes(), &request.body].concat())?;
    let end = received.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let kept = head
        .split("\r\n")
        .filter(|line| !line.eq_ignore_ascii_case("connection: close"));
    answer.raw(kept.collect::<Vec<_>>().join("\r\n").as_bytes())?;
    answer.raw(&received[end..])?;
    Ok(After::Keep)
}

fn ask(socket: &Path, octets: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(octets)?;
    let mut received = Vec::new();
    stream.read_to_end(&mut received)?;
    Ok(received)
}

/// What npm said, for an assertion: both streams.
pub fn said(finished: &Finished) -> String {
    format!("{}{}", finished.stdout, finished.stderr)
}
