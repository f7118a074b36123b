//! A forge: `git http-backend` behind a TLS listener that asks for a token.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokio_rustls::rustls::ServerConfig;

use crate::answer::{After, Answer};
use crate::origin::Origin;
use crate::received::Received;
use crate::upstream::listen;

/// The settings of every git process here, whatever the machine's files say.
const SETTINGS: [(&str, &str); 6] = [
    ("safe.directory", "*"),
    ("init.defaultBranch", "main"),
    ("user.name", "Forge"),
    ("user.email", "forge@example.test"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
];

/// A running forge with its repositories.
pub struct GitServer {
    origin: Origin,
    repositories: TempDir,
}

impl GitServer {
    /// Starts a forge that lets in whoever brings `token` the way forges want it: as the
    /// password of `x-access-token`. Everybody else gets 401.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn start(tls: Arc<ServerConfig>, token: &str) -> GitServer {
        GitServer::on(listen(), tls, token)
    }

    /// The same on a listener that there is already.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn on(listener: TcpListener, tls: Arc<ServerConfig>, token: &str) -> GitServer {
        let repositories = tempfile::tempdir().expect("a folder");
        let root = repositories.path().to_owned();
        let expected = basic(token);
        let origin = Origin::on(listener, Some(tls), move |request, answer| {
            if request.all("authorization") == [expected.as_str()] {
                return backend(&root, request, answer);
            }
            let challenge = [("www-authenticate", "Basic realm=\"forge\"")];
            answer.whole("401 Unauthorized", &challenge, b"who are you?\n")
        });
        GitServer {
            origin,
            repositories,
        }
    }

    /// Its listener and its record.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Makes a bare repository `owner/name` that takes pushes, and gives its folder.
    ///
    /// # Panics
    /// When git fails.
    pub fn create(&self, name: &str) -> PathBuf {
        let folder = self.repositories.path().join(format!("{name}.git"));
        fs::create_dir_all(&folder).expect("a folder");
        git(&folder, &["init", "--quiet", "--bare", "."], b"");
        git(&folder, &["config", "http.receivepack", "true"], b"");
        folder
    }
}

/// The credential field's value that the forge expects.
pub fn basic(token: &str) -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("x-access-token:{token}"))
    )
}

/// Runs git in `folder` and gives its standard output.
///
/// # Panics
/// When it fails, with what it said.
pub fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = command(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git");
    let mut pipe = child.stdin.take().expect("a piped standard input");
    let output = thread::scope(|scope| {
        scope.spawn(move || pipe.write_all(input));
        child.wait_with_output().expect("git's output")
    });
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Adds `count` commits to a branch, each with one file `n` that holds its number and
/// `line`. They go on from where the branch is.
///
/// # Panics
/// When git fails.
pub fn add_commits(folder: &Path, branch: &str, count: usize, line: &str) {
    let known = git(
        folder,
        &["for-each-ref", &format!("refs/heads/{branch}")],
        b"",
    );
    let mut script = String::new();
    for number in 0..count {
        let content = format!("{number} {line}\n");
        script += &format!("commit refs/heads/{branch}\n");
        script += &format!(
            "committer Forge <forge@example.test> {} +0000\n",
            1_000_000 + number
        );
        script += &format!("data {}\n{content}", content.len());
        if number == 0 && !known.is_empty() {
            script += &format!("from refs/heads/{branch}^0\n");
        }
        script += &format!("M 644 inline n\ndata {}\n{content}\n", content.len());
    }
    script += "done\n";
    git(
        folder,
        &["fast-import", "--quiet", "--done", "--force"],
        script.as_bytes(),
    );
}

/// Gives every commit of a branch a tag of its own, all at once: a tag a file would
/// take longer than the test.
///
/// # Panics
/// When git fails.
pub fn tag_every_commit(folder: &Path, branch: &str) {
    let commits = git(folder, &["rev-list", branch], b"");
    let refs = commits.lines().enumerate().map(|(number, commit)| {
        let name = format!("refs/tags/every/{number:06}");
        format!("{commit} {name}\n")
    });
    let head = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    fs::write(folder.join("packed-refs"), head + &refs.collect::<String>()).expect("packed-refs");
}

fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.env_clear().current_dir(folder).env("HOME", folder);
    git.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_COUNT", SETTINGS.len().to_string());
    for (index, (key, value)) in SETTINGS.iter().enumerate() {
        git.env(format!("GIT_CONFIG_KEY_{index}"), key);
        git.env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
    git
}

/// One request through `git http-backend` (RFC 3875), streamed in both directions.
fn backend(root: &Path, request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let field = |name| request.all(name).first().copied().unwrap_or_default();
    let mut child = command(root)
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "x-access-token")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", field("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", field("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", field("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let after = thread::scope(|scope| {
        // It may answer before it has read everything: only its own end counts.
        scope.spawn(move || input.write_all(&request.body));
        relay(output, answer)
    });
    child.wait()?;
    after
}

fn relay(output: impl Read, answer: &mut Answer<'_>) -> io::Result<After> {
    let mut output = BufReader::new(output);
    let (mut status, mut fields) = ("200 OK".to_owned(), Vec::new());
    loop {
        let mut line = String::new();
        output.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name {
            "Status" => value.clone_into(&mut status),
            _ => fields.push((name.to_owned(), value.to_owned())),
        }
    }
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    answer.begin_chunked(&status, &fields)?;
    loop {
        let ready = output.fill_buf()?;
        let octets = ready.len();
        if octets == 0 {
            return answer.end_chunked();
        }
        answer.chunk(ready)?;
        output.consume(octets);
    }
}
