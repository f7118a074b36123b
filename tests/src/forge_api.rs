//! A forge's API for deploy keys, as Gitea and Forgejo document it, that can be made to fail.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio_rustls::rustls::ServerConfig;

use crate::answer::{After, Answer};
use crate::origin::Origin;
use crate::process::GUARD;
use crate::received::Received;

/// The token that may do everything.
pub const API_TOKEN: &str = "an-api-token-of-forty-letters-and-digits";

/// A token without the scope for keys.
pub const NARROW_TOKEN: &str = "another-api-token-which-may-only-read-it";

/// How it answers requests of one method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it is documented.
    Documented,
    /// With this status and nothing done.
    Status(u16),
    /// With 307 to this URL and nothing done.
    Redirect(String),
    /// Nothing done and no answer.
    Silent,
    /// As it is documented, once requests of this method are answered in another manner.
    Held,
    /// Done, but no answer.
    DoneAndSilent,
    /// Done, and the answer is cut before its end.
    DoneAndCut,
    /// Done, and then the answer is one that its API does not have.
    DoneAndGarbled,
    /// No answer, and done only once another list has been asked for.
    DoneLate,
    /// With an answer that is longer than any.
    Endless,
    /// With the request's own credential in the message.
    Echo,
}

/// A key that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeKey {
    /// Its number.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// `ssh-ed25519 AAAA… comment`.
    pub key: String,
    /// Whether it may not write.
    pub read_only: bool,
}

/// A running forge.
pub struct ForgeApi {
    origin: Origin,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    repositories: BTreeMap<String, Vec<ForgeKey>>,
    /// By method: after how many requests it begins, and what.
    manners: BTreeMap<&'static str, (usize, Manner)>,
    next_id: u64,
    page_keys: usize,
    lists: usize,
    is_over: bool,
}

