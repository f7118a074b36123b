//! git daemon asks before it serves: a fetch is answered with what upstream has now, or not at all.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;

use super::config::Config;
use super::limits::REFRESH_TIME;
use super::lock::Lock;
use super::place::Place;
use super::talk::say;
use super::upstream;
use crate::visible::visible;

/// Runs it: the service and the repository's path are the first two arguments. Gives the exit
/// code; the first line of standard output is what the agent is told where it is not 0.
pub(super) fn run(arguments: &[OsString]) -> u8 {
    let [_called, service, path, ..] = arguments else {
        return refuse("git daemon calls this, with a service and a path");
    };
    // A push is judged by what it finds, under the lock, once it is there.
    if service != "upload-pack" {
        return 0;
    }
    match refreshed(Path::new(path)) {
        Ok(()) => 0,
        Err(why) => refuse(&why),
    }
}

fn refreshed(mirror: &Path) -> Result<(), String> {
    let failed = |error: io::Error| error.to_string();
    let place = Place::of_hook().map_err(failed)?;
    let config = Config::read(&place).map_err(failed)?;
    let name = place.name_of(mirror);
    let repository = name.and_then(|name| config.repository(&name).cloned());
    let repository = repository.ok_or("this is none of the gate's repositories")?;
    let _lock = Lock::of(&place, &repository.name, REFRESH_TIME)
        .map_err(|error| format!("another fetch or push does not end: {error}"))?;
    upstream::refresh(&place, &repository, REFRESH_TIME)
}

fn refuse(why: &str) -> u8 {
    say(&format!("a fetch is refused: {why}"));
    let line = format!("{}\n", visible(why));
    // The agent may be gone.
    let _gone = io::stdout().write_all(line.as_bytes());
    1
}
