//! The image of the git gate: the tools that it needs, and its scanner.

use std::io;
use std::path::Path;

use super::archive::Archive;
use super::image::static_program;
use super::{Failure, label};
use crate::docker::{Docker, ImageFacts, ImageSpec};

/// The last stage of every build.
const TOOLS: &str = include_str!("../../images/bottle-git-gate.Dockerfile");

/// The stage that brings the scanner of [`PINNED`].
const FETCHED: &str = include_str!("../../images/gitleaks.Dockerfile");

/// What that stage takes, by its content.
const PINNED: &str = include_str!("../../images/gitleaks.txt");

/// What the scanner of [`PINNED`] is.
const PINNED_VERSION: &str = "gitleaks 8.30.1";

/// The stage that brings a scanner of this host.
const GIVEN: &str = "FROM scratch AS scanner\nCOPY gitleaks /scanner/gitleaks\n";

/// What the tools are put upon, unless another is named.
pub const GATE_BASE: &str = "debian:12-slim";

/// A scanner that goes into the image instead of the pinned one.
pub struct GivenScanner<'a> {
    /// A static program.
    pub program: &'a Path,
    /// As it says itself.
    pub version: &'a str,
}

/// The image `name`, of the tools on `base` and a scanner.
///
/// # Errors
///
/// The scanner can't be read, or would not run there.
pub fn gate_image_spec(
    name: &str,
    base: &str,
    scanner: Option<&GivenScanner<'_>>,
) -> io::Result<ImageSpec> {
    let mut context = Archive::of((0, 0));
    let (stage, version) = match scanner {
        None => {
            context.file(Path::new("gitleaks.txt"), 0o644, PINNED.as_bytes())?;
            (FETCHED, PINNED_VERSION.to_owned())
        }
        Some(given) => {
            let octets = static_program(given.program, "gitleaks")
                .map_err(|error| io::Error::other(error.to_string()))?;
            context.file(Path::new("gitleaks"), 0o755, &octets)?;
            (GIVEN, format!("gitleaks {}", given.version))
        }
    };
    let dockerfile = format!("ARG BASE={base}\n{stage}{TOOLS}");
    context.file(Path::new("Dockerfile"), 0o644, dockerfile.as_bytes())?;
    Ok(ImageSpec {
        tag: name.to_owned(),
        labels: label::of_gate_image(&version),
        context: context.finish()?,
    })
}

/// What scans in an image that is about to be built.
pub fn scanner_of(spec: &ImageSpec) -> String {
    let mut labels = spec.labels.iter();
    let label = labels.find(|(key, _)| key == label::SCANNER);
    label
        .map(|(_, scanner)| scanner.clone())
        .unwrap_or_default()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn dockerfile(spec: &ImageSpec) -> String {
        let mut archive = tar::Archive::new(spec.context.as_slice());
        let entries = archive.entries().expect("an archive");
        let mut entry = entries
            .map(|entry| entry.expect("an entry"))
            .find(|entry| entry.path().is_ok_and(|path| path.ends_with("Dockerfile")))
            .expect("a Dockerfile");
        let mut text = String::new();
        io::Read::read_to_string(&mut entry, &mut text).expect("text");
        text
    }

    #[test]
    fn the_scanner_is_the_pinned_one_or_one_that_is_given() {
        let pinned = gate_image_spec("img", GATE_BASE, None).expect("a spec");
        assert!(dockerfile(&pinned).starts_with("ARG BASE=debian:12-slim\n# The scanner"));
        assert!(dockerfile(&pinned).contains("--require-hashes"));
        let label = (label::SCANNER.to_owned(), PINNED_VERSION.to_owned());
        assert!(pinned.labels.contains(&label), "{:?}", pinned.labels);
        assert!(PINNED.contains(&PINNED_VERSION.replace("gitleaks ", "gitleaks==")));

        let scanner = GivenScanner {
            program: Path::new("/proc/self/exe"),
            version: "9.0.0",
        };
        let given = gate_image_spec("img", "mine", Some(&scanner)).expect("a spec");
        assert!(dockerfile(&given).starts_with("ARG BASE=mine\nFROM scratch AS scanner\n"));
        assert!(!dockerfile(&given).contains("pip"));
        let label = (label::SCANNER.to_owned(), "gitleaks 9.0.0".to_owned());
        assert!(given.labels.contains(&label), "{:?}", given.labels);
    }
}
