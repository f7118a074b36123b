//! What Docker said when it did not do a thing.

use std::fmt;
use std::path::Path;

/// A thing that Docker did not do, with its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerError {
    /// What was tried, as in "could not …"; empty where the text is a whole sentence.
    attempt: String,
    /// Docker's own words.
    text: String,
    /// The status of its answer, if it answered.
    status: Option<u16>,
}

impl DockerError {
    /// A failure that is not an answer of the engine's.
    pub(super) fn other(attempt: &str, text: impl fmt::Display) -> Self {
        Self {
            attempt: attempt.to_owned(),
            text: text.to_string(),
            status: None,
        }
    }

    /// An answer with a status that says no, and a body that says why: `{"message":"…"}`.
    pub(super) fn answer(attempt: &str, status: Option<u16>, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let json = text.find('{').zip(text.rfind('}'));
        let json = json.and_then(|(from, to)| serde_json::from_str(text.get(from..=to)?).ok());
        let message = json
            .and_then(|value: serde_json::Value| Some(value.get("message")?.as_str()?.to_owned()));
        Self {
            attempt: attempt.to_owned(),
            text: message.unwrap_or_else(|| text.trim().to_owned()),
            status,
        }
    }

    /// What is so, without the remedy.
    pub fn fact(&self) -> &str {
        self.text
            .split_once("; ")
            .map_or(&self.text, |(fact, _)| fact)
    }

    /// Nobody answers at the socket.
    pub(super) fn unreachable(socket: &Path, error: bollard::errors::Error) -> Self {
        let socket_path = socket.display();
        let text = with_causes(&error);
        let denied = std::os::unix::net::UnixStream::connect(socket)
            .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
        let text = match denied {
            true => format!(
                "Docker's socket {socket_path} may not be opened by you; join the group that owns it (often `docker`) and log in again, or use `--backend local`"
            ),
            false => format!(
                "no Docker Engine answers at {socket_path} ({text}); install one (Debian: `apt-get install docker.io`) and start it (`systemctl start docker`), or use `--backend local`"
            ),
        };
        Self {
            attempt: String::new(),
            text,
            status: None,
        }
    }

    /// `DOCKER_HOST` names what is not a socket of this machine.
    pub(super) fn foreign_host(host: &str) -> Self {
        Self {
            attempt: String::new(),
            text: format!(
                "DOCKER_HOST is {host}, but a bottle needs the Docker Engine of this machine: unset it, or give a socket as unix:///path"
            ),
            status: None,
        }
    }

    /// Whether the thing is not there (any more).
    pub fn is_absent(&self) -> bool {
        self.status == Some(404)
    }

    /// Whether the thing is there already, or on its way out.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self.status, Some(304 | 409))
    }

    /// Docker's own words.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for DockerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attempt.is_empty() {
            true => f.write_str(&self.text),
            false => write!(f, "could not {}: Docker says: {}", self.attempt, self.text),
        }
    }
}

impl std::error::Error for DockerError {}

/// Says what was tried when it failed.
pub(super) trait Attempt<T> {
    /// `what` completes "could not …".
    fn attempt(self, what: &str) -> Result<T, DockerError>;
}

impl<T> Attempt<T> for Result<T, bollard::errors::Error> {
    fn attempt(self, what: &str) -> Result<T, DockerError> {
        self.map_err(|error| {
            if let bollard::errors::Error::DockerResponseServerError {
                status_code,
                message,
            } = &error
            {
                return DockerError {
                    attempt: what.to_owned(),
                    text: message.trim().to_owned(),
                    status: Some(*status_code),
                };
            }
            DockerError::other(what, with_causes(&error))
        })
    }
}

/// An error with the errors below it, which name the true reason.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(below) = cause {
        let below_text = below.to_string();
        if !text.contains(&below_text) {
            text = format!("{text}: {below_text}");
        }
        cause = below.source();
    }
    text
}
