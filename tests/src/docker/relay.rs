//! A socket before the engine's own: it passes everything on, keeps a record of what was
//! asked for, and can do something at the very moment when a certain answer has come.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use super::engine::Engine;

/// What happens when the answer to a change has come and nobody but the relay knows it; an
/// error that the client is told instead, if any.
type Event = dyn Fn(usize, &str) -> Option<&'static str> + Send + Sync;

/// A running relay; it stops accepting when it goes out of scope.
pub struct Relay {
    folder: TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    engine: PathBuf,
    changes: Mutex<Vec<String>>,
    answered: Box<Event>,
    stopping: AtomicBool,
}

impl Relay {
    /// A relay to `engine`. Before the answer to the change of index `n`, counted from 0,
    /// is passed on, `answered` is called with `n` and the request's method and path. What it
    /// gives is told instead, as the engine's own error.
    ///
    /// # Panics
    /// When the machine has no room for it.
    pub fn to(
        engine: &Engine,
        answered: impl Fn(usize, &str) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Relay {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
        let shared = Arc::new(Shared {
            engine: engine.socket().to_owned(),
            changes: Mutex::default(),
            answered: Box::new(answered),
            stopping: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener));
        Relay { folder, shared }
    }

    /// For `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}/socket", self.folder.path().display())
    }

    /// Every request so far that asked for a change: method and path, in their order.
    ///
    /// # Panics
    /// When a connection of it panicked.
    pub fn changes(&self) -> Vec<String> {
        self.shared.changes.lock().expect("a sound lock").clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Wakes the accept loop.
        drop(UnixStream::connect(self.folder.path().join("socket")));
    }
}

/// Which change the next octets of the engine answer.
type Awaited = Mutex<Option<(usize, String)>>;

impl Shared {
    fn accept(self: Arc<Self>, listener: &UnixListener) {
        for stream in listener.incoming() {
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let shared = Arc::clone(&self);
            // Whoever breaks off is no event here: the tests look at what is left.
            thread::spawn(move || shared.serve(stream));
        }
    }

    fn serve(self: Arc<Self>, client: UnixStream) -> io::Result<()> {
        let engine = UnixStream::connect(&self.engine)?;
        let awaited = Arc::new(Awaited::default());
        let (mut back, mut answers) = (client.try_clone()?, engine.try_clone()?);
        let (shared, expected) = (Arc::clone(&self), Arc::clone(&awaited));
        thread::spawn(move || {
            let _broken_off = shared.answer(&mut answers, &mut back, &expected);
            let _gone = back.shutdown(Shutdown::Write);
        });
        let asked = self.ask(&mut BufReader::new(client), &engine, &awaited);
        engine.shutdown(Shutdown::Write)?;
        asked
    }

    fn answer(
        &self,
        engine: &mut UnixStream,
        client: &mut UnixStream,
        awaited: &Awaited,
    ) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = engine.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let change = awaited.lock().expect("a sound lock").take();
            let error = change.and_then(|(index, change)| (self.answered)(index, &change));
            if let Some(error) = error {
                let body = format!("{{\"message\":\"{error}\"}}");
                let head = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json";
                let length = body.len();
                let answer = format!(
                    "{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                return client.write_all(answer.as_bytes());
            }
            client.write_all(&buffer[..count])?;
        }
    }

    fn ask(
        &self,
        client: &mut BufReader<UnixStream>,
        mut engine: &UnixStream,
        awaited: &Awaited,
    ) -> io::Result<()> {
        loop {
            let Some(head) = read_head(client)? else {
                return Ok(());
            };
            let words: Vec<&str> = head.split(' ').take(2).collect();
            if !matches!(words[0], "GET" | "HEAD") {
                let change = words.join(" ");
                let mut changes = self.changes.lock().expect("a sound lock");
                changes.push(change.clone());
                let index = changes.len() - 1;
                *awaited.lock().expect("a sound lock") = Some((index, change));
            }
            engine.write_all(head.as_bytes())?;
            let field = |name: &str| {
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_ascii_lowercase())
            };
            if field("upgrade").is_some() {
                return io::copy(client, &mut engine).map(drop);
            }
            if field("transfer-encoding").is_some() {
                pass_chunks(client, &mut engine)?;
            } else if let Some(length) = field("content-length") {
                let length = length.parse().map_err(io::Error::other)?;
                io::copy(&mut client.take(length), &mut engine)?;
            }
        }
    }
}

/// A head with its empty line; none at the end of the stream.
fn read_head(client: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

fn pass_chunks(client: &mut impl BufRead, engine: &mut &UnixStream) -> io::Result<()> {
    loop {
        let mut line = String::new();
        client.read_line(&mut line)?;
        engine.write_all(line.as_bytes())?;
        let length = u64::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
        // The chunk, and the line's end behind it.
        io::copy(&mut client.take(length + 2), engine)?;
        if length == 0 {
            return Ok(());
        }
    }
}
