//! What agents do all day, the bad days included: a service that can everything, and an
//! agent that does one thing after the other by chance and checks what it gets.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::answer::{After, Answer};
use harness::received::Received;
use harness::support::{assert_refusal, get, request};
use harness::{Client, Ending, Peer, Proxy, TOKEN, pattern};

use crate::chance::Chance;

/// Events of one stream.
const EVENTS: usize = 5;
/// Octets of an answer that is a large one here.
const LARGE: u64 = 200_000;

/// Answers as the target says.
pub(crate) fn serve(request: &Received, answer: &mut Answer<'_>) -> io::Result<After> {
    if request.all("authorization") != [format!("Bearer {TOKEN}")] {
        return answer.whole("401 Unauthorized", &[], b"the wrong credential");
    }
    match request.target.as_str() {
        "/echo" => answer.whole("200 OK", &[], &request.body),
        "/large" => answer.whole("200 OK", &[], &pattern::octets(LARGE as usize)),
        "/events" => {
            answer.begin_chunked("200 OK", &[("content-type", "text/event-stream")])?;
            for index in 0..EVENTS {
                answer.chunk(format!("data: {index}\n\n").as_bytes())?;
            }
            answer.end_chunked()
        }
        "/endless" => {
            answer.begin_chunked("200 OK", &[])?;
            loop {
                answer.chunk(&[b'x'; 1000])?;
            }
        }
        "/truncated" => {
            answer.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart")?;
            Ok(After::Close)
        }
        "/last" => {
            answer.whole("200 OK", &[("connection", "close")], b"last")?;
            Ok(After::Close)
        }
        "/switch" => {
            let head = "connection: upgrade\r\nupgrade: websocket\r\n\r\n";
            answer.raw(format!("HTTP/1.1 101 Switching Protocols\r\n{head}").as_bytes())?;
            Ok(After::Echo)
        }
        target => answer.whole("200 OK", &[], target.as_bytes()),
    }
}

/// How often each thing was done to its end.
#[derive(Default)]
pub(crate) struct Tally {
    exchanges: AtomicUsize,
    by_kind: Mutex<BTreeMap<&'static str, usize>>,
}

impl Tally {
    pub(crate) fn exchanges(&self) -> usize {
        self.exchanges.load(Ordering::Relaxed)
    }

    pub(crate) fn by_kind(&self) -> BTreeMap<&'static str, usize> {
        self.by_kind.lock().expect("a sound lock").clone()
    }

    fn count(&self, kind: &'static str) {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        *self
            .by_kind
            .lock()
            .expect("a sound lock")
            .entry(kind)
            .or_default() += 1;
    }
}

/// A thing that agents do: its name, and how it is done.
type Kind<'a> = (&'static str, fn(&mut Agent<'a>));

/// One agent with its connection. The routes `/plain/` and `/tls/` lead to [`serve`],
/// `/dead/` to nobody.
pub(crate) struct Agent<'a> {
    proxy: &'a Proxy,
    tally: &'a Tally,
    chance: Chance,
    kept: Option<Client>,
}

impl<'a> Agent<'a> {
    /// The kinds of traffic, each with its name; a name that stands twice is twice as likely.
    const KINDS: [Kind<'a>; 20] = [
        ("small GET", Self::small),
        ("small GET", Self::small),
        ("small GET", Self::small),
        ("small GET", Self::small),
        ("small GET", Self::small),
        ("large GET", Self::large),
        ("chunked POST", Self::chunked_post),
        ("chunked POST", Self::chunked_post),
        ("sized POST", Self::sized_post),
        ("event stream", Self::events),
        ("event stream", Self::events),
        ("upgrade", Self::upgrade),
        ("gone in the head", Self::gone_in_the_head),
        ("gone in the body", Self::gone_in_the_body),
        ("gone in the answer", Self::gone_in_the_answer),
        ("dead upstream", Self::dead_upstream),
        ("upstream that closes", Self::upstream_that_closes),
        ("upstream that breaks off", Self::upstream_that_breaks_off),
        ("refused framing", Self::refused_framing),
        ("refused by policy", Self::refused_by_policy),
    ];

