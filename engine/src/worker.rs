//! What one worker thread owns. Nothing of it is shared with another worker but the
//! route table, the log, the metrics and the count of connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use crate::access_log::AccessLog;
use crate::forward::Pseudonym;
use crate::limits::Limits;
use crate::message::HeadStorage;
use crate::metrics::Metrics;
use crate::policy::AllowedHosts;
use crate::route::RouteTable;
use crate::upstream::Upstreams;
use crate::wire::{Batch, FreeList, ReadBuffer};

/// The state of one worker thread.
pub(crate) struct Worker {
    routes: Mutex<Arc<RouteTable>>,
    pub(crate) upstreams: Upstreams,
    pub(crate) limits: Arc<Limits>,
    pub(crate) pseudonym: Pseudonym,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) log: Arc<AccessLog>,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) memory: FreeList<Memory>,
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

/// How many exchanges' memory a worker keeps: the parallel streams of a few agents.
const MEMORIES_KEPT: usize = 64;

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

/// The date as HTTP writes it (RFC 9110 §5.6.7), made once a second.
#[derive(Default)]
pub(crate) struct Clock {
    cached: Mutex<(u64, HttpDate)>,
}

/// An IMF-fixdate always has this length.
pub(crate) type HttpDate = [u8; 29];

impl Clock {
    /// The present, to the second.
    pub(crate) fn http_date(&self) -> HttpDate {
        let now = SystemTime::now();
        // A clock before 1970 is a wrong clock; its date would be wrong as well.
        let second = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.0 != second {
            let text = httpdate::fmt_http_date(now);
            if let Ok(date) = HttpDate::try_from(text.as_bytes()) {
                *cached = (second, date);
            }
        }
        cached.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_one_that_http_reads() {
        let date = Clock::default().http_date();
        let text = std::str::from_utf8(&date).expect("a date is ASCII");
        assert!(httpdate::parse_http_date(text).is_ok(), "{text}");
    }
}
