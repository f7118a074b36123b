//! What a start needs for the git gate, found before anybody is asked.

use std::path::{Path, PathBuf};

use super::backend::host_path;
use super::connect;
use crate::args::{Backend, GateOption};
use crate::bottle::{GateRequest, scanner_of_image};
use crate::host::{identities, scanner, tokens};
use crate::manifest::GateKey;
use crate::plan::{Gate, GatedRepository};

/// What scans pushes.
pub(super) struct Scanner {
    /// The program on this host, or by its name in the image.
    program: PathBuf,
    /// For people: its version, and whose it is.
    text: String,
}

/// What scans the pushes of a bottle; none: it has no gate.
pub(super) type Found = Option<Result<Scanner, String>>;

/// Looks for what scans the pushes of this gate.
pub(super) async fn scanner(gate: Option<&Gate>, backend: Backend, option: &GateOption) -> Found {
    let found = match backend {
        Backend::Local => of_host(option.scanner.as_deref()),
        Backend::Docker => of_image(&gate?.image, option.scanner.is_some()).await,
    };
    gate.map(|_gate| found)
}

fn of_host(named: Option<&Path>) -> Result<Scanner, String> {
    let found = scanner::find(named, &host_path())?;
    let name = found.program.file_name().unwrap_or_default().display();
    let place = found.program.display();
    Ok(Scanner {
        text: format!("{name} {} ({place})", found.version),
        program: found.program,
    })
}

async fn of_image(image: &str, is_named: bool) -> Result<Scanner, String> {
    let docker = connect().await.map_err(|error| error.to_string())?;
    let version = scanner_of_image(&docker, image).await;
    let version = version.map_err(|failure| failure.to_string())?;
    let remark = match is_named {
        true => "; --scanner is for the local backend and for bottle build-gate",
        false => "",
    };
    Ok(Scanner {
        text: format!("{version} of the image {image}{remark}"),
        program: "gitleaks".into(),
    })
}

/// What a preview says of it.
pub(super) fn text(found: &Found) -> Option<Result<&str, &str>> {
    let found = found.as_ref()?.as_ref();
    Some(
        found
            .map(|scanner| scanner.text.as_str())
            .map_err(String::as_str),
    )
}

/// All that the gate is made from; none: there is none.
///
/// # Errors
///
/// Everything that is missing, a sentence each.
pub(super) fn request(
    gate: Option<&Gate>,
    found: Found,
    program: PathBuf,
    home: &Path,
) -> Result<Option<GateRequest>, Vec<String>> {
    let (Some(gate), Some(found)) = (gate, found) else {
        return Ok(None);
    };
    let mut problems = Vec::new();
    let scanner = found.map_err(|sentence| problems.push(sentence));
    problems.extend(gate.repositories.iter().filter_map(without_token));
    let identities = identities::read(gate, home).map_err(|sentences| problems.extend(sentences));
    match (scanner, identities) {
        (Ok(scanner), Ok(identities)) if problems.is_empty() => Ok(Some(GateRequest {
            program,
            scanner: scanner.program,
            identities,
        })),
        (_, _) => Err(problems),
    }
}

/// What is wrong with the token that this repository's deploy key is registered with.
fn without_token(repository: &GatedRepository) -> Option<String> {
    let GateKey::Provisioned { token_env, .. } = &repository.key else {
        return None;
    };
    let why = tokens::of_variable(token_env).err()?;
    Some(format!(
        "the variable {token_env} {why}; the deploy key of git_gate.repos.{} is registered with it",
        repository.name
    ))
}
