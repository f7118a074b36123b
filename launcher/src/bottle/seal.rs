//! Is the agent's network sealed? It is tried, and a start refuses where it is not.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::limits::{HEALTH_LOOK, HEALTHY_WITHIN, LOG_LINES, PROBE_PATIENCE, PROBE_WITHIN};
use super::undo::{Made, Undo};
use super::{Failure, Names, label::Labels, proxy};
use crate::docker::{ContainerSpec, Docker, Health, Kind, Logging};
use crate::plan::PROXY_PORT;

/// Waits until a sidecar says that it is healthy.
///
/// # Errors
///
/// It ended, or did not say so in time; its last words.
pub async fn wait_healthy(docker: &Docker, container: &str) -> Result<(), Failure> {
    let healthy = async {
        loop {
            let Some(state) = docker.container(container).await? else {
                return Ok(false);
            };
            match state.health {
                Health::Healthy => return Ok(true),
                Health::Unhealthy => return Ok(false),
                Health::Starting | Health::Unknown if !state.running => return Ok(false),
                Health::Starting | Health::Unknown => tokio::time::sleep(HEALTH_LOOK).await,
            }
        }
    };
    let healthy = tokio::time::timeout(HEALTHY_WITHIN, healthy).await;
    let why = match healthy {
        Ok(Ok(true)) => return Ok(()),
        Ok(Err(failure)) => return Err(failure),
        Ok(Ok(false)) => "ended, or is not healthy".to_owned(),
        Err(_elapsed) => format!("was not healthy within {} s", HEALTHY_WITHIN.as_secs()),
    };
    let words = last_words(docker, container).await;
    Err(Failure::NotStarted(format!("{container} {why}{words}")))
}

/// What a sidecar wrote last, to be put behind a sentence.
pub async fn last_words(docker: &Docker, container: &str) -> String {
    let mut octets = Vec::new();
    let mut keep = |output: crate::docker::Output| octets.extend_from_slice(&output.octets);
    let read = docker.logs(container, Some(LOG_LINES), false, &mut keep).await;
    let text = String::from_utf8_lossy(&octets).trim_end().to_owned();
    match (read, text.is_empty()) {
        (Err(error), _) => format!("; {error}"),
        (Ok(()), true) => "; it said nothing".to_owned(),
        (Ok(()), false) => format!("; it said:\n{text}"),
    }
}

/// Runs the probe on the agent's network.
///
/// # Errors
///
/// What it reached, or why it could not try.
pub async fn prove(
    docker: &Docker,
    image: &str,
    names: &Names,
    labels: &Labels,
    with_proxy: bool,
    undo: &mut Undo,
) -> Result<(), Failure> {
    let gateway = docker.network_addresses(&names.internal).await?.gateway;
    let mut forbidden: Vec<SocketAddr> = Vec::new();
    if with_proxy {
        let state = docker.container(&names.proxy).await?;
        let outer = state.into_iter().flat_map(|state| state.addresses);
        let outer = outer.filter(|(network, _)| *network == names.egress);
        forbidden.extend(outer.map(|(_, address)| SocketAddr::from((address, PROXY_PORT))));
        if forbidden.is_empty() {
            let sentence = format!("{} has no address on {}", names.proxy, names.egress);
            return Err(Failure::NotStarted(sentence));
        }
        // Where the host stands on the other network of this bottle.
        let outer = docker.network_addresses(&names.egress).await?.gateway;
        forbidden.push(SocketAddr::from((outer, PROXY_PORT)));
    }
    let spec = ContainerSpec {
        name: names.probe.clone(),
        labels: labels.of("probe"),
        image: image.to_owned(),
        command: command(gateway, &forbidden, with_proxy),
        network: Some(names.internal.clone()),
        resolvers: vec![super::agent::NO_RESOLVER],
        read_only: true,
        processes: 64,
        logging: Logging::Kept,
        ..ContainerSpec::default()
    };
    undo.note(Made::Object(Kind::Container, spec.name.clone()));
    let probed = tokio::time::timeout(PROBE_WITHIN, run_probe(docker, &spec)).await;
    let (code, words) = probed.map_err(|_elapsed| {
        let seconds = PROBE_WITHIN.as_secs();
        Failure::NotStarted(format!("the probe took more than {seconds} s"))
    })??;
    match code {
        0 => Ok(()),
        SEAL_BROKEN => Err(Failure::NotStarted(format!(
            "the bottle is not sealed, so nothing was started. From the agent's network:\n{words}"
        ))),
        code => Err(Failure::NotStarted(format!(
            "the probe failed with exit code {code}: {words}"
        ))),
    }
}

/// What `bottle probe` ends with when it reached what it must not.
pub const SEAL_BROKEN: i64 = 3;

async fn run_probe(docker: &Docker, spec: &ContainerSpec) -> Result<(i64, String), Failure> {
    docker.create_container(spec).await?;
    let mut attached = docker.attach(&spec.name, false).await?;
    docker.start_container(&spec.name).await?;
    let mut octets = Vec::new();
    while let Some(output) = attached.output.next().await? {
        octets.extend_from_slice(&output.octets);
    }
    let code = docker.wait_container(&spec.name).await?;
    docker.remove_container(&spec.name).await?;
    Ok((code, String::from_utf8_lossy(&octets).trim_end().to_owned()))
}

fn command(gateway: Ipv4Addr, forbidden: &[SocketAddr], with_proxy: bool) -> Vec<String> {
    let patience = milliseconds(PROBE_PATIENCE);
    let mut words = vec!["/bottle".to_owned(), "probe".to_owned()];
    words.extend([format!("--gateway={gateway}"), format!("--patience-ms={patience}")]);
    words.extend(forbidden.iter().map(|address| format!("--forbidden={address}")));
    if with_proxy {
        let (name, port) = proxy::address();
        words.push(format!("--control={name}:{port}"));
    }
    words
}

fn milliseconds(time: Duration) -> u128 {
    time.as_millis()
}
