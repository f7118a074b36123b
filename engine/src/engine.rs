//! The process at work: workers, each a thread with a runtime, a listener and a pool of
//! its own, and what reaches all of them: new routes, and the end.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::fmt;
use std::hash::BuildHasher;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::access_log::AccessLog;
use crate::downstream::{Listeners, accept};
use crate::exchange::Connections;
use crate::forward::Pseudonym;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::policy::AllowedHosts;
use crate::route::RouteTable;
use crate::upstream::{Connector, Upstreams};
use crate::wire::KernelPipes;
use crate::worker::Worker;

/// What an engine is started with.
pub struct Setup {
    /// Where it listens.
    pub listen: Listen,
    /// Threads; at least one.
    pub workers: usize,
    /// The routes to begin with.
    pub routes: RouteTable,
    /// The way to the services.
    pub connector: Connector,
    /// By which names it may be called.
    pub allowed_hosts: AllowedHosts,
    /// Every number.
    pub limits: Arc<Limits>,
    /// Where it reports.
    pub log: Arc<AccessLog>,
    /// Whether it counts.
    pub metrics: bool,
}

/// Where an engine listens.
pub enum Listen {
    /// On sockets of its own.
    Address(SocketAddr),
    /// On sockets that somebody else made.
    Inherited(Vec<StdListener>),
}

/// Why an engine did not start.
#[derive(Debug)]
pub enum StartError {
    /// No listening socket could be had there.
    Listen(SocketAddr, io::Error),
    /// The sockets that were handed over could not be used.
    Inherit(io::Error),
    /// A thread or its runtime could not be had.
    Worker(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen(address, error) => {
                write!(out, "can't listen on {address}: {error}")
            }
            StartError::Inherit(error) => {
                write!(out, "can't use the sockets of LISTEN_FDS: {error}")
            }
            StartError::Worker(error) => write!(out, "can't start a worker: {error}"),
        }
    }
}

/// A running engine. Dropped, it stops at once; [`Engine::drain`] lets exchanges finish.
pub struct Engine {
    address: SocketAddr,
    workers: Vec<Arc<Worker>>,
    threads: Vec<JoinHandle<()>>,
    admissions: Arc<Semaphore>,
    connections: u32,
    /// Closed when nobody accepts any more: each accept loop holds a sender.
    accepting: mpsc::Receiver<Infallible>,
    limits: Arc<Limits>,
    metrics: Option<Arc<Metrics>>,
    drain: CancellationToken,
    stop: CancellationToken,
}

impl Engine {
    /// Opens the sockets and starts the workers.
    pub fn start(setup: Setup) -> Result<Engine, StartError> {
        let workers = setup.workers.max(1);
        let listeners = match setup.listen {
            Listen::Address(address) => Listeners::open(address, workers)
                .map_err(|error| StartError::Listen(address, error))?,
            Listen::Inherited(sockets) => {
                Listeners::inherit(&sockets, workers).map_err(StartError::Inherit)?
            }
        };
        let connections = u32::try_from(setup.limits.connections).unwrap_or(u32::MAX);
        let (accepts, accepting) = mpsc::channel(1);
        let mut engine = Engine {
            address: listeners.address(),
            workers: Vec::with_capacity(workers),
            threads: Vec::with_capacity(workers),
            admissions: Arc::new(Semaphore::new(setup.limits.connections)),
            connections,
            accepting,
            limits: Arc::clone(&setup.limits),
            metrics: setup.metrics.then(|| Arc::new(Metrics::new())),
            drain: CancellationToken::new(),
            stop: CancellationToken::new(),
        };
        let routes = Arc::new(setup.routes);
        let connector = Arc::new(setup.connector);
        let pseudonym = Pseudonym::new(random_tail());
        let kernel_pipes = Arc::new(KernelPipes::default());
        for sockets in listeners.share_out(workers) {
            let worker = Arc::new(Worker::new(
                Arc::clone(&routes),
                Upstreams::new(Arc::clone(&connector), &setup.limits),
                Arc::clone(&setup.limits),
                pseudonym.clone(),
                setup.allowed_hosts.clone(),
                Arc::clone(&setup.log),
                engine.metrics.clone(),
                Arc::clone(&kernel_pipes),
                // A token of its own: asking a shared one would be a lock between workers.
                engine.drain.child_token(),
            ));
            engine
                .start_worker(worker, sockets, accepts.clone())
                .map_err(StartError::Worker)?;
        }
        Ok(engine)
    }

