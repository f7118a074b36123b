//! Both ends of the proxy seen by one thread: a client, a service with every connection
//! that it accepts, and whatever comes on any of them, read as it comes.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::endpoint::Endpoint;
use crate::leak::Leaks;
use crate::upstream::listen;

/// What was wrong, a sentence.
pub type Breach = String;

/// A way through a proxy that nobody else uses: a route of its own, a service of its own.
pub struct Slot {
    /// Where the proxy listens.
    pub proxy: SocketAddr,
    /// The path of the route.
    pub prefix: String,
    /// Where the service listens.
    pub listener: TcpListener,
    /// The tokens that must not come downstream.
    pub leaks: Arc<Leaks>,
    /// How long anything may take.
    pub guard: Duration,
}

impl Slot {
    /// A listener for the service of a slot.
    pub fn listener() -> TcpListener {
        let listener = listen();
        listener.set_nonblocking(true).expect("non-blocking");
        listener
    }

    /// Drops connections that nobody has accepted.
    pub(crate) fn clear(&self) {
        while self.listener.accept().is_ok() {}
    }

    /// A new connection to the proxy.
    pub fn connect(&self) -> Result<Endpoint, Breach> {
        let stream = TcpStream::connect_timeout(&self.proxy, self.guard);
        stream
            .map(Endpoint::new)
            .map_err(|error| format!("cannot connect to the proxy: {error}"))
    }
}

/// The ends of one trial.
pub struct Stage<'a> {
    slot: &'a Slot,
    /// The client's end.
    pub client: Endpoint,
    /// The service's ends, in the order in which they were accepted.
    pub services: Vec<Endpoint>,
}

impl<'a> Stage<'a> {
    /// Connects a client.
    pub fn open(slot: &'a Slot) -> Result<Stage<'a>, Breach> {
        Ok(Stage {
            slot,
            client: slot.connect()?,
            services: Vec::new(),
        })
    }

    /// Whose stage this is.
    pub fn slot(&self) -> &'a Slot {
        self.slot
    }

    /// Reads and accepts what comes within `limit`, once.
    pub fn look(&mut self, limit: Duration) {
        let ends = std::iter::once(&self.client).chain(&self.services);
        let mut watched: Vec<PollFd<'_>> = ends
            .filter_map(Endpoint::live)
            .map(|stream| PollFd::new(stream, PollFlags::IN))
            .collect();
        watched.push(PollFd::new(&self.slot.listener, PollFlags::IN));
        let timeout = Timespec::try_from(limit).expect("a limit that fits");
        poll(&mut watched, Some(&timeout)).expect("poll");
        drop(watched);
        while let Ok((stream, _)) = self.slot.listener.accept() {
            self.services.push(Endpoint::new(stream));
        }
        self.client.read_available();
        for service in &mut self.services {
            service.read_available();
        }
    }

    /// Reads until `done`; that it takes too long is a breach.
    pub fn wait(
        &mut self,
        what: &str,
        mut done: impl FnMut(&Stage<'_>) -> bool,
    ) -> Result<(), Breach> {
        let due = Instant::now() + self.slot.guard;
        let mut pause = Duration::ZERO;
        while !done(self) {
            if Instant::now() > due {
                return Err(format!("hangs: {what} does not come; {}", self.told()));
            }
            self.look(pause);
            // What the kernel alone knows comes without an event.
            pause = Duration::from_millis(1);
        }
        Ok(())
    }

    /// All that passed, for a breach.
    pub fn told(&self) -> String {
        let mut text = format!("the client {}", told(&self.client));
        for service in &self.services {
            text.push_str(&format!("; the service {}", told(service)));
        }
        text
    }
}

fn told(end: &Endpoint) -> String {
    format!(
        "sent \"{}\" (then {:?}) and received \"{}\" (then {:?})",
        end.sent.escape_ascii(),
        end.finished,
        end.received.escape_ascii(),
        end.ended
    )
}
