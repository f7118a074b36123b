//! The registry that npm on the host is set to.

use std::path::Path;

use super::command;
use crate::limits::{HOST_COMMAND_TIME, TOKEN_OCTETS};

/// Asks npm. In the work directory its `.npmrc` would answer, and a clone could point the
/// token at a host of its own; in `/` there is none. It writes neither log nor cache.
pub(super) fn registry() -> Result<String, String> {
    let words = "npm config get registry --logs-max=0 --no-update-notifier --cache=/";
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    let octets = command::output(&words, Path::new("/"), HOST_COMMAND_TIME, TOKEN_OCTETS);
    let octets = octets.map_err(|error| format!("npm {error}"))?;
    match core::str::from_utf8(octets.trim_ascii()) {
        Ok(url) => Ok(url.to_owned()),
        Err(error) => Err(format!("npm's answer is no text: {error}")),
    }
}
