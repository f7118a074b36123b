//! `bottle logs`.

use std::io::Write;

use super::{block_on, connect, progress, state_root};
use crate::args::Logs;
use crate::bottle::exit_code::{NOT_STARTED, USAGE};
use crate::bottle::{LauncherId, survey};
use crate::docker::Output;

/// Shows what a sidecar wrote.
pub(super) fn run(args: &Logs) -> u8 {
    block_on(async {
        match show(args).await {
            Ok(()) => 0,
            Err((code, sentence)) => {
                progress().tell(&sentence);
                code
            }
        }
    })
}

async fn show(args: &Logs) -> Result<(), (u8, String)> {
    let failed = |sentence: String| (NOT_STARTED, sentence);
    let docker = connect().await.map_err(|error| failed(error.to_string()))?;
    let own = LauncherId::own().map_err(|error| failed(error.to_string()))?;
    let all = survey(&docker, &state_root().map_err(failed)?, &own).await;
    let all = all.map_err(|failure| failed(failure.to_string()))?;
    let Some(bottle) = all.bottles().iter().find(|bottle| bottle.slug == args.slug) else {
        let slug = &args.slug;
        return Err((
            USAGE,
            format!("there is no bottle {slug}; `bottle list` shows all"),
        ));
    };
    if args.sidecar == "agent" {
        let sentence = "what an agent writes is shown on its terminal and not kept";
        return Err((USAGE, sentence.to_owned()));
    }
    let Some(container) = bottle.container(&args.sidecar) else {
        let (slug, sidecar) = (&args.slug, &args.sidecar);
        return Err((USAGE, format!("the bottle {slug} has no sidecar {sidecar}")));
    };
    // Octets, not text: JSON lines go to programs as they are.
    let mut piece = |output: Output| {
        let mut out = std::io::stdout().lock();
        if out
            .write_all(&output.octets)
            .and_then(|()| out.flush())
            .is_err()
        {
            std::process::exit(0);
        }
    };
    let read = docker
        .logs(&container.name, None, args.follow, &mut piece)
        .await;
    read.map_err(|error| failed(error.to_string()))
}
