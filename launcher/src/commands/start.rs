//! `bottle start`.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{block_on, connect, progress, state_root, variable};
use crate::args::Start;
use crate::bottle::exit_code::{NOT_STARTED, USAGE};
use crate::bottle::{self, Failure, Programs, Request, WayOut};
use crate::plan::Plan;
use crate::signals::Signals;
use crate::terminal;

/// Starts an agent.
pub(super) fn run(args: &Start) -> u8 {
    let _ = args;
    progress().tell("the manifest is not read yet");
    USAGE
}

/// What a plan's names stand for.
pub struct Values {
    /// A record `NAME=VALUE`, ended by NUL, for each slot.
    pub tokens: Zeroizing<Vec<u8>>,
    /// The agent's variables.
    pub variables: Vec<(String, String)>,
}

/// Carries a plan out. Gives the exit code.
pub fn carry_out(plan: &Plan, values: Values, engine: Option<PathBuf>) -> u8 {
    block_on(async {
        let mut progress = progress();
        match try_to(plan, values, engine, &mut progress).await {
            Ok(code) => code,
            Err(failure) => {
                if !matches!(failure, Failure::Signal(_)) {
                    progress.tell(&failure.to_string());
                }
                failure.exit_code()
            }
        }
    })
}

async fn try_to(
    plan: &Plan,
    values: Values,
    engine: Option<PathBuf>,
    progress: &mut crate::progress::Progress,
) -> Result<u8, Failure> {
    // Caught from here on: what is made below is also removed.
    let mut signals = Signals::catch().map_err(|error| not_started(&error))?;
    let launcher = std::env::current_exe().map_err(|error| not_started(&error))?;
    let beside = launcher.with_file_name("cred-proxy");
    let request = Request {
        plan,
        tokens: values.tokens,
        variables: values.variables,
        programs: Programs {
            engine: engine.unwrap_or(beside),
            launcher,
        },
        state_root: state_root().map_err(Failure::NotStarted)?,
        way_out: WayOut::of_host(&variable).map_err(Failure::NotStarted)?,
        terminal: terminal::is_interactive()
            .then(|| variable("TERM").unwrap_or_else(|| "xterm".to_owned())),
    };
    let docker = connect().await?;
    bottle::run(&docker, request, progress, &mut signals).await
}

fn not_started(error: &dyn std::fmt::Display) -> Failure {
    debug_assert_eq!(NOT_STARTED, Failure::NotStarted(String::new()).exit_code());
    Failure::NotStarted(error.to_string())
}
