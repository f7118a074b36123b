//! The container of the git gate.

use std::path::Path;

use zeroize::Zeroizing;

use super::archive::Archive;
use super::gate_files::{DIRECTORY, GateRequest, files};
use super::image::{USER, static_program};
use super::limits::{GATE_FILLED_WITHIN, GATE_MEMORY_OCTETS, GATE_PROCESSES, HEALTH_INTERVAL};
use super::{Failure, Names, label::Labels};
use crate::docker::{ContainerSpec, Docker, HealthCheck, Logging};
use crate::host::secret::Secret;
use crate::plan::{GATE_HOST, GATE_PORT, Gate};

/// What runs in it: the launcher's own, whatever version the image's tools are of.
const PROGRAM: &str = "bottle-gate";

/// Where the mirrors lie; the image says whose it is.
const MIRRORS: &str = "/git";

/// The image's scanner.
const SCANNER: &str = "gitleaks";

/// The container.
pub(super) fn spec(names: &Names, labels: &Labels, gate: &Gate) -> ContainerSpec {
    let program = format!("{DIRECTORY}/{PROGRAM}");
    let listen = format!("0.0.0.0:{GATE_PORT}");
    ContainerSpec {
        name: names.gate.clone(),
        labels: labels.of(GATE_HOST),
        image: gate.image.clone(),
        command: [&program, "serve", "--listen", &listen]
            .map(str::to_owned)
            .into(),
        user: Some(format!("{}:{}", USER.0, USER.1)),
        hostname: Some(GATE_HOST.to_owned()),
        // Made on the outer network, so that its names and routes outside are there first.
        network: Some(names.egress.clone()),
        read_only: true,
        memory: Some(GATE_MEMORY_OCTETS),
        processes: GATE_PROCESSES,
        volumes: vec![DIRECTORY.to_owned(), MIRRORS.to_owned()],
        health: Some(HealthCheck {
            command: vec![program, "healthcheck".to_owned()],
            interval: HEALTH_INTERVAL,
            // It listens once its mirrors are filled.
            start: GATE_FILLED_WITHIN,
        }),
        logging: Logging::Kept,
        ..ContainerSpec::default()
    }
}

/// Makes the container, gives it its program and its files, and starts it.
///
/// # Errors
///
/// Docker's, or that its program is not what it must be.
pub(super) async fn start(
    docker: &Docker,
    names: &Names,
    labels: &Labels,
    gate: &Gate,
    request: &GateRequest,
    keys: &[(String, Secret)],
) -> Result<(), Failure> {
    let program = static_program(&request.program, PROGRAM)
        .map_err(|error| Failure::NotStarted(error.to_string()))?;
    let spec = spec(names, labels, gate);
    docker.create_container(&spec).await?;
    docker
        .connect_network(&names.internal, &spec.name, &[GATE_HOST.to_owned()])
        .await?;
    let unpacked = |error: std::io::Error| Failure::NotStarted(format!("{GATE_HOST}: {error}"));
    let state = state(gate, &program, keys).map_err(unpacked)?;
    docker.upload(&spec.name, DIRECTORY, state).await?;
    Ok(docker.start_container(&spec.name).await?)
}

/// The archive of its state: what it is told, its keys, its program.
fn state(gate: &Gate, program: &[u8], keys: &[(String, Secret)]) -> std::io::Result<Vec<u8>> {
    let mut archive = Archive::of(USER);
    archive.file(Path::new(PROGRAM), 0o555, program)?;
    for directory in [crate::gate::KEYS, crate::gate::KNOWN_HOSTS] {
        archive.directory(Path::new(directory), 0o500)?;
    }
    for file in files(gate, SCANNER, keys)? {
        let content: &Zeroizing<Vec<u8>> = &file.content;
        archive.file(&file.path, 0o400, content)?;
    }
    archive.finish()
}