/// A status line's end, and a body.
type Said = (&'static str, Value);

impl ForgeApi {
    /// One with these repositories, `owner/name` each, plain or over TLS.
    pub fn start(tls: Option<Arc<ServerConfig>>, repositories: &[&str]) -> ForgeApi {
        let shared = Arc::new(Shared::default());
        {
            let mut state = shared.state();
            state.repositories = repositories
                .iter()
                .map(|path| ((*path).to_owned(), Vec::new()))
                .collect();
            state.next_id = 1;
            state.page_keys = 50;
        }
        let serving = Arc::clone(&shared);
        let origin = Origin::start(tls, move |request, answer| serving.serve(request, answer));
        ForgeApi { origin, shared }
    }

    /// Its listener and its record.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// From now on requests of `method` are answered in this manner.
    pub fn answer(&self, method: &'static str, manner: Manner) {
        self.answer_after(0, method, manner);
    }

    /// The same, once so many more of them have been answered as it is documented.
    pub fn answer_after(&self, count: usize, method: &'static str, manner: Manner) {
        self.shared.state().manners.insert(method, (count, manner));
        self.shared.changed.notify_all();
    }

    /// A page has at most so many keys, whatever is asked for.
    pub fn shorten_pages(&self, page_keys: usize) {
        self.shared.state().page_keys = page_keys;
    }

    /// Registers a key as somebody else would.
    ///
    /// # Panics
    /// When there is no such repository.
    pub fn add(&self, repository: &str, title: &str, key: &str) {
        let mut state = self.shared.state();
        let said = state.register(repository, title, key, true);
        assert_eq!(said.0, "201 Created", "{}", said.1);
    }

    /// The keys of a repository.
    pub fn keys(&self, repository: &str) -> Vec<ForgeKey> {
        let state = self.shared.state();
        state
            .repositories
            .get(repository)
            .cloned()
            .unwrap_or_default()
    }

    /// `METHOD target` of every request so far.
    pub fn calls(&self) -> Vec<String> {
        let requests = self.origin.requests();
        let line = |request: &Received| format!("{} {}", request.method, request.target);
        requests.iter().map(line).collect()
    }

    /// Waits until a repository has so many keys.
    ///
    /// # Panics
    /// When it has not within [`GUARD`].
    pub fn wait_for_keys(&self, repository: &str, count: usize) {
        let state = self.shared.state();
        let others = |state: &mut State| state.repositories[repository].len() != count;
        let waited = self.shared.changed.wait_timeout_while(state, GUARD, others);
        let (state, _) = waited.expect("a sound lock");
        assert_eq!(state.repositories[repository].len(), count);
    }
}

impl Drop for ForgeApi {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a sound lock")
    }

    fn serve(self: &Arc<Self>, request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
        let manner = self.state().manner_of(request);
        let json = [("content-type", "application/json")];
        match manner {
            Manner::Documented | Manner::Held => {
                if manner == Manner::Held {
                    self.wait_until_let_go(request);
                }
                let (status, body) = self.obey(request);
                match status {
                    "204 No Content" => answer.raw(b"HTTP/1.1 204 No Content\r\n\r\n")?,
                    _ => drop(answer.whole(status, &json, body.to_string().as_bytes())?),
                }
                Ok(After::Keep)
            }
            Manner::Status(status) => {
                let body = json!({ "message": format!("as the test wants it: {status}") });
                let status = format!("{status} Of the test");
                answer.whole(&status, &json, body.to_string().as_bytes())
            }
            Manner::Redirect(url) => {
                answer.whole("307 Temporary Redirect", &[("location", &url)], b"")
            }
            Manner::Silent => self.say_nothing(),
            Manner::DoneAndSilent => {
                self.obey(request);
                self.say_nothing()
            }
            Manner::DoneAndCut => {
                let (status, body) = self.obey(request);
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                answer.raw(head.as_bytes())?;
                answer.raw(&body.as_bytes()[..body.len() / 2])?;
                Ok(After::Cut)
            }
            Manner::DoneAndGarbled => {
                let (status, _) = self.obey(request);
                answer.whole(status, &json, b"{\"id\": \"seven\"}")
            }
            Manner::DoneLate => {
                let (late, request) = (Arc::clone(self), request.clone());
                thread::spawn(move || late.obey_after_a_list(&request));
                self.say_nothing()
            }
            Manner::Endless => {
                answer.begin_chunked("200 OK", &json)?;
                // The client goes away in its middle; whoever reads 64 MiB reads all.
                for _ in 0..1024 {
                    answer.chunk(&[b' '; 64 * 1024])?;
                }
                answer.end_chunked()
            }
            Manner::Echo => {
                let words = format!("cannot read {:?}", request.all("authorization"));
                let body = json!({ "message": words }).to_string();
                answer.whole("500 Internal Server Error", &json, body.as_bytes())
            }
        }
    }

    /// Keeps the connection until the test is over.
    fn say_nothing(&self) -> io::Result<After> {
        let waited = self
            .changed
            .wait_timeout_while(self.state(), GUARD, |state| !state.is_over);
        drop(waited.expect("a sound lock"));
        Ok(After::Cut)
    }

    fn wait_until_let_go(&self, request: &Received) {
        let method = request.method.as_str();
        let held = |state: &mut State| {
            let manner = state.manners.get(method);
            manner.is_some_and(|(_, manner)| *manner == Manner::Held) && !state.is_over
        };
        let waited = self.changed.wait_timeout_while(self.state(), GUARD, held);
        drop(waited.expect("a sound lock"));
    }

    fn obey_after_a_list(&self, request: &Received) {
        let state = self.state();
        let lists = state.lists;
        let none = |state: &mut State| state.lists == lists;
        let waited = self.changed.wait_timeout_while(state, GUARD, none);
        drop(waited.expect("a sound lock"));
        self.obey(request);
    }

    /// Does what a request asks for, as it is documented.
    fn obey(&self, request: &Received) -> Said {
        let said = self.state().obey(request);
        self.changed.notify_all();
        said
    }
}

impl State {
    fn manner_of(&mut self, request: &Received) -> Manner {
        match self.manners.get_mut(request.method.as_str()) {
            Some((0, manner)) => manner.clone(),
            Some((count, _)) => {
                *count -= 1;
                Manner::Documented
            }
            None => Manner::Documented,
        }
    }

