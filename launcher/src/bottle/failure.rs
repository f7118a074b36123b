//! Why a start came to nothing, and what the process says by its exit code.

use std::fmt;

use crate::docker::DockerError;
use crate::signals::Sent;

/// Why a bottle did not come to life, or ended by other than its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Before the agent ran; a sentence.
    NotStarted(String),
    /// After it ran; a sentence.
    WhileRunning(String),
    /// Somebody asked for it.
    Signal(Sent),
}

impl Failure {
    /// The same failure, of an agent that already runs.
    #[must_use]
    pub fn after_start(self) -> Self {
        match self {
            Failure::NotStarted(sentence) => Failure::WhileRunning(sentence),
            other @ (Failure::WhileRunning(_) | Failure::Signal(_)) => other,
        }
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::NotStarted(_) => exit_code::NOT_STARTED,
            Failure::WhileRunning(_) => exit_code::OWN_FAILURE,
            Failure::Signal(sent) => exit_code::SIGNAL.saturating_add(sent.number()),
        }
    }
}

/// What the process ends with, unless the agent says.
pub mod exit_code {
    /// Nothing was started.
    pub const NOT_STARTED: u8 = 1;
    /// Usage or manifest.
    pub const USAGE: u8 = 2;
    /// The launcher's own failure after the start.
    pub const OWN_FAILURE: u8 = 125;
    /// To this a signal's number is added.
    pub const SIGNAL: u8 = 128;
}

impl From<DockerError> for Failure {
    fn from(error: DockerError) -> Self {
        Failure::NotStarted(error.to_string())
    }
}

impl From<Sent> for Failure {
    fn from(sent: Sent) -> Self {
        Failure::Signal(sent)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotStarted(sentence) | Failure::WhileRunning(sentence) => {
                f.write_str(sentence)
            }
            Failure::Signal(sent) => write!(f, "ended by {}", sent.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes() {
        let not_started = Failure::NotStarted(String::new());
        assert_eq!(not_started.exit_code(), 1);
        assert_eq!(not_started.after_start().exit_code(), 125);
        assert_eq!(Failure::Signal(Sent::Interrupt).exit_code(), 130);
        assert_eq!(Failure::Signal(Sent::Terminate).exit_code(), 143);
        assert_eq!(Failure::Signal(Sent::HangUp).after_start().exit_code(), 129);
    }
}
