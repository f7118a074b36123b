//! The scan of what a push brings, before anything else looks at it.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use super::clean_room;
use super::config::Config;
use super::limits::QUESTION_TIME;
use super::place::Place;
use super::scan::{self, Push, Update, Watch, is_nothing};
use crate::visible::visible;

/// Runs it. Gives the exit code.
pub(super) fn run() -> u8 {
    let Err(text) = hook() else { return 0 };
    // Nobody may be there to read it: the push is refused all the same.
    let _ = io::stderr().write_all(text.as_bytes());
    1
}

/// What a person is told, if the push is refused.
fn hook() -> Result<(), String> {
    let failed = |error: io::Error| refusal(&error.to_string());
    let place = Place::of_hook().map_err(failed)?;
    let config = Config::read(&place).map_err(failed)?;
    let name = place.name_here().map_err(failed)?;
    let updates = Update::read(io::stdin().lock()).map_err(failed)?;
    let known = refs(&place, &name, &updates).map_err(failed)?;
    for update in &updates {
        check(update, known.get(update.name.as_slice())).map_err(|why| {
            let name = String::from_utf8_lossy(&update.name).into_owned();
            refusal(&format!("{name}: {why}"))
        })?;
    }
    let push = Push {
        place: &place,
        name: &name,
        scanner: &config.scanner,
        updates: &updates,
    };
    let found = scan::scan(&push, |name| known.contains_key(name));
    let found = found.map_err(|failure| refusal(&failure.to_string()))?;
    match found.and_then(|found| scan::tell(&push, &found)) {
        Some(text) => Err(text),
        None => Ok(()),
    }
}

/// One sentence, that nothing has passed.
fn refusal(why: &str) -> String {
    format!(
        "This push is refused, for it was not scanned: {}.\n",
        visible(why)
    )
}

/// What of the named refs is in the mirror, and where it leads. Objects in quarantine make no
/// difference: refs come after them.
fn refs(place: &Place, name: &str, updates: &[Update]) -> io::Result<HashMap<Vec<u8>, String>> {
    let mut wanted = HashSet::new();
    for update in updates {
        if !wanted.insert(update.name.as_slice()) {
            return Err(io::Error::other("a ref is named twice"));
        }
    }
    let mut list = clean_room::git(place, name)
        .args(["for-each-ref", "--format=%(objectname) %(refname)"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    // receive-pack's keepalives go on while we wait: nothing else would end it.
    let watch = Watch::over(&mut [&mut list], QUESTION_TIME)?;
    let output = list.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut known = HashMap::new();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let mut words = line.splitn(2, |octet| *octet == b' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        if wanted.contains(name) {
            known.insert(name.to_vec(), String::from_utf8_lossy(id).into_owned());
        }
    }
    let status = list.wait()?;
    if watch.has_lapsed() {
        let seconds = QUESTION_TIME.as_secs();
        return Err(io::Error::other(format!(
            "git for-each-ref took more than {seconds} s"
        )));
    }
    let failed = || io::Error::other(format!("git for-each-ref: {status}"));
    status.success().then_some(known).ok_or_else(failed)
}

/// The client's word on what is there is not taken: what is new is what the mirror lacks.
fn check(update: &Update, known: Option<&String>) -> Result<(), &'static str> {
    if !update.name.starts_with(b"refs/") {
        return Err("that is no ref");
    }
    let is_same = match known {
        Some(id) => *id == update.old,
        None => is_nothing(&update.old),
    };
    if !is_same {
        return Err("it is not what you say it was; fetch first");
    }
    if known.is_none() && update.is_deletion() {
        return Err("it is not there; fetch first");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_of_what_is_there() {
        let (zeros, one, two) = ("0".repeat(40), "1".repeat(40), "2".repeat(40));
        let check = |name: &str, old: &str, new: &str, known: Option<&str>| {
            let update = Update {
                old: old.to_owned(),
                new: new.to_owned(),
                name: name.as_bytes().to_vec(),
            };
            check(&update, known.map(str::to_owned).as_ref())
        };
        let name = "refs/heads/x";
        for (old, new, known) in [
            (&zeros, &one, None),
            (&one, &two, Some(one.as_str())),
            (&one, &zeros, Some(&one)),
        ] {
            assert_eq!(check(name, old, new, known), Ok(()));
            assert_eq!(check("HEAD", old, new, known), Err("that is no ref"));
        }
        for (old, new, known) in [
            (&two, &two, Some(one.as_str())),
            (&zeros, &two, Some(&one)),
            (&one, &two, None),
            (&zeros, &zeros, None),
        ] {
            let told = check(name, old, new, known).expect_err("refused");
            assert!(told.ends_with("fetch first"), "{told}");
        }
    }
}
