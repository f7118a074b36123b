//! `bottle logs`.

use std::io::{IsTerminal, Write};

use super::{block_on, connect, progress, state_root};
use crate::args::Logs;
use crate::bottle::exit_code::{NOT_STARTED, USAGE};
use crate::bottle::{Fate, LauncherId, survey};
use crate::docker::Output;
use crate::local;
use crate::plan::{GATE_HOST, PROXY_HOST};
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
    let root = state_root().map_err(failed)?;
    let own = LauncherId::own().map_err(|error| failed(error.to_string()))?;
    let local = survey(None, &root, &own).await;
    let local = local.map_err(|failure| failed(failure.to_string()))?;
    let mut local = local.bottles().iter();
    if let Some(bottle) = local.find(|b| b.slug == args.slug && b.local_since.is_some()) {
        let sidecar = match args.sidecar.as_str() {
            PROXY_HOST => PROXY_HOST,
            GATE_HOST if bottle.local_gate.is_some() => GATE_HOST,
            _ => return Err((USAGE, no_sidecar(args))),
        };
        let runs = || bottle.fate_now(&root, &own) == Fate::Runs;
        let directory = root.join(&bottle.slug);
        let shown = local::show_log((&directory, sidecar), args.follow, &runs, &write).await;
        return shown.map_err(|error| failed(error.to_string()));
    }
    let docker = connect().await.map_err(|error| failed(error.to_string()))?;
    let all = survey(Some(&docker), &root, &own).await;
    let all = all.map_err(|failure| failed(failure.to_string()))?;
    let Some(bottle) = all.bottles().iter().find(|bottle| bottle.slug == args.slug) else {
        let slug = &args.slug;
        return Err((
            USAGE,
            format!("there is no bottle {slug}; `bottle list` shows all"),
        ));
    };
    let container = match bottle.container(&args.sidecar) {
        Some(container) if args.sidecar != AGENT => container,
        Some(_) | None => return Err((USAGE, no_sidecar(args))),
    };
    let mut piece = |output: Output| {
        if write(&output.octets).is_err() {
            std::process::exit(0);
        }
    };
    let read = docker
        .logs(&container.name, None, args.follow, &mut piece)
        .await;
    read.map_err(|error| failed(error.to_string()))
}

/// What `bottle list` shows as running, and is no sidecar.
const AGENT: &str = "agent";

fn no_sidecar(args: &Logs) -> String {
    let (slug, sidecar) = (&args.slug, &args.sidecar);
    match sidecar.as_str() {
        AGENT => "what an agent writes is shown on its terminal and not kept".to_owned(),
        _ => format!("the bottle {slug} has no sidecar {sidecar}"),
    }
}

/// Writes a piece of a log to standard output. Octets, not text: JSON lines go to programs as
/// they are. A person's terminal is not steered by what an agent had a sidecar write.
fn write(octets: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.is_terminal() {
        true => out.write_all(shown(octets).as_bytes()),
        false => out.write_all(octets),
    }?;
    out.flush()
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
