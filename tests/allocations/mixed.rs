//! Mixed traffic, the bad days of both sides included: one thing after the other, each
//! seen to its end before the next begins, so that every round leaves what the last one left.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use engine::Engine;
use harness::errand::{self, UPLOAD_CEILING, serve};
use harness::leak::Leaks;
use harness::origin::Origin;
use harness::upstream::Deaf;
use harness::{Authority, Client, GUARD, TOKEN};
use tokio_rustls::rustls::crypto::aws_lc_rs::Ticketer;
use tokio_rustls::rustls::server::NoServerSessionStorage;

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

/// An errand that is told its route.
type Act = fn(&mut Client, &str);

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
        |visit| visit.act(|client, route| errand::small(client, route, "/small")),
        |visit| visit.act(errand::large),
        |visit| visit.act(|client, route| errand::chunked_post(client, route, UPLOAD_CEILING)),
        |visit| visit.act(|client, route| errand::sized_post(client, route, UPLOAD_CEILING)),
        |visit| visit.act(errand::events),
        |visit| visit.act(errand::upgrade),
        |visit| visit.leave(errand::begin_head),
        |visit| visit.leave(errand::begin_body),
        |visit| visit.leave(errand::begin_answer),
        |visit| visit.act(errand::upstream_that_breaks_off),
        |visit| visit.act(errand::refused_framing),
    ];

    /// One after the other on one connection.
    const TOGETHER: [Kind<'a>; 7] = [
        |visit| visit.act(|client, route| errand::small(client, route, "/small")),
        |visit| visit.act(|client, route| errand::chunked_post(client, route, UPLOAD_CEILING)),
        |visit| visit.act(|client, route| errand::sized_post(client, route, UPLOAD_CEILING)),
        |visit| visit.act(errand::events),
        |visit| visit.act(errand::dead_upstream),
        |visit| visit.act(errand::refused_by_policy),
        |visit| visit.act(errand::upstream_that_closes),
    ];

    fn act(&mut self, act: Act) {
        let client = self.client.as_mut().expect("left only at the end");
        act(client, self.route);
    }

    /// Leaves what is begun; the next thing waits until its service has noticed.
    fn leave(&mut self, begin: Act) {
        self.act(begin);
        if let Some(client) = self.client.take() {
            client.reset();
        }
        self.mixed.wait_until_idle();
    }
}
