//! The image of the git gate: the tools that it needs, and its scanner.

use super::Failure;
use super::label;
use crate::docker::{Docker, ImageFacts};

/// What the scanner of a gate's image is, as its label says.
///
/// # Errors
///
/// Docker's, or that there is no such image; with the command that makes it.
pub async fn scanner_of_image(docker: &Docker, name: &str) -> Result<String, Failure> {
    let facts = gate_image(docker, name).await?;
    let scanner = facts.labels.get(label::SCANNER).cloned();
    Ok(scanner.unwrap_or_else(|| "a gitleaks of unknown version".to_owned()))
}

/// The image, which must be here.
///
/// # Errors
///
/// Docker's, or that it is not here; with the command that makes it.
pub(super) async fn gate_image(docker: &Docker, name: &str) -> Result<ImageFacts, Failure> {
    docker.image(name).await?.ok_or_else(|| {
        Failure::NotStarted(format!(
            "the image {name} of the git gate is not here: make it with `bottle build-gate`, or name another as git_gate.image"
        ))
    })
}
