//! What agents do all day: an agent that does one thing after the other by chance and
//! checks what it gets.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::errand::{self, UPLOAD_CEILING};
use harness::{Client, Proxy};

use crate::chance::Chance;

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

/// An errand that is told its route.
type Act = fn(&mut Client, &str);

/// A thing that agents do.
enum Kind {
    /// On the connection that is kept, and leaves it whole.
    Keeps(Act),
    /// On the connection that is kept, and ends it.
    Ends(Act),
    /// On a connection of its own.
    Comes(Act),
    /// The same, which it leaves.
    Leaves(Act),
    /// As [`Keeps`](Self::Keeps), of a target by chance.
    Small,
    /// As [`Keeps`](Self::Keeps), of a length by chance.
    Uploads(fn(&mut Client, &str, usize)),
}

/// The kinds of traffic, each with its name: so much more likely than the rarest.
const KINDS: [(usize, &str, Kind); 14] = [
    (5, "small GET", Kind::Small),
    (1, "large GET", Kind::Keeps(errand::large)),
    (2, "chunked POST", Kind::Uploads(errand::chunked_post)),
    (1, "sized POST", Kind::Uploads(errand::sized_post)),
    (2, "event stream", Kind::Keeps(errand::events)),
    (1, "upgrade", Kind::Comes(errand::upgrade)),
    (1, "gone in the head", Kind::Leaves(errand::begin_head)),
    (1, "gone in the body", Kind::Leaves(errand::begin_body)),
    (1, "gone in the answer", Kind::Leaves(errand::begin_answer)),
    (1, "dead upstream", Kind::Keeps(errand::dead_upstream)),
    (
        1,
        "upstream that closes",
        Kind::Keeps(errand::upstream_that_closes),
    ),
    (
        1,
        "upstream that breaks off",
        Kind::Ends(errand::upstream_that_breaks_off),
    ),
    (1, "refused framing", Kind::Ends(errand::refused_framing)),
    (
        1,
        "refused by policy",
        Kind::Keeps(errand::refused_by_policy),
    ),
];

/// One agent with its connection.
pub(crate) struct Agent<'a> {
    proxy: &'a Proxy,
    tally: &'a Tally,
    chance: Chance,
    kept: Option<Client>,
}

impl<'a> Agent<'a> {
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
        let mut lot = self
            .chance
            .below(KINDS.iter().map(|(share, ..)| share).sum());
        let drawn = KINDS.iter().find(|(share, ..)| {
            let is_drawn = lot < *share;
            lot = lot.saturating_sub(*share);
            is_drawn
        });
        let (_, name, kind) = drawn.expect("a lot below the sum of all shares");
        self.act(kind);
        self.tally.count(name);
    }

    fn act(&mut self, kind: &Kind) {
        let route = ["/plain", "/tls"][self.chance.below(2)];
        let mut client = match kind {
            Kind::Comes(_) | Kind::Leaves(_) => None,
            Kind::Keeps(_) | Kind::Ends(_) | Kind::Small | Kind::Uploads(_) => self.kept.take(),
        }
        .unwrap_or_else(|| self.proxy.client());
        match kind {
            Kind::Keeps(act) | Kind::Ends(act) | Kind::Comes(act) | Kind::Leaves(act) => {
                act(&mut client, route);
            }
            Kind::Small => {
                let target = format!("/{}", self.chance.below(1_000_000));
                errand::small(&mut client, route, &target);
            }
            Kind::Uploads(act) => act(&mut client, route, self.chance.below(UPLOAD_CEILING)),
        }
        match kind {
            Kind::Keeps(_) | Kind::Small | Kind::Uploads(_) => self.kept = Some(client),
            Kind::Leaves(_) if self.chance.below(2) == 0 => _ = client.reset(),
            Kind::Ends(_) | Kind::Comes(_) | Kind::Leaves(_) => _ = client.close(),
        }
    }
}
