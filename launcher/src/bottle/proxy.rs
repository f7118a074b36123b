//! The container of the engine.

use std::path::Path;
use std::time::Duration;

use super::archive::Archive;
use super::certificates;
use super::image::USER;
use super::limits::{HEALTH_INTERVAL, PROXY_MEMORY_OCTETS, PROXY_PROCESSES};
use super::{Failure, Names, label::Labels};
use crate::docker::{ContainerSpec, Docker, HealthCheck, Logging};
use crate::plan::PROXY_HOST;

/// The volume that its files go into: its root is read-only, and a read-only root takes none.
const DIRECTORY: &str = "/run/cred-proxy";

/// The host's variables that steer the engine's way out. The agent never gets them.
#[derive(Clone, Debug, Default)]
pub struct WayOut {
    /// `NAME=VALUE` of the proxy variables that are set.
    pub proxies: Vec<String>,
    /// What `SSL_CERT_FILE` and `SSL_CERT_DIR` lead to, if they are set.
    pub certificates: Option<Vec<u8>>,
}

/// Both spellings are read by the engine; the one that is set goes to it.
pub const WAY_OUT_VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Where the host says that its authorities are.
pub const CERTIFICATE_VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

impl WayOut {
    /// Reads the host's variables with `variable`.
    ///
    /// # Errors
    ///
    /// What a variable names can't be read.
    pub fn of_host(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let set = |name: &&str| Some(format!("{name}={}", variable(name)?));
        let (file, directories) = (variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR"));
        Ok(Self {
            proxies: WAY_OUT_VARIABLES.iter().filter_map(set).collect(),
            certificates: certificates::named(file.as_deref(), directories.as_deref())?,
        })
    }

    /// Sentences about what will not work from within a container.
    pub fn warnings(&self) -> Vec<String> {
        let loopback = |setting: &&String| {
            let value = setting.split_once('=').map_or("", |(_, value)| value);
            let host = value.rsplit_once("://").map_or(value, |(_, host)| host);
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            let is_proxy = !setting.to_ascii_lowercase().starts_with("no_proxy");
            is_proxy
                && ["127.", "localhost", "[::1]"]
                    .iter()
                    .any(|l| host.starts_with(l))
        };
        let sentence = |setting: &String| {
            let name = setting.split('=').next().unwrap_or_default();
            format!(
                "{name} names this machine's loopback, which cred-proxy does not reach from its container; let the proxy listen on another address"
            )
        };
        self.proxies.iter().filter(loopback).map(sentence).collect()
    }
}

/// The container.
pub(super) fn spec(names: &Names, labels: &Labels, image: &str, way_out: &WayOut) -> ContainerSpec {
    let mut environment = way_out.proxies.clone();
    if way_out.certificates.is_some() {
        environment.push(format!("SSL_CERT_FILE={DIRECTORY}/authorities.pem"));
    }
    let program = format!("/{PROXY_HOST}");
    let words = [
        &program,
        "--tokens-stdin",
        "--allow-host",
        PROXY_HOST,
        "--log",
        "access",
    ];
    ContainerSpec {
        name: names.proxy.clone(),
        labels: labels.of(PROXY_HOST),
        image: image.to_owned(),
        command: words.map(str::to_owned).into(),
        environment,
        user: Some(format!("{}:{}", USER.0, USER.1)),
        hostname: Some(PROXY_HOST.to_owned()),
        // Made on the outer network, so that its names and routes outside are there first.
        network: Some(names.egress.clone()),
        standard_input: true,
        read_only: true,
        memory: Some(PROXY_MEMORY_OCTETS),
        processes: PROXY_PROCESSES,
        volumes: vec![DIRECTORY.to_owned()],
        health: Some(HealthCheck {
            command: vec![program, "healthcheck".to_owned()],
            interval: HEALTH_INTERVAL,
            start: Duration::ZERO,
        }),
        logging: Logging::Kept,
        ..ContainerSpec::default()
    }
}

/// Makes the container, gives it its files, starts it and gives it its tokens.
///
/// # Errors
///
/// Docker's.
pub(super) async fn start(
    docker: &Docker,
    spec: &ContainerSpec,
    names: &Names,
    routes_json: &str,
    way_out: &WayOut,
    tokens: &[u8],
) -> Result<(), Failure> {
    docker.create_container(spec).await?;
    let aliases = [PROXY_HOST.to_owned()];
    docker
        .connect_network(&names.internal, &spec.name, &aliases)
        .await?;
    let mut files = Archive::of(USER);
    let routes = Path::new("routes.json");
    let packed = files
        .file(routes, 0o600, routes_json.as_bytes())
        .and_then(|()| match &way_out.certificates {
            Some(bundle) => files.file(Path::new("authorities.pem"), 0o600, bundle),
            None => Ok(()),
        })
        .and_then(|()| files.finish());
    let packed = packed.map_err(|error| Failure::NotStarted(format!("routes.json: {error}")))?;
    docker.upload(&spec.name, DIRECTORY, packed).await?;
    // Attached before the start: the engine reads its tokens before anything else.
    let mut attached = docker.attach(&spec.name, true, false).await?;
    docker.start_container(&spec.name).await?;
    let given = match attached.input.write(tokens).await {
        Ok(()) => attached.input.end().await,
        Err(error) => Err(error),
    };
    given.map_err(|error| {
        Failure::NotStarted(format!("could not give cred-proxy its tokens: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_way_out_goes_to_the_engine() {
        let host = |name: &str| match name {
            "https_proxy" => Some("http://u:p@127.0.0.1:3128".to_owned()),
            "NO_PROXY" => Some("localhost".to_owned()),
            _ => None,
        };
        let way_out = WayOut::of_host(&host).expect("nothing to read");
        assert_eq!(
            way_out.proxies,
            [
                "https_proxy=http://u:p@127.0.0.1:3128",
                "NO_PROXY=localhost"
            ]
        );
        let warnings = way_out.warnings();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with("https_proxy ") && !warnings[0].contains("u:p"));
    }
}
