//! Is the agent's network sealed? It is tried, and a start refuses where it is not.

use std::net::{Ipv4Addr, SocketAddr};

use super::limits::{HEALTH_LOOK, LOG_LINES, PROBE_PATIENCE, PROBE_WITHIN};
use super::sidecars::Sidecar;
use super::{Failure, Names, label::Labels};
use crate::docker::{ContainerSpec, Docker, Health};
use crate::probe;

/// Waits until a sidecar says that it is healthy.
///
/// # Errors
///
/// It ended, or did not say so in time; its last words.
pub(super) async fn wait_healthy(docker: &Docker, sidecar: &Sidecar) -> Result<(), Failure> {
    let container = sidecar.container.as_str();
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
    let healthy = tokio::time::timeout(sidecar.healthy_within, healthy).await;
    let why = match healthy {
        Ok(Ok(true)) => return Ok(()),
        Ok(Err(failure)) => return Err(failure),
        Ok(Ok(false)) => "ended, or is not healthy".to_owned(),
        Err(_elapsed) => format!(
            "was not healthy within {} s",
            sidecar.healthy_within.as_secs()
        ),
    };
    let words = last_words(docker, container).await;
    Err(Failure::NotStarted(format!("{container} {why}{words}")))
}

/// What a sidecar wrote last, to be put behind a sentence.
pub(super) async fn last_words(docker: &Docker, container: &str) -> String {
    let mut octets = Vec::new();
    let mut keep = |output: crate::docker::Output| octets.extend_from_slice(&output.octets);
    let read = docker
        .logs(container, Some(LOG_LINES), false, &mut keep)
        .await;
    let text = String::from_utf8_lossy(&octets).trim_end().to_owned();
    match (read, text.is_empty()) {
        (Err(error), _) => format!("; {error}"),
        (Ok(()), true) => "; it said nothing".to_owned(),
        (Ok(()), false) => format!("; it said:\n{text}"),
    }
}

/// What the agent's network looks like from outside.
#[derive(Clone, Debug)]
pub(super) struct Seal {
    /// Where the host would stand on it.
    gateway: Ipv4Addr,
    /// What must not answer there.
    forbidden: Vec<SocketAddr>,
    /// What Docker's own resolver is to ask: nobody who answers.
    pub resolver: Ipv4Addr,
    /// What must answer, or the probe proves nothing.
    control: Option<(&'static str, u16)>,
}

/// Looks up the addresses of this bottle.
///
/// # Errors
///
/// Docker's, or that a sidecar has no address.
pub(super) async fn look(
    docker: &Docker,
    names: &Names,
    sidecars: &[Sidecar],
) -> Result<Seal, Failure> {
    let gateway = docker.network_addresses(&names.internal).await?.gateway;
    let mut seal = Seal {
        gateway,
        forbidden: Vec::new(),
        resolver: super::agent::NO_RESOLVER,
        control: sidecars.first().map(|first| (first.host, first.port)),
    };
    for sidecar in sidecars {
        let container = &sidecar.container;
        let addresses = docker.container(container).await?;
        let addresses = addresses.map(|state| state.addresses);
        let on = |network: &str| {
            let mut all = addresses.iter().flatten();
            let found = all.find(|(name, _)| name == network);
            found.map(|(_, address)| *address).ok_or_else(|| {
                Failure::NotStarted(format!("{container} has no address on {network}"))
            })
        };
        // A port that refuses at once: an address that no one has keeps Docker's resolver, and
        // with it the end of a container, waiting for four seconds.
        seal.resolver = on(&names.internal)?;
        // The host stands on the other network of this bottle, too.
        let outer_gateway = docker.network_addresses(&names.egress).await?.gateway;
        let outer = [on(&names.egress)?, outer_gateway];
        let outer = outer.map(|address| SocketAddr::from((address, sidecar.port)));
        seal.forbidden.extend(outer);
    }
    Ok(seal)
}

/// Runs the probe on the agent's network. Gives what it noted, a sentence each.
///
/// # Errors
///
/// What it reached, or why it could not try.
pub(super) async fn prove(
    docker: &Docker,
    image: &str,
    seal: &Seal,
    names: &Names,
    labels: &Labels,
) -> Result<Vec<String>, Failure> {
    let spec = ContainerSpec {
        name: names.probe.clone(),
        labels: labels.of("probe"),
        image: image.to_owned(),
        command: command(seal),
        network: Some(names.internal.clone()),
        resolvers: vec![seal.resolver],
        read_only: true,
        processes: 64,
        ..ContainerSpec::default()
    };
    let probed = tokio::time::timeout(PROBE_WITHIN, run_probe(docker, &spec)).await;
    let words = probed.map_err(|_elapsed| {
        let seconds = PROBE_WITHIN.as_secs();
        Failure::NotStarted(format!("the probe took more than {seconds} s"))
    })??;
    verdict(&words)
}

/// What the probe's words come to: it says that all is sealed in the end, or did not get there.
fn verdict(words: &str) -> Result<Vec<String>, Failure> {
    let notes = words
        .lines()
        .filter_map(|line| line.strip_prefix(probe::NOTE));
    match words.lines().last() {
        Some(probe::SEALED) => Ok(notes.map(str::to_owned).collect()),
        Some(_) => Err(Failure::NotStarted(format!(
            "the bottle is not sealed, so no agent was started. From its network:\n{words}"
        ))),
        None => Err(Failure::NotStarted("the probe said nothing".to_owned())),
    }
}

/// Gives what the probe says, up to its last word. Its container is removed with the bottle:
/// the end of one may take seconds, the verdict is there before.
async fn run_probe(docker: &Docker, spec: &ContainerSpec) -> Result<String, Failure> {
    docker.create_container(spec).await?;
    let mut attached = docker.attach(&spec.name, false, false).await?;
    docker.start_container(&spec.name).await?;
    let mut words = String::new();
    while let Some(output) = attached.output.next().await? {
        words.push_str(&String::from_utf8_lossy(&output.octets));
        if words.lines().last() == Some(probe::SEALED) {
            break;
        }
    }
    Ok(words.trim_end().to_owned())
}

fn command(seal: &Seal) -> Vec<String> {
    let (gateway, patience) = (seal.gateway, PROBE_PATIENCE.as_millis());
    let mut words = vec!["/bottle".to_owned(), "probe".to_owned()];
    words.extend([
        format!("--gateway={gateway}"),
        format!("--patience-ms={patience}"),
    ]);
    let forbidden = seal.forbidden.iter();
    words.extend(forbidden.map(|address| format!("--forbidden={address}")));
    let control = seal.control.iter();
    words.extend(control.map(|(host, port)| format!("--control={host}:{port}")));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_no_breach_and_a_breach_no_note() {
        let noted = verdict("note: a socket opens\nsealed").ok();
        assert_eq!(noted, Some(vec!["a socket opens".to_owned()]));
        assert_eq!(verdict("sealed").ok(), Some(Vec::new()));
        for words in ["", "note: sealed", "10.0.0.1:80 takes connections"] {
            assert!(verdict(words).is_err(), "{words}");
        }
    }
}