    fn obey(&mut self, request: &Received) -> Said {
        match request.all("authorization")[..] {
            [value] if value == format!("token {API_TOKEN}") => {}
            [value] if value == format!("token {NARROW_TOKEN}") => {
                let words =
                    "token does not have at least one of required scope(s): [write:repository]";
                return ("403 Forbidden", message(words));
            }
            _ => {
                return (
                    "401 Unauthorized",
                    message("invalid username, password or token"),
                );
            }
        }
        let (path, query) = request
            .target
            .split_once('?')
            .unwrap_or((&request.target, ""));
        let segments: Vec<&str> = path.split('/').collect();
        let ["", "api", "v1", "repos", owner, name, "keys", id @ ..] = &segments[..] else {
            return not_found();
        };
        let repository = format!("{owner}/{name}");
        if !self.repositories.contains_key(&repository) {
            return not_found();
        }
        match (request.method.as_str(), id) {
            ("GET", []) => self.list(&repository, query),
            ("POST", []) => {
                let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
                let text = |name: &str| asked[name].as_str().unwrap_or_default();
                let read_only = asked["read_only"].as_bool().unwrap_or(false);
                self.register(&repository, text("title"), text("key"), read_only)
            }
            ("DELETE", [id]) => self.delete(&repository, id),
            _ => ("405 Method Not Allowed", message("no such method")),
        }
    }

    fn list(&mut self, repository: &str, query: &str) -> Said {
        self.lists += 1;
        let number = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(its, _)| *its == name);
            found.and_then(|(_, value)| value.parse::<usize>().ok())
        };
        let page = number("page").unwrap_or(1).max(1);
        let keys = number("limit").map_or(self.page_keys, |limit| limit.min(self.page_keys));
        let all = self.repositories[repository].iter();
        let listed = all.skip((page - 1) * keys).take(keys).map(ForgeKey::json);
        ("200 OK", listed.collect())
    }

    fn register(&mut self, repository: &str, title: &str, key: &str, read_only: bool) -> Said {
        let Some(content) = content(key) else {
            return ("422 Unprocessable Entity", message("Invalid key content"));
        };
        if title.is_empty() {
            return ("422 Unprocessable Entity", message("[Title]: Required"));
        }
        let keys = self.repositories.get_mut(repository).expect("a repository");
        for one in keys.iter() {
            if self::content(&one.key) == Some(content) {
                let words = "This key has already been added to this repository";
                return ("422 Unprocessable Entity", message(words));
            }
            if one.title == title {
                let words = "A key with the same name already exists";
                return ("422 Unprocessable Entity", message(words));
            }
        }
        let new = ForgeKey {
            id: self.next_id,
            title: title.to_owned(),
            key: key.to_owned(),
            read_only,
        };
        self.next_id += 1;
        let said = new.json();
        keys.push(new);
        ("201 Created", said)
    }

    fn delete(&mut self, repository: &str, id: &str) -> Said {
        let keys = self.repositories.get_mut(repository).expect("a repository");
        let before = keys.len();
        keys.retain(|key| key.id.to_string() != id);
        match keys.len() < before {
            true => ("204 No Content", Value::Null),
            false => not_found(),
        }
    }
}

impl ForgeKey {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "key_id": self.id + 1000, "key": self.key, "title": self.title,
            "read_only": self.read_only, "created_at": "2026-11-23T00:00:00Z",
        })
    }
}

fn message(words: &str) -> Value {
    json!({ "message": words, "url": "https://forge.example/api/swagger" })
}

fn not_found() -> Said {
    ("404 Not Found", message("The target couldn't be found."))
}

/// The octets of a key, in their base64, if they are those of the kind that it says.
fn content(key: &str) -> Option<&str> {
    let mut words = key.split_ascii_whitespace();
    let (kind, text) = (words.next()?, words.next()?);
    let octets = BASE64_STANDARD.decode(text).ok()?;
    let length = u32::from_be_bytes(octets.get(..4)?.try_into().ok()?);
    let end = 4 + usize::try_from(length).ok()?;
    (octets.get(4..end)? == kind.as_bytes()).then_some(text)
}
