//! What an exchange came to: one log line, one set of counts.

use std::sync::Arc;

use tokio::time::Instant;

use crate::access_log::LogLine;
use crate::error::Failure;
use crate::message::{RequestHead, RequestTarget};
use crate::metrics::InFlight;
use crate::route::Route;
use crate::worker::Worker;

/// Facts gathered while an exchange runs.
pub(super) struct Record {
    pub(super) started: Instant,
    pub(super) route: Option<Arc<Route>>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<&'static str>,
    pub(super) concerns_operator: bool,
    pub(super) sentence: Option<String>,
    pub(super) octets_up: u64,
    pub(super) octets_down: u64,
    pub(super) head_at: Option<Instant>,
    pub(super) reused: bool,
    _in_flight: Option<InFlight>,
}

impl Record {
    pub(super) fn begin(worker: &Worker) -> Self {
        Record {
            started: Instant::now(),
            route: None,
            status: None,
            error: None,
            concerns_operator: false,
            sentence: None,
            octets_up: 0,
            octets_down: 0,
            head_at: None,
            reused: false,
            _in_flight: worker
                .metrics
                .as_ref()
                .map(|metrics| metrics.exchange_begins()),
        }
    }

    /// Notes a failure before it is answered.
    pub(super) fn fail(&mut self, failure: &Failure, worker: &Worker) {
        self.error = Some(failure.error_type());
        self.concerns_operator = failure.concerns_operator();
        if worker.log.tells_sentences() {
            self.sentence = Some(failure.to_string());
        }
    }

    /// Writes it down.
    pub(super) fn close(self, head: Option<&RequestHead>, worker: &Worker) {
        let route = self.route.as_deref().map(|route| route.path.as_str());
        if let Some(metrics) = &worker.metrics {
            metrics.exchange_ended(
                route,
                self.status,
                self.error,
                self.octets_up,
                self.octets_down,
                self.head_at.map(|at| at.duration_since(self.started)),
            );
        }
        if !worker.log.wants(self.concerns_operator) {
            return;
        }
        worker.log.exchange(&LogLine {
            method: head.map(RequestHead::method_octets),
            route,
            path: head.and_then(path_of),
            status: self.status,
            error: self.error,
            sentence: self.sentence.as_deref(),
            octets_up: self.octets_up,
            octets_down: self.octets_down,
            first_octet: self.head_at.map(|at| at.duration_since(self.started)),
            total: self.started.elapsed(),
            reused: self.reused,
        });
    }
}

/// The path alone: tokens travel in queries, and in the userinfo of targets that are not
/// understood.
fn path_of(head: &RequestHead) -> Option<&[u8]> {
    match RequestTarget::of(head).ok()? {
        RequestTarget::Origin { path, .. } | RequestTarget::Absolute { path, .. } => Some(path),
        RequestTarget::Asterisk => Some(b"*"),
        RequestTarget::Authority => None,
    }
}
