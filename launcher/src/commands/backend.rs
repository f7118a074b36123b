//! What carries a plan out: Docker if it answers, or else this machine's own namespaces.

use std::ffi::OsString;

use super::connect;
use crate::args::Backend;
use crate::docker::DockerError;
use crate::local;

/// What carries a plan out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// What does.
    pub(super) backend: Backend,
    /// Why it is not the usual one; a sentence.
    pub(super) remark: Option<String>,
}

impl Chosen {
    /// The name as a manifest or a program reads it.
    pub(super) fn name(&self) -> &'static str {
        name(self.backend)
    }
}

fn name(backend: Backend) -> &'static str {
    match backend {
        Backend::Docker => "docker",
        Backend::Local => "local",
    }
}

/// What is asked for; or else Docker if it answers.
pub(super) async fn choose(wanted: Option<Backend>) -> Chosen {
    match wanted {
        Some(backend) => by_wish(backend),
        None => by_answer(connect().await.map(drop)),
    }
}

fn by_wish(backend: Backend) -> Chosen {
    Chosen {
        backend,
        remark: None,
    }
}

fn by_answer(answer: Result<(), DockerError>) -> Chosen {
    match answer {
        Ok(()) => by_wish(Backend::Docker),
        Err(error) => Chosen {
            backend: Backend::Local,
            remark: Some(error.fact().to_owned()),
        },
    }
}

/// The host's `PATH`, or what stands for it where none is set.
pub(super) fn host_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

/// Whether the local backend can be tried at all.
///
/// # Errors
///
/// A sentence with the remedy.
pub(super) fn local_usable() -> Result<(), String> {
    local::usable(&host_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wish_is_followed_without_asking_docker() {
        for backend in [Backend::Docker, Backend::Local] {
            assert_eq!(choose(Some(backend)).await, by_wish(backend));
        }
    }

    #[tokio::test]
    async fn where_no_docker_answers_it_is_local_and_said() {
        let place = tempfile::tempdir().expect("a directory");
        let socket = format!("unix://{}/none", place.path().display());
        let answer = crate::docker::Docker::connect(Some(&socket), None).await;
        let chosen = by_answer(answer.map(drop));
        assert_eq!(chosen.backend, Backend::Local);
        let remark = chosen.remark.expect("a reason");
        assert!(
            remark.starts_with("no Docker Engine answers at "),
            "{remark}"
        );
        assert!(!remark.contains("install"), "{remark}");
        assert_eq!(by_answer(Ok(())), by_wish(Backend::Docker));
    }
}
