//! Ref policy and forwarding: the fate of each ref of a push that was scanned.

use std::io::{self, BufWriter, Read, Write};

use super::ci;
use super::config::{Config, Repository};
use super::forward::{Permitted, Upstream};
use super::limits::{LOCK_TELL, LOCK_TIME, REFRESH_TIME};
use super::lock::Lock;
use super::place::Place;
use super::policy::{self, Change};
use super::push::{Fate, Push, RefCommand};
use super::refs::Refs;
use super::{tell, upstream};

/// Runs it. Gives the exit code.
pub(super) fn run() -> u8 {
    let output = &mut BufWriter::new(io::stdout().lock());
    match receive(&mut io::stdin().lock(), output) {
        Ok(()) => 0,
        Err(error) => {
            tell(&error.to_string());
            1
        }
    }
}

/// One push, from what is asked to what is answered.
fn receive(input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let push = Push::read(input, output)?;
    let place = Place::of_hook()?;
    let unknown = || io::Error::other("the gate does not serve this repository");
    let name = place.name_here()?;
    let config = Config::read(&place)?;
    let repository = config.repository(&name).ok_or_else(unknown)?;
    let fates = fates(&place, repository, &push).unwrap_or_else(|error| {
        // Nothing was sent yet.
        let reason = format!("the gate failed: {error}");
        vec![Fate::Refused(reason); push.commands.len()]
    });
    push.answer(&fates, output)
}

/// From here on nobody else changes the mirror: two pushes at once are one after the other, and
/// the second is told to fetch.
///
/// The objects of the push are in the mirror by now, out of quarantine. Those of a refused one stay,
/// and no ref leads to them: the scan, which asks for what no ref leads to, sees them again.
fn fates(place: &Place, repository: &Repository, push: &Push) -> io::Result<Vec<Fate>> {
    let _lock = lock(place, &repository.name)?;
    let refs = Refs::read(place, &repository.name, &push.commands)?;
    let mut verdicts = verdicts(repository, &refs, push)?;
    if push.atomic && verdicts.iter().any(Result::is_err) {
        let other = "another ref of this push is refused, and it is all or none".to_owned();
        verdicts = verdicts
            .into_iter()
            .map(|one| one.and(Err(other.clone())))
            .collect();
    }
    let permitted: Vec<Permitted<'_>> = verdicts.iter().flatten().copied().collect();
    let mut forwarded = forward(place, repository, &refs, &permitted, push.atomic).into_iter();
    let fate = |verdict: Result<_, String>| match verdict {
        Ok(_) => forwarded.next(),
        Err(reason) => Some(Fate::Refused(reason)),
    };
    Ok(verdicts.into_iter().filter_map(fate).collect())
}

/// The lock of the mirror. Somebody who waits is told so.
fn lock(place: &Place, name: &str) -> io::Result<Lock> {
    let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    match Lock::of(place, name, LOCK_TELL) {
        Err(error) if is_taken(&error) => {}
        taken => return taken,
    }
    tell("waiting for another push or fetch of this repository");
    let busy = "another push or fetch of this repository does not end, try again later";
    Lock::of(place, name, LOCK_TIME).map_err(|error| match is_taken(&error) {
        true => io::Error::other(busy),
        false => error,
    })
}

/// For each ref, what may leave, or why it may not.
fn verdicts<'p>(
    repository: &Repository,
    refs: &Refs<'_>,
    push: &'p Push,
) -> io::Result<Vec<Result<Permitted<'p>, String>>> {
    let tips = push.commands.iter().filter(|command| !command.deletes());
    let tips: Vec<&str> = tips.map(|command| command.new.as_str()).collect();
    // One look at all of it; at each alone only if there is something to find.
    let ci = !repository.policy.ci && ci::change(refs, &tips, &["HEAD"])?.is_some();
    let verdict = |command: &'p RefCommand| {
        if let Some(reason) = misfit(refs, push, command) {
            return Ok(Err(reason.to_owned()));
        }
        let of_ci = match ci && !command.deletes() {
            true => ci::change(refs, &[&command.new], &["HEAD", &command.old])?,
            false => None,
        };
        if let Some(what) = &of_ci {
            tell(&format!("{}: {what}", command.name));
        }
        let change = Change {
            deletes: command.deletes(),
            rewrites: refs.is_rewritten(command),
            of_default: refs.is_default(&command.name),
            of_ci: of_ci.is_some(),
        };
        let forbidding = policy::forbids(&repository.policy, &command.name, change);
        Ok(match forbidding.is_empty() {
            true => Ok(Permitted {
                command,
                leased: change.deletes || change.rewrites,
            }),
            false => Err(policy::sentence(&repository.name, &forbidding)),
        })
    };
    push.commands.iter().map(verdict).collect()
}

/// Why a ref is no matter of policy.
fn misfit(refs: &Refs<'_>, push: &Push, command: &RefCommand) -> Option<&'static str> {
    let same = push
        .commands
        .iter()
        .filter(|other| other.name == command.name);
    let old = Some(command.old.as_str()).filter(|_| !command.creates());
    if !policy::is_name(&command.name) {
        return Some("this is no name of a ref");
    }
    if same.count() > 1 {
        // Which of them is meant is not ours to guess.
        return Some("this ref is named more than once");
    }
    if refs.value(&command.name) != old {
        return Some("fetch first");
    }
    if command.deletes() && command.creates() {
        return Some("there is no such ref to delete");
    }
    None
}

/// Brings upstream what is permitted, and the mirror where upstream is then.
fn forward(
    place: &Place,
    repository: &Repository,
    refs: &Refs<'_>,
    permitted: &[Permitted<'_>],
    atomic: bool,
) -> Vec<Fate> {
    if permitted.is_empty() {
        return Vec::new();
    }
    // The relay ends a connection's process group with its client. Between upstream and the mirror
    // that would be too early: from here on, only time ends it.
    if let Err(error) = rustix::process::setpgid(None, None) {
        tell(&format!("an interrupted push may be half done: {error}"));
    }
    let fates = Upstream::of(place, repository).take(permitted, atomic);
    let arrived = permitted
        .iter()
        .zip(&fates)
        .filter(|(_, fate)| **fate == Fate::Arrived);
    if let Err(error) = refs.update(arrived.map(|(one, _)| one.command)) {
        tell(&format!(
            "upstream has it, the gate's mirror only after a fetch: {error}"
        ));
    }
    if fates.contains(&Fate::Arrived) {
        learn_default(place, repository);
    }
    fates
}

/// The first branch of an upstream that had none becomes its default as it arrives, and is
/// protected from the next push on, whether somebody fetches before it or not.
fn learn_default(place: &Place, repository: &Repository) {
    let is_known =
        upstream::default_branch(place, &repository.name).is_ok_and(|branch| branch.is_some());
    if !is_known && let Err(error) = upstream::refresh(place, repository, REFRESH_TIME) {
        tell(&format!(
            "upstream's default branch is known after a fetch: {error}"
        ));
    }
}
