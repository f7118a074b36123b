//! git daemon asks before it serves: a fetch is answered with what upstream has now.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use crate::visible::visible;

use super::config::Config;
use super::limits::REFRESH_TIME;
use super::lock::Lock;
use super::place::Place;
use super::upstream;

/// Runs it: `access-hook SERVICE PATH HOST …`. Gives the exit code.
pub(super) fn run(arguments: &[OsString]) -> u8 {
    let (service, path) = (arguments.get(1), arguments.get(2));
    let answer = match (service.and_then(|service| service.to_str()), path) {
        (Some("upload-pack"), Some(path)) => refresh(path),
        // The hooks of a push see to it themselves.
        (Some("receive-pack"), Some(_)) => Ok(()),
        _ => Err("the gate serves fetch and push alone".to_owned()),
    };
    let Err(reason) = answer else { return 0 };
    // git daemon tells the client the first line.
    let _ = writeln!(std::io::stdout(), "{}", visible(&reason));
    1
}

/// Brings what upstream has now. No answer of upstream's is no fetch: never stale data.
fn refresh(path: &OsStr) -> Result<(), String> {
    let begun = Instant::now();
    let place = Place::of_hook().map_err(|error| error.to_string())?;
    let name = place
        .name_of(Path::new(path))
        .ok_or("this is no mirror of the gate's")?;
    let config = Config::read(&place).map_err(|error| error.to_string())?;
    let repository = config
        .repository(&name)
        .ok_or("the gate does not serve this repository")?;
    let _lock = Lock::of(&place, &name, REFRESH_TIME)
        .map_err(|error| format!("the mirror of {name} could not be locked: {error}"))?;
    let left = REFRESH_TIME.saturating_sub(begun.elapsed());
    upstream::refresh(&place, repository, left).map_err(|stale| stale.to_string())
}
