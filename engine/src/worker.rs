//! What one worker thread owns. Nothing of it is shared with another worker but the
//! route table, the log, the metrics, the kernel pipes and the count of connections.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::access_log::AccessLog;
use crate::clock::Clock;
use crate::forward::Pseudonym;
use crate::limits::{Limits, MEMORIES_KEPT};
use crate::message::HeadStorage;
use crate::metrics::Metrics;
use crate::policy::AllowedHosts;
use crate::route::RouteTable;
use crate::upstream::Upstreams;
use crate::wire::{Batch, FreeList, KernelPipes, ReadBuffer};

/// The state of one worker thread.
pub(crate) struct Worker {
    routes: Mutex<Arc<RouteTable>>,
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: Arc<Limits>,
    pub(crate) pseudonym: Pseudonym,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) log: Arc<AccessLog>,
    pub(crate) metrics: Option<Arc<Metrics>>,
    /// Boxed, for it is handed on by every exchange.
    pub(crate) memory: FreeList<Box<Memory>>,
    pub(crate) kernel_pipes: Arc<KernelPipes>,
    pub(crate) drain: CancellationToken,
    pub(crate) clock: Clock,
}

/// The memory of one exchange; an idle connection holds none.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) client: ReadBuffer,
    pub(crate) service: ReadBuffer,
    pub(crate) request: Batch,
    pub(crate) response: Batch,
    pub(crate) request_head: HeadStorage,
    pub(crate) response_head: HeadStorage,
}

impl Worker {
    /// A worker with nothing under way.
    #[allow(clippy::too_many_arguments)] // Each is a part of its own, named at the one place of the call.
    pub(crate) fn new(
        routes: Arc<RouteTable>,
        upstreams: Upstreams,
        limits: Arc<Limits>,
        pseudonym: Pseudonym,
        allowed_hosts: AllowedHosts,
        log: Arc<AccessLog>,
        metrics: Option<Arc<Metrics>>,
        kernel_pipes: Arc<KernelPipes>,
        drain: CancellationToken,
    ) -> Self {
        Worker {
            routes: Mutex::new(routes),
            upstreams,
            limits,
            pseudonym,
            allowed_hosts,
            log,
            metrics,
            memory: FreeList::new(MEMORIES_KEPT),
            kernel_pipes,
            drain,
            clock: Clock::default(),
        }
    }

    /// The route table for one exchange, which keeps it whatever is loaded meanwhile.
    pub(crate) fn routes(&self) -> Arc<RouteTable> {
        Arc::clone(&self.routes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The route table for exchanges to come.
    pub(crate) fn set_routes(&self, routes: Arc<RouteTable>) {
        *self.routes.lock().unwrap_or_else(PoisonError::into_inner) = routes;
    }
}
