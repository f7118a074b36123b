//! Mixed traffic, the bad days of both sides included: one thing after the other, each
//! seen to its end before the next begins, so that every round leaves what the last one left.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use engine::Engine;
use harness::answer::{After, Answer};
use harness::leak::Leaks;
use harness::origin::Origin;
use harness::received::Received;
use harness::support::{assert_refusal, get, request};
use harness::upstream::Deaf;
use harness::{Authority, Client, Ending, GUARD, Peer, TOKEN, pattern};
use tokio_rustls::rustls::crypto::aws_lc_rs::Ticketer;
use tokio_rustls::rustls::server::NoServerSessionStorage;

/// Octets of an upload: more than a read buffer begins with.
const UPLOAD: usize = 50_000;
/// Octets of an answer for which a read buffer grows beyond what is kept.
const LARGE: usize = 200_000;

/// The services, and who speaks with them through an engine.
pub(crate) struct Mixed {
    pub(crate) authority: Authority,
    pub(crate) plain: Origin,
    pub(crate) tls: Origin,
    pub(crate) dead: Deaf,
    leaks: Arc<Leaks>,
    /// Threads of this process when no exchange is under way.
    threads: usize,
}

/// One thing that happens on a route.
type Kind<'a> = fn(&mut Visit<'a>);

impl Mixed {
    pub(crate) fn new() -> Mixed {
        let authority = Authority::new();
        let mut config = authority.server_config(&["127.0.0.1"]);
        // Sessions that the client keeps in tickets: what the service remembered would
        // grow here as well, up to the bound of its cache.
        let sessions = Arc::make_mut(&mut config);
        sessions.session_storage = Arc::new(NoServerSessionStorage {});
        sessions.ticketer = Ticketer::new().expect("a key for tickets");
        Mixed {
            authority,
            plain: Origin::forgetful(None, serve),
            tls: Origin::forgetful(Some(config), serve),
            dead: Deaf::new(),
            leaks: Leaks::of(&[TOKEN]),
            threads: 0,
        }
    }

    /// Call with `engine` running and before any exchange.
    pub(crate) fn begin(&mut self) {
        self.threads = threads();
    }

    /// Everything once on each route.
    pub(crate) fn round(&self, engine: &Engine) {
        for route in ["/plain", "/tls"] {
            for kind in Visit::ALONE {
                kind(&mut self.visit(engine.address(), route));
            }
            let mut visit = self.visit(engine.address(), route);
            for kind in Visit::TOGETHER {
                kind(&mut visit);
            }
        }
        self.leaks.assert_none();
    }

    /// Waits until nothing is under way: every connection of a service, those in the
    /// pool included, has a thread there.
    pub(crate) fn wait_until_idle(&self) {
        let begun = Instant::now();
        while threads() > self.threads {
            assert!(begun.elapsed() < GUARD, "{} threads remain", threads());
            thread::yield_now();
        }
    }

    fn visit(&self, engine: SocketAddr, route: &'static str) -> Visit<'_> {
        Visit {
            client: Some(Client::connect(engine, &self.leaks)),
            route,
            mixed: self,
        }
    }
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc").count()
}

/// One connection on which things happen.
struct Visit<'a> {
    client: Option<Client>,
    route: &'static str,
    mixed: &'a Mixed,
}

impl<'a> Visit<'a> {
    /// Each on a connection of its own.
    const ALONE: [Kind<'a>; 11] = [
        Self::small,
        Self::large,
        Self::chunked_post,
        Self::sized_post,
        Self::events,
        Self::upgrade,
        Self::gone_in_the_head,
        Self::gone_in_the_body,
        Self::gone_in_the_answer,
        Self::upstream_that_breaks_off,
        Self::refused_framing,
    ];

    /// One after the other on one connection.
    const TOGETHER: [Kind<'a>; 7] = [
        Self::small,
        Self::chunked_post,
        Self::sized_post,
        Self::events,
        Self::dead_upstream,
        Self::refused_by_policy,
        Self::upstream_that_closes,
    ];

    fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("left only at the end")
    }

    fn send(&mut self, method: &str, target: &str, fields: &str) {
        let head = request(method, &format!("{}{target}", self.route), fields);
        self.client().send(head);
    }

    fn expect(&mut self, method: &str, body: &[u8]) {
        let answer = self.client().read_response(method);
        assert_eq!((answer.status(), answer.body.as_slice()), (200, body));
    }

    fn small(&mut self) {
        self.send("GET", "/small", "");
        self.expect("GET", b"/small");
    }

    fn large(&mut self) {
        self.send("GET", "/large", "");
        self.expect("GET", &pattern::octets(LARGE));
    }

    fn chunked_post(&mut self) {
        self.send("POST", "/echo", "Transfer-Encoding: chunked\r\n");
        let body = pattern::octets(UPLOAD);
        for piece in body.chunks(7_000) {
            self.client().send_chunk(piece);
        }
        self.client().send("0\r\n\r\n");
        self.expect("POST", &body);
    }

    fn sized_post(&mut self) {
        let body = pattern::octets(UPLOAD);
        self.send("POST", "/echo", &format!("Content-Length: {UPLOAD}\r\n"));
        self.client().send(&body);
        self.expect("POST", &body);
    }

    fn events(&mut self) {
        self.send("GET", "/events", "");
        self.expect("GET", b"data: 0\n\ndata: 1\n\ndata: 2\n\n");
    }

    fn upgrade(&mut self) {
        let fields = "Connection: upgrade\r\nUpgrade: websocket\r\n";
        self.send("GET", "/switch", fields);
        let client = self.client();
        assert_eq!(client.read_head().status(), 101);
        client.send("frame");
        assert_eq!(client.read_exact(5), b"frame");
        client.half_close();
        assert_eq!(client.wait_for_close().0, Ending::Closed);
    }

    fn gone_in_the_head(&mut self) {
        self.client().send("GET /plain/x HTTP/1.1\r\nHost: a");
        self.leave();
    }

    fn gone_in_the_body(&mut self) {
        self.send("POST", "/echo", "Content-Length: 10000\r\n");
        self.client().send("begun");
        self.leave();
    }

    fn gone_in_the_answer(&mut self) {
        self.send("GET", "/endless", "");
        let client = self.client();
        assert_eq!(client.read_head().status(), 200);
        assert!(client.read_chunk_size() > 0);
        self.leave();
    }

    /// With the exchange under way; the next thing waits until its service has noticed.
    fn leave(&mut self) {
        if let Some(client) = self.client.take() {
            client.reset();
        }
        self.mixed.wait_until_idle();
    }

    fn upstream_that_breaks_off(&mut self) {
        self.send("GET", "/truncated", "");
        assert_eq!(self.client().read_head().status(), 200);
        assert_eq!(self.client().read_to_end().0, b"part");
    }

    fn upstream_that_closes(&mut self) {
        self.send("GET", "/last", "");
        self.expect("GET", b"last");
    }

    fn refused_framing(&mut self) {
        let fields = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
        self.send("POST", "/echo", fields);
        assert_refusal(&self.client().read_response("POST"), 400);
        self.client().wait_for_close();
    }

    fn refused_by_policy(&mut self) {
        for (target, status) in [
            ("/tls/o/r/info/refs?service=git-receive-pack", 403),
            ("/tls/a/../b", 400),
            ("/nowhere/", 404),
        ] {
            assert_refusal(&self.client().ask(get(target)), status);
        }
    }

    fn dead_upstream(&mut self) {
        assert_eq!(self.client().ask(get("/dead/x")).status(), 502);
    }
}

/// Answers as the target says.
fn serve(request: &Received, answer: &mut Answer<'_>) -> std::io::Result<After> {
    match request.target.as_str() {
        "/echo" => answer.whole("200 OK", &[], &request.body),
        "/large" => answer.whole("200 OK", &[], &pattern::octets(LARGE)),
        "/events" => {
            answer.begin_chunked("200 OK", &[("content-type", "text/event-stream")])?;
            for index in 0..3 {
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
            let fields = "connection: upgrade\r\nupgrade: websocket\r\n\r\n";
            answer.raw(format!("HTTP/1.1 101 Switching Protocols\r\n{fields}").as_bytes())?;
            Ok(After::Echo)
        }
        target => answer.whole("200 OK", &[], target.as_bytes()),
    }
}
