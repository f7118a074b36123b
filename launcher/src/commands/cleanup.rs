//! `bottle cleanup`.

use std::io::{BufRead, IsTerminal};

use super::{block_on, docker_if_any, programs, progress, state_root};
use crate::args::Cleanup;
use crate::bottle::exit_code::{NOT_STARTED, USAGE};
use crate::bottle::{Bottle, Fate, LauncherId, Leftovers, OldImages, is_slug, survey};
use crate::docker::Docker;

/// Shows what would go, asks, and removes it.
pub(super) fn run(args: &Cleanup) -> u8 {
    block_on(async {
        match clean(args).await {
            Ok(code) => code,
            Err(sentence) => {
                progress().tell(&sentence);
                NOT_STARTED
            }
        }
    })
}

async fn clean(args: &Cleanup) -> Result<u8, String> {
    let mut progress = progress();
    if let Some(bad) = args.slugs.iter().find(|slug| !is_slug(slug)) {
        progress.tell(&format!("{bad:?} is no bottle's name"));
        return Ok(USAGE);
    }
    let docker = docker_if_any(&mut progress).await;
    let own = LauncherId::own().map_err(|error| error.to_string())?;
    let root = state_root()?;
    let all = survey(docker.as_ref(), &root, &own).await;
    let all = all.map_err(|failure| failure.to_string())?;
    let running = |slug: &&String| {
        let runs = |bottle: &&Bottle| bottle.slug == **slug && bottle.fate == Fate::Runs;
        all.bottles().iter().find(runs).is_some()
    };
    for slug in args.slugs.iter().filter(running) {
        progress.tell(&format!("{slug} runs; end its agent, and it is removed"));
    }
    let mut orphans: Vec<&Bottle> = all.orphans(&args.slugs).collect();
    // What Docker may have something of is left until it answers.
    orphans.retain(|bottle| docker.is_some() || bottle.local_since.is_some());
    let images = match &docker {
        Some(docker) => old_images(docker, args).await?,
        None => OldImages::default(),
    };
    if orphans.is_empty() && images.is_empty() {
        progress.tell("nothing is left behind");
        return Ok(0);
    }
    for bottle in &orphans {
        progress.tell(&format!("{} would go:", bottle.slug));
        for line in bottle.lines(&root) {
            progress.tell(&format!("  {line}"));
        }
    }
    if !images.is_empty() {
        progress.tell("images that no start uses any more would go:");
        for line in images.lines() {
            progress.tell(&format!("  {line}"));
        }
    }
    match args.yes || asked() {
        true => Ok(remove(docker.as_ref(), &all, &orphans, &images).await),
        false => {
            progress.tell("nothing was removed; say y on a terminal, or give --yes");
            Ok(USAGE)
        }
    }
}

/// Images of other versions; none where bottles are named, for they are of none.
async fn old_images(docker: &Docker, args: &Cleanup) -> Result<OldImages, String> {
    if !args.slugs.is_empty() {
        return Ok(OldImages::default());
    }
    let programs = programs(None).map_err(|error| error.to_string())?;
    let images = OldImages::of(docker, &programs).await;
    images.map_err(|failure| failure.to_string())
}

/// Does a person on a terminal say yes?
fn asked() -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    progress().tell("remove all of this? [y/N]");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

async fn remove(
    docker: Option<&Docker>,
    all: &Leftovers,
    orphans: &[&Bottle],
    images: &OldImages,
) -> u8 {
    let mut progress = progress();
    let mut failures = Vec::new();
    for bottle in orphans {
        progress.step(&format!("removing {}", bottle.slug));
        failures.extend(all.remove(docker, bottle).await);
    }
    if let Some(docker) = docker.filter(|_| !images.is_empty()) {
        progress.step("removing old images");
        failures.extend(images.remove(docker).await);
    }
    for sentence in &failures {
        progress.tell(sentence);
    }
    if failures.is_empty() { 0 } else { NOT_STARTED }
}