    fn start_worker(
        &mut self,
        worker: Arc<Worker>,
        sockets: Vec<StdListener>,
        accepts: mpsc::Sender<Infallible>,
    ) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listeners = {
            let _reactor = runtime.enter();
            let listeners = sockets.into_iter().map(TcpListener::from_std);
            listeners.collect::<io::Result<Vec<_>>>()?
        };
        if let Some(metrics) = &self.metrics {
            metrics.worker_begins(runtime.metrics());
        }
        let (admissions, stop) = (Arc::clone(&self.admissions), self.stop.clone());
        self.workers.push(Arc::clone(&worker));
        let thread = std::thread::Builder::new()
            .name("worker".into())
            .spawn(move || {
                work(&runtime, &worker, listeners, &admissions, accepts, &stop);
                // A resolver that hangs in a blocking call must not hold up the end.
                runtime.shutdown_background();
            })?;
        self.threads.push(thread);
        Ok(())
    }

    /// Where it listens; the port is the real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts new routes in the place of the old ones, for requests to come.
    pub fn set_routes(&self, routes: RouteTable) {
        let routes = Arc::new(routes);
        for worker in &self.workers {
            worker.set_routes(Arc::clone(&routes));
        }
    }

    /// The counts, if it counts.
    pub(crate) fn metrics(&self) -> Option<Arc<Metrics>> {
        self.metrics.clone()
    }

    /// Stops accepting, closes idle connections, and waits until all exchanges have
    /// ended, at most for the drain deadline. `false`: some had to be cut.
    pub async fn drain(mut self) -> bool {
        self.drain.cancel();
        let limit = self.limits.drain_time;
        let all_ended = async {
            // Who was in the accept queue is admitted first: asking for all admissions
            // would keep them from everybody who asks later.
            while self.accepting.recv().await.is_some() {}
            self.admissions.acquire_many(self.connections).await.is_ok()
        };
        tokio::time::timeout(limit, all_ended).await == Ok(true)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.drain.cancel();
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // If it panicked, its message is on standard error already.
            let _ = thread.join();
        }
    }
}

/// The keys of a `RandomState` come from the operating system. A guess would gain an
/// attacker a 508 to his own request, no more.
fn random_tail() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// A worker's life.
fn work(
    runtime: &Runtime,
    worker: &Arc<Worker>,
    listeners: Vec<TcpListener>,
    admissions: &Arc<Semaphore>,
    accepts: mpsc::Sender<Infallible>,
    stop: &CancellationToken,
) {
    runtime.block_on(async {
        for listener in listeners {
            drop(tokio::spawn(accept_all(
                listener,
                Arc::clone(worker),
                Arc::clone(admissions),
                accepts.clone(),
            )));
        }
        drop(accepts);
        let sweeper = tokio::spawn(sweep(Arc::clone(worker)));
        stop.cancelled().await;
        sweeper.abort();
    });
}

async fn accept_all(
    listener: TcpListener,
    worker: Arc<Worker>,
    admissions: Arc<Semaphore>,
    _accepts: mpsc::Sender<Infallible>,
) {
    let connections = Connections::of(Arc::clone(&worker));
    let log = Arc::clone(&worker.log);
    let stop = worker.drain.clone();
    let report = |error: &io::Error| log.process(&format!("can't accept a connection: {error}"));
    accept(listener, admissions, stop, report, |stream, admission| {
        let connections = Arc::clone(&connections);
        drop(tokio::spawn(connections.serve(stream, admission)));
    })
    .await;
}

/// Closes upstream connections that nobody used for too long.
async fn sweep(worker: Arc<Worker>) {
    let period = (worker.limits.pool_idle_time / 2).max(Duration::from_millis(10));
    loop {
        tokio::time::sleep(period).await;
        worker.upstreams.sweep();
    }
}
