//! Counts for the admin address, in Prometheus' text format.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::runtime::RuntimeMetrics;

/// What this process counts. Labels are route paths, status classes and error types: all
/// of the operator's or our making, so that no client can grow them.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    octets: Family<OctetLabels, Counter>,
    errors: Family<ErrorLabels, Counter>,
    first_octet: Histogram,
    in_flight: Gauge,
    pool_hits: Counter,
    pool_misses: Counter,
    tasks: Gauge,
    /// Where the tasks are: asked for at a scrape, so that none is counted by hand.
    runtimes: Mutex<Vec<RuntimeMetrics>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OctetLabels {
    route: String,
    direction: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ErrorLabels {
    r#type: &'static str,
}

/// Upper bounds in seconds: a hit on a warm connection to a model's long thought.
const FIRST_OCTET_BOUNDS: [f64; 12] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0,
];

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Metrics {
            registry: Registry::with_prefix("cred_proxy"),
            requests: Family::default(),
            octets: Family::default(),
            errors: Family::default(),
            first_octet: Histogram::new(FIRST_OCTET_BOUNDS),
            in_flight: Gauge::default(),
            pool_hits: Counter::default(),
            pool_misses: Counter::default(),
            tasks: Gauge::default(),
            runtimes: Mutex::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "requests",
            "Exchanges ended, by route and status class",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "body",
            "Payload relayed, by route and direction",
            Unit::Bytes,
            self.octets.clone(),
        );
        registry.register(
            "errors",
            "Exchanges that failed, by type",
            self.errors.clone(),
        );
        registry.register_with_unit(
            "first_octet",
            "From request head to response head",
            Unit::Seconds,
            self.first_octet.clone(),
        );
        registry.register("in_flight", "Exchanges under way", self.in_flight.clone());
        registry.register(
            "pool_hits",
            "Exchanges that found an upstream connection at hand",
            self.pool_hits.clone(),
        );
        registry.register(
            "pool_misses",
            "Exchanges for which an upstream connection was made",
            self.pool_misses.clone(),
        );
        registry.register(
            "tasks",
            "Tasks alive on the workers: one a client connection, besides those that are always there",
            self.tasks.clone(),
        );
        self
    }

    /// A worker whose tasks are told.
    pub(crate) fn worker_begins(&self, runtime: RuntimeMetrics) {
        let runtimes = self.runtimes.lock();
        runtimes
            .unwrap_or_else(PoisonError::into_inner)
            .push(runtime);
    }

    fn count_tasks(&self) {
        let runtimes = self.runtimes.lock();
        let runtimes = runtimes.unwrap_or_else(PoisonError::into_inner);
        let tasks: usize = runtimes.iter().map(RuntimeMetrics::num_alive_tasks).sum();
        self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
    }

    /// Counts an exchange in; it counts itself out when dropped.
    pub(crate) fn exchange_begins(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts whether an upstream connection was at hand.
    pub(crate) fn upstream_acquired(&self, reused: bool) {
        if reused {
            self.pool_hits.inc();
        } else {
            self.pool_misses.inc();
        }
    }

    /// Counts one exchange.
    pub(crate) fn exchange_ended(
        &self,
        route: Option<&str>,
        status: Option<u16>,
        error: Option<&'static str>,
        octets_up: u64,
        octets_down: u64,
        first_octet: Option<Duration>,
    ) {
        let route = route.unwrap_or("").to_owned();
        let labels = RequestLabels {
            route: route.clone(),
            class: class_of(status),
        };
        self.requests.get_or_create(&labels).inc();
        for (direction, octets) in [("up", octets_up), ("down", octets_down)] {
            if octets > 0 {
                let labels = OctetLabels {
                    route: route.clone(),
                    direction,
                };
                self.octets.get_or_create(&labels).inc_by(octets);
            }
        }
        if let Some(r#type) = error {
            self.errors.get_or_create(&ErrorLabels { r#type }).inc();
        }
        if let Some(first_octet) = first_octet {
            self.first_octet.observe(first_octet.as_secs_f64());
        }
    }

    /// The text that a scrape gets.
    pub(crate) fn render(&self) -> Result<String, std::fmt::Error> {
        self.count_tasks();
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// One exchange among those under way.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn class_of(status: Option<u16>) -> &'static str {
    match status.map(|status| status / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(5) => "5xx",
        Some(_) | None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_is_counted_under_its_route_and_class() {
        let metrics = Metrics::new();
        metrics.exchange_ended(
            Some("/gh-api/"),
            Some(204),
            None,
            3,
            0,
            Some(Duration::from_millis(2)),
        );
        metrics.exchange_ended(None, Some(404), Some("destination_not_found"), 0, 0, None);
        let text = metrics.render().expect("text");
        for line in [
            "cred_proxy_requests_total{route=\"/gh-api/\",class=\"2xx\"} 1",
            "cred_proxy_requests_total{route=\"\",class=\"4xx\"} 1",
            "cred_proxy_body_bytes_total{route=\"/gh-api/\",direction=\"up\"} 3",
            "cred_proxy_errors_total{type=\"destination_not_found\"} 1",
            "cred_proxy_first_octet_seconds_count 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
