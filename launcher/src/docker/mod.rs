//! The Docker Engine, in our words: the only place that names its client library.
//!
//! ```text
//! Docker ─┬─ networks     create, addresses, remove
//!         ├─ images       look, build from an in-memory context, remove
//!         ├─ containers   create, start, wait, look, remove
//!         ├─ archive      files into a container and out of it
//!         ├─ attach       the container's standard streams
//!         └─ survey       all that bears our labels
//! ```
//!
//! Every error carries Docker's own text. Creating what exists and is ours, and removing what
//! is gone, is success: an undo may run twice.

mod archive;
mod attach;
mod containers;
mod error;
mod frames;
mod images;
mod networks;
mod survey;

pub use attach::{Attached, Input, Output, Reader, Stream};
pub use containers::{ContainerSpec, Health, HealthCheck, Logging, Mount, State};
pub use error::DockerError;
pub use images::{ImageFacts, ImageSpec, LabelledImage};
pub use networks::{Addresses, NetworkSpec};
pub use survey::{Kind, Labelled};

use std::path::{Path, PathBuf};

use error::Attempt;

/// Where the engine listens unless `DOCKER_HOST` says otherwise.
const SOCKET: &str = "/var/run/docker.sock";

/// How long one answer may take, in seconds. Waiting for a container to end is not an
/// answer: its head comes at once.
const ANSWER_TIMEOUT_S: u64 = 120;

/// A Docker Engine that answered.
#[derive(Debug)]
pub struct Docker {
    api: bollard::Docker,
    version: (u32, u32),
    socket: PathBuf,
}

impl Docker {
    /// Connects to the engine of this machine and agrees on a version with it.
    ///
    /// `docker_host` is the host's `DOCKER_HOST`, `runtime_dir` its `XDG_RUNTIME_DIR`, where
    /// an engine without root listens.
    ///
    /// # Errors
    ///
    /// One sentence that says why there is no Docker, and what to do.
    pub async fn connect(
        docker_host: Option<&str>,
        runtime_dir: Option<&Path>,
    ) -> Result<Self, DockerError> {
        let socket = socket(docker_host, runtime_dir)?;
        let path = socket.display().to_string();
        let unreachable = |error| DockerError::unreachable(&socket, error);
        let api = bollard::Docker::connect_with_unix(
            &path,
            ANSWER_TIMEOUT_S,
            bollard::API_DEFAULT_VERSION,
        )
        .map_err(unreachable)?;
        let api = api.negotiate_version().await.map_err(unreachable)?;
        let version = api.version().await.attempt("ask Docker for its version")?;
        let version = engine_version(version.version.as_deref().unwrap_or_default());
        Ok(Self {
            api,
            version,
            socket,
        })
    }

    /// Whether the engine is of this version or later.
    pub fn at_least(&self, major: u32, minor: u32) -> bool {
        self.version >= (major, minor)
    }

    /// Octets of memory of the machine that it runs on, where it knows.
    ///
    /// # Errors
    ///
    /// Docker's own.
    pub async fn memory(&self) -> Result<Option<u64>, DockerError> {
        let told = self
            .api
            .info()
            .await
            .attempt("ask Docker for its machine")?;
        let told = told.mem_total.and_then(|octets| u64::try_from(octets).ok());
        Ok(told.filter(|octets| *octets > 0))
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

fn socket(docker_host: Option<&str>, runtime_dir: Option<&Path>) -> Result<PathBuf, DockerError> {
    match docker_host.filter(|host| !host.is_empty()) {
        Some(host) => match host.strip_prefix("unix://") {
            Some(path) => Ok(PathBuf::from(path)),
            None => Err(DockerError::foreign_host(host)),
        },
        None => {
            let rootless = runtime_dir.map(|dir| dir.join("docker.sock"));
            let usual = PathBuf::from(SOCKET);
            Ok(rootless
                .filter(|rootless| !usual.exists() && rootless.exists())
                .unwrap_or(usual))
        }
    }
}

/// `20.10.24+dfsg1` is `(20, 10)`; what can't be read is the oldest of all.
fn engine_version(text: &str) -> (u32, u32) {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
    let mut next = || numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    (next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_engines_are_compared_by_number() {
        assert_eq!(engine_version("20.10.24+dfsg1"), (20, 10));
        assert_eq!(engine_version("27.1.0"), (27, 1));
        assert_eq!(engine_version("dev"), (0, 0));
        assert!(engine_version("27.1.0") > engine_version("9.12.0"));
    }

    #[test]
    fn an_engine_on_another_machine_is_refused() {
        assert_eq!(
            socket(Some("unix:///run/user/7/docker.sock"), None).ok(),
            Some(PathBuf::from("/run/user/7/docker.sock"))
        );
        let refused = socket(Some("tcp://10.0.0.1:2375"), None)
            .err()
            .map(|e| e.to_string());
        assert!(refused.is_some_and(|text| text.contains("tcp://10.0.0.1:2375")));
    }
}