    pub(crate) fn new(proxy: &'a Proxy, tally: &'a Tally, seed: u64) -> Agent<'a> {
        Agent {
            proxy,
            tally,
            chance: Chance::of(seed),
            kept: None,
        }
    }

    /// Does the next thing.
    pub(crate) fn step(&mut self) {
        let (kind, act) = Self::KINDS[self.chance.below(Self::KINDS.len())];
        act(self);
        self.tally.count(kind);
    }

    /// The connection that is kept between exchanges; put back by who leaves it whole.
    fn client(&mut self) -> Client {
        let kept = self.kept.take();
        kept.unwrap_or_else(|| self.proxy.client())
    }

    fn route(&mut self) -> &'static str {
        ["/plain", "/tls"][self.chance.below(2)]
    }

    fn small(&mut self) {
        let (mut client, route) = (self.client(), self.route());
        let name = format!("/{}", self.chance.below(1_000_000));
        let answer = client.ask(get(&format!("{route}{name}")));
        assert_eq!((answer.status(), answer.text()), (200, name));
        self.kept = Some(client);
    }

    fn large(&mut self) {
        let (mut client, route) = (self.client(), self.route());
        client.send(get(&format!("{route}/large")));
        let head = client.read_head();
        assert_eq!((head.status(), head.content_length()), (200, Some(LARGE)));
        client.read_pattern(0, LARGE);
        self.kept = Some(client);
    }

    fn chunked_post(&mut self) {
        let (mut client, route) = (self.client(), self.route());
        let length = self.chance.below(50_000);
        let fields = "Transfer-Encoding: chunked\r\n";
        client.send(request("POST", &format!("{route}/echo"), fields));
        for piece in pattern::octets(length).chunks(7_000) {
            client.send_chunk(piece);
        }
        client.send("0\r\n\r\n");
        self.expect_echo(client, length);
    }

    fn sized_post(&mut self) {
        let (mut client, route) = (self.client(), self.route());
        let length = self.chance.below(50_000);
        let fields = format!("Content-Length: {length}\r\n");
        client.send(request("POST", &format!("{route}/echo"), &fields));
        client.send_pattern(length as u64);
        self.expect_echo(client, length);
    }

    fn expect_echo(&mut self, mut client: Client, length: usize) {
        let head = client.read_head();
        let expected = (200, Some(length as u64));
        assert_eq!((head.status(), head.content_length()), expected);
        client.read_pattern(0, length as u64);
        self.kept = Some(client);
    }

    fn events(&mut self) {
        let (mut client, route) = (self.client(), self.route());
        let answer = client.ask(get(&format!("{route}/events")));
        let events: Vec<String> = (0..EVENTS).map(|i| format!("data: {i}\n\n")).collect();
        assert_eq!((answer.status(), answer.text()), (200, events.concat()));
        self.kept = Some(client);
    }

    fn upgrade(&mut self) {
        let (mut client, route) = (self.proxy.client(), self.route());
        let fields = "Connection: upgrade\r\nUpgrade: websocket\r\n";
        client.send(request("GET", &format!("{route}/switch"), fields));
        assert_eq!(client.read_head().status(), 101);
        for _ in 0..3 {
            client.send("frame");
            assert_eq!(client.read_exact(5), b"frame");
        }
        client.half_close();
        assert_eq!(client.wait_for_close().0, Ending::Closed);
    }

    fn gone_in_the_head(&mut self) {
        let mut client = self.proxy.client();
        client.send("GET /plain/x HTTP/1.1\r\nHost: a");
        self.leave(client);
    }

    fn gone_in_the_body(&mut self) {
        let (mut client, route) = (self.proxy.client(), self.route());
        let fields = "Content-Length: 10000\r\n";
        client.send(request("POST", &format!("{route}/echo"), fields) + "begun");
        self.leave(client);
    }

    fn gone_in_the_answer(&mut self) {
        let (mut client, route) = (self.proxy.client(), self.route());
        client.send(get(&format!("{route}/endless")));
        assert_eq!(client.read_head().status(), 200);
        assert!(client.read_chunk_size() > 0);
        self.leave(client);
    }

    fn leave(&mut self, client: Client) {
        match self.chance.below(2) {
            0 => client.close(),
            _ => client.reset(),
        };
    }

    fn dead_upstream(&mut self) {
        let mut client = self.client();
        let answer = client.ask(get("/dead/x"));
        assert_eq!(answer.status(), 502, "{}", answer.text());
        self.kept = Some(client);
    }

    fn upstream_that_closes(&mut self) {
        let (mut client, route) = (self.client(), self.route());
        let answer = client.ask(get(&format!("{route}/last")));
        assert_eq!((answer.status(), answer.text().as_str()), (200, "last"));
        self.kept = Some(client);
    }

    fn upstream_that_breaks_off(&mut self) {
        let (mut client, route) = (self.client(), self.route());
        client.send(get(&format!("{route}/truncated")));
        let head = client.read_head();
        assert_eq!((head.status(), head.content_length()), (200, Some(100)));
        assert_eq!(client.read_to_end().0, b"part");
    }

    fn refused_framing(&mut self) {
        let mut client = self.client();
        let fields = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
        let answer = client.ask(request("POST", "/plain/echo", fields));
        assert_refusal(&answer, 400);
        client.wait_for_close();
    }

    fn refused_by_policy(&mut self) {
        let mut client = self.client();
        for (target, status) in [
            ("/tls/o/r/info/refs?service=git-receive-pack", 403),
            ("/tls/a/../b", 400),
            ("/nowhere/", 404),
        ] {
            let answer = client.ask(get(target));
            assert_refusal(&answer, status);
        }
        self.kept = Some(client);
    }
}
