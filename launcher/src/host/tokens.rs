//! The values of token references, for the engine's standard input and nothing else.

use std::env;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use zeroize::Zeroizing;

use super::secret::Secret;
use crate::bounded::read_at_most;
use crate::child;
use crate::limits::{HOST_COMMAND_TIME, TOKEN_OCTETS, TOKEN_RECORDS_OCTETS};
use crate::manifest::TokenRef;
use crate::plan::{Slot, below_home};
use crate::visible::visible;

/// Reads the value of every slot, or tells every one that has none: which place, why, and
/// which routes to take out. A value is in no sentence.
pub fn read(slots: &[Slot], home: &Path) -> Result<Vec<(String, Secret)>, Vec<String>> {
    let mut values = Vec::with_capacity(slots.len());
    let mut problems = Vec::new();
    for slot in slots {
        match value(&slot.source, home).and_then(usable) {
            Ok(secret) => values.push((slot.name.clone(), secret)),
            Err(reason) => {
                let routes = slot.routes.join(", ");
                let place = place(&slot.source);
                problems.push(format!(
                    "{place} {reason}; mend it, or take out what uses it: {routes}"
                ));
            }
        }
    }
    let octets: usize = values.iter().map(record_octets).sum();
    if octets > TOKEN_RECORDS_OCTETS {
        problems.push(format!(
            "all tokens together are longer than {TOKEN_RECORDS_OCTETS} octets"
        ));
    }
    match problems.is_empty() {
        true => Ok(values),
        false => Err(problems),
    }
}

/// The records of the engine's `--tokens-stdin`: `NAME=VALUE`, each ended by NUL.
pub fn records(values: &[(String, Secret)]) -> Zeroizing<Vec<u8>> {
    let octets = values.iter().map(record_octets).sum();
    let mut records = Zeroizing::new(Vec::with_capacity(octets));
    for (name, secret) in values {
        records.extend_from_slice(name.as_bytes());
        records.push(b'=');
        secret.write_into(&mut records);
        records.push(0);
    }
    records
}

fn record_octets((name, secret): &(String, Secret)) -> usize {
    name.len() + secret.octet_count() + 2
}

/// The token in a variable of this host, or why there is none, to be read behind its name.
pub fn of_variable(name: &str) -> Result<Secret, String> {
    value(&TokenRef::Variable(name.to_owned()), Path::new("/")).and_then(usable)
}

/// What is amiss with the files of these slots, found without reading one: missing, or
/// readable by everybody.
pub fn warnings(slots: &[Slot], home: &Path) -> Vec<String> {
    const OTHERS_READ: u32 = 0o004;
    let mut sentences = Vec::new();
    for slot in slots {
        let TokenRef::File(file) = &slot.source else {
            continue;
        };
        let path = below_home(file, home);
        let shown = visible(&path.display().to_string());
        match fs::metadata(&path) {
            Err(error) => sentences.push(format!(
                "the token file {shown} cannot be read ({error}); the start stops without it"
            )),
            Ok(metadata) if metadata.mode() & OTHERS_READ != 0 => sentences.push(format!(
                "everybody on this host may read the token file {shown}: run `chmod 600` on it"
            )),
            Ok(_) => {}
        }
    }
    sentences
}

fn place(source: &TokenRef) -> String {
    match source {
        TokenRef::Variable(name) => format!("the variable {name}"),
        TokenRef::File(file) => format!("the token file {}", visible(file)),
        TokenRef::Command(words) => format!("the command `{}`", visible(&words.join(" "))),
    }
}

fn value(source: &TokenRef, home: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    match source {
        TokenRef::Variable(name) => match env::var_os(name) {
            Some(value) => Ok(Zeroizing::new(value.into_vec())),
            None => Err("is unset".to_owned()),
        },
        TokenRef::File(file) => file_value(&below_home(file, home)),
        TokenRef::Command(words) => {
            let (program, arguments) = words.split_first().ok_or("has no words")?;
            // In the work directory, files there could choose what it says.
            let mut command = Command::new(program);
            command.args(arguments).current_dir(home);
            let octets = child::output(&mut command, HOST_COMMAND_TIME, TOKEN_OCTETS);
            octets.map_err(|error| error.to_string()).map(trimmed)
        }
    }
}

fn file_value(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let read = || read_at_most(&mut File::open(path)?, TOKEN_OCTETS);
    match read() {
        Ok(octets) => Ok(trimmed(octets)),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// Without white space at either end, in the same memory.
fn trimmed(mut octets: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let kept = octets.trim_ascii().len();
    let start = octets.len() - octets.trim_ascii_start().len();
    octets.copy_within(start..start + kept, 0);
    octets.truncate(kept);
    octets
}

/// What the engine can put into a field; it would answer 500 for anything else, and only
/// once the agent is at work.
fn usable(octets: Zeroizing<Vec<u8>>) -> Result<Secret, String> {
    if octets.is_empty() {
        return Err("is empty".to_owned());
    }
    if octets.len() > TOKEN_OCTETS {
        return Err(format!("is longer than {TOKEN_OCTETS} octets"));
    }
    let name = match octets.iter().find(|octet| !octet.is_ascii_graphic()) {
        None => return Ok(Secret::new(octets)),
        Some(b'\r' | b'\n') => "a line break",
        Some(0) => "a NUL",
        Some(b' ' | b'\t') => "white space",
        Some(_) => "an octet outside visible ASCII",
    };
    Err(format!("has {name} in it, so it is no token"))
}

#[cfg(test)]
mod tests;
