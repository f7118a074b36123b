//! The sidecars of a bottle: which it has, and how long each may take to be healthy.

use std::time::Duration;

use super::Names;
use super::limits::{GATE_FILLED_WITHIN, HEALTHY_WITHIN};
use crate::plan::{GATE_HOST, GATE_PORT, PROXY_HOST, PROXY_PORT, Plan};

/// What fails without the proxy.
pub(crate) const WITHOUT_PROXY: &str = "the agent's calls fail";

/// What fails without the gate.
pub(crate) const WITHOUT_GATE: &str = "the agent's fetches and pushes fail";

/// A sidecar that the agent calls.
#[derive(Clone, Debug)]
pub(super) struct Sidecar {
    /// Its container.
    pub container: String,
    /// Its name on the agent's network.
    pub host: &'static str,
    /// Where it listens there.
    pub port: u16,
    /// How long it may take until it does.
    pub healthy_within: Duration,
    /// What fails without it.
    pub serves: &'static str,
}

/// Those of a plan. The first is up soonest.
pub(super) fn of(plan: &Plan, names: &Names) -> Vec<Sidecar> {
    let proxy = (!plan.routes.is_empty()).then(|| Sidecar {
        container: names.proxy.clone(),
        host: PROXY_HOST,
        port: PROXY_PORT,
        healthy_within: HEALTHY_WITHIN,
        serves: WITHOUT_PROXY,
    });
    let gate = plan.gate.is_some().then(|| Sidecar {
        container: names.gate.clone(),
        host: GATE_HOST,
        port: GATE_PORT,
        healthy_within: GATE_FILLED_WITHIN,
        serves: WITHOUT_GATE,
    });
    proxy.into_iter().chain(gate).collect()
}
