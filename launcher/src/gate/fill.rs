//! The mirrors before anybody is served: an agent that pushed to an empty one would have its
//! whole history scanned as new.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::config::{Config, Repository};
use super::group::Group;
use super::limits::{FILL_TIME, FILLS, TIMES};
use super::lock::Lock;
use super::mirror;
use super::place::Place;
use super::stale::Stale;
use super::upstream;

/// Fills all, some at once, each by a program of its own, which is ended when this is
/// dropped. Why one can't be filled stands on standard error by then.
///
/// # Errors
///
/// How many could not be filled.
pub(super) async fn all(place: &Place, config: &Config) -> Result<(), String> {
    let turns = Arc::new(Semaphore::new(FILLS));
    let mut fills = JoinSet::new();
    for repository in &config.repositories {
        let (place, name) = (place.clone(), repository.name.clone());
        let turns = Arc::clone(&turns);
        fills.spawn(async move {
            let _turn = turns.acquire_owned().await;
            matches!(in_a_group(&place, &name).await, Ok(true))
        });
    }
    let filled = fills.join_all().await;
    match filled.iter().filter(|filled| !**filled).count() {
        0 => Ok(()),
        missing => Err(format!(
            "{missing} of {} mirrors could not be filled",
            filled.len()
        )),
    }
}

/// `bottle-gate fill NAME`.
async fn in_a_group(place: &Place, name: &str) -> io::Result<bool> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["fill", name, "--state"]).arg(&place.state);
    command.arg("--mirrors").arg(&place.mirrors);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut group = Group::spawn(&mut command)?;
    let status = group.leader_ended().await;
    group.end(TIMES.grace).await;
    Ok(status? == Some(0))
}

/// Fills one mirror, of whichever object format upstream is.
///
/// # Errors
///
/// A sentence.
pub(super) fn one(place: &Place, name: &str) -> Result<(), String> {
    let config = Config::read(place).map_err(|error| error.to_string())?;
    let repository = config
        .repository(name)
        .ok_or(format!("gate.json names no {name}"))?;
    let failed = |reason: &dyn core::fmt::Display| format!("{name}: {reason}");

    let format = mirror::format(place, name);
    let filled = match make_and_refresh(place, repository, format) {
        Err(Stale::ObjectFormat) => {
            mirror::remove(place, name).map_err(|error| failed(&error))?;
            make_and_refresh(place, repository, format.other())
        }
        filled => filled,
    };
    filled.map_err(|stale| failed(&stale))
}

fn make_and_refresh(
    place: &Place,
    repository: &Repository,
    format: mirror::ObjectFormat,
) -> Result<(), Stale> {
    mirror::make(place, repository, format)?;
    let _lock = Lock::of(place, &repository.name, FILL_TIME)?;
    upstream::refresh(place, repository, FILL_TIME)?;
    // A fetch of nothing is right in any format, but what is pushed then is not.
    let is_other = upstream::is_empty(place, &repository.name)?
        && upstream::object_format(place, repository)? != format;
    if is_other {
        return Err(Stale::ObjectFormat);
    }
    Ok(())
}
