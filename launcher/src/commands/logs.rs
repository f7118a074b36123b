//! `bottle logs`.

use std::io::{IsTerminal, Write};

use super::{block_on, connect, progress, state_root};
use crate::args::Logs;
use crate::bottle::exit_code::{NOT_STARTED, USAGE};
use crate::bottle::{LauncherId, survey};
use crate::docker::Output;
use crate::progress::printable;

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
    // Octets, not text: JSON lines go to programs as they are. A person's terminal is not
    // steered by what an agent had a sidecar write.
    let is_terminal = std::io::stdout().is_terminal();
    let mut piece = |output: Output| {
        let mut out = std::io::stdout().lock();
        let octets = match is_terminal {
            true => shown(&output.octets).into_bytes(),
            false => output.octets.to_vec(),
        };
        if out.write_all(&octets).and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    };
    let read = docker
        .logs(&container.name, None, args.follow, &mut piece)
        .await;
    read.map_err(|error| failed(error.to_string()))
}

/// Lines as they are, without anything that steers a terminal.
fn shown(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_does_not_steer_a_terminal() {
        let told = shown("{\"a\":1}\n\u{1b}]52;c;eA==\u{7}\n\u{9b}2J".as_bytes());
        let gone = '\u{fffd}';
        assert_eq!(
            told,
            format!("{{\"a\":1}}\n{gone}]52;c;eA=={gone}\n{gone}2J")
        );
    }
}
