//! `bottle start`.

use std::ffi::OsString;
use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::backend::{self, Chosen};
use super::prepare::{Prepared, prepare};
use super::{
    beside, block_on, connect, gate, print, programs, progress, state_root, tell_people, variable,
};
use crate::args::{Backend, Format, GateOption, Start};
use crate::bottle::exit_code::{NOT_STARTED, USAGE};
use crate::bottle::{
    self, CERTIFICATE_VARIABLES, Failure, GateRequest, LauncherId, Request, WAY_OUT_VARIABLES,
    WayOut, replaceable,
};
use crate::host::git_config::Snapshot;
use crate::host::{facts, tokens, variables};
use crate::local;
use crate::manifest::AgentOrigin;
use crate::plan::{Plan, Preview};
use crate::signals::Signals;
use crate::terminal;

/// Starts an agent.
pub(super) fn run(args: &Start) -> u8 {
    let command = Some(args.program.clone()).filter(|command| !command.is_empty());
    let prepared = match prepare(&args.agent, &args.manifest, command) {
        Ok(prepared) => prepared,
        Err(sentences) => return refuse(&sentences, USAGE),
    };
    let (chosen, scanner) = match choose(args, &prepared.plan) {
        Ok(chosen) => chosen,
        Err(code) => return code,
    };
    let preview = Preview {
        plan: &prepared.plan,
        backend: chosen.name(),
        remark: chosen.remark.as_deref(),
        gate_scanner: gate::text(&scanner),
    };
    match (args.dry_run, args.format) {
        (true, Some(Format::Json)) => print(&preview.json()),
        (_, Some(Format::Text | Format::Json) | None) => tell_people(&preview.people()),
    }
    if args.dry_run {
        return 0;
    }
    if !prepared.plan.unserved.is_empty() {
        return refuse(&prepared.plan.unserved, USAGE);
    }
    if let Err((code, sentence)) = consent(args, &prepared.plan.origin) {
        return refuse(&[sentence], code);
    }
    // Before anything is asked: nobody types a password for a start that cannot be.
    if let (Backend::Local, Err(sentence)) = (chosen.backend, backend::local_usable()) {
        let why = chosen.remark.map(|remark| format!("{remark}; "));
        return refuse(&[why.unwrap_or_default() + &sentence], NOT_STARTED);
    }
    let values = values(&prepared, scanner, &args.gate);
    if let Err(sentence) = still_true(&prepared) {
        return refuse(&[sentence], NOT_STARTED);
    }
    match values {
        Ok(values) => guarded(&prepared.plan, values, args.engine.clone(), chosen.backend),
        Err(sentences) => refuse(&sentences, NOT_STARTED),
    }
}

/// What carries the plan out and what scans its pushes, or an exit code.
fn choose(args: &Start, plan: &Plan) -> Result<(Chosen, gate::Found), u8> {
    let mut found = None;
    let code = block_on(async {
        let chosen = backend::choose(args.backend.backend).await;
        let scanner = gate::scanner(plan.gate.as_ref(), chosen.backend, &args.gate).await;
        found = Some((chosen, scanner));
        0
    });
    found.ok_or(code)
}

fn refuse(sentences: &[String], code: u8) -> u8 {
    let mut progress = progress();
    for sentence in sentences {
        progress.tell(sentence);
    }
    code
}

/// Does a person agree? What a repository brought needs a word more than `--yes`.
fn consent(args: &Start, origin: &AgentOrigin) -> Result<(), (u8, String)> {
    let brought = matches!(origin, AgentOrigin::Repository(_));
    if args.yes && (args.trust_repo || !brought) {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let words = match brought {
            true => {
                "this agent comes from the repository; read its prompt above, and give --yes --trust-repo"
            }
            false => "nobody can be asked here; give --yes",
        };
        return Err((USAGE, words.to_owned()));
    }
    tell_people("Start it? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match read.is_ok() && ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        true => Ok(()),
        false => Err((NOT_STARTED, "not started".to_owned())),
    }
}

/// Is the work directory what the plan was made of? An agent that works in it could have put
/// a link to anywhere in the place of what is about to be mounted.
fn still_true(prepared: &Prepared) -> Result<(), String> {
    let workdir = &prepared.plan.workdir;
    let Some(host) = &workdir.host else {
        return Ok(());
    };
    let own = LauncherId::own().map_err(|error| error.to_string())?;
    if let Some((slug, path)) = replaceable(&state_root()?, &own, workdir) {
        let path = path.display();
        return Err(format!(
            "the agent of {slug} could replace {path} while it is mounted: wait for its end, or work in another directory"
        ));
    }
    // After that: whoever has ended by now changes nothing any more.
    match facts::is_unchanged(&prepared.workdir, &prepared.home)? {
        true => Ok(()),
        false => Err(format!(
            "{} has changed since you were shown what would be mounted; start again",
            host.display()
        )),
    }
}

fn values(
    prepared: &Prepared,
    scanner: gate::Found,
    option: &GateOption,
) -> Result<Values, Vec<String>> {
    let plan = &prepared.plan;
    let program = match &option.gate {
        Some(named) => Ok(named.clone()),
        None => beside("bottle-gate"),
    };
    let program = program.map_err(|error| vec![error.to_string()])?;
    let gate = gate::request(plan.gate.as_ref(), scanner, program, &prepared.home)?;
    let secrets = tokens::read(&plan.slots, &prepared.home)?;
    Ok(Values {
        tokens: tokens::records(&secrets),
        gate,
        manifest: prepared.manifest.clone(),
        variables: variables::resolve(&plan.environment)?,
    })
}

/// Carries a plan out, and shows what changed in files that git of the host obeys.
fn guarded(plan: &Plan, values: Values, engine: Option<PathBuf>, backend: Backend) -> u8 {
    let before = match Snapshot::take(&plan.workdir) {
        Ok(before) => before,
        Err(error) => {
            let sentence = format!("the work directory's git settings can't be read: {error}");
            return refuse(&[sentence], NOT_STARTED);
        }
    };
    let code = carry_out(plan, values, engine, backend);
    match before.changes() {
        Ok(None) => {}
        Ok(Some(changes)) => {
            progress()
                .tell("git on this host obeys files that have changed; read before you use it:");
            tell_people(&changes);
        }
        Err(error) => {
            progress().tell(&format!(
                "what changed in git's settings can't be read: {error}"
            ));
        }
    }
    code
}

/// What a plan's names stand for.
struct Values {
    /// A record `NAME=VALUE`, ended by NUL, for each slot.
    pub tokens: Zeroizing<Vec<u8>>,
    /// What the git gate is made from.
    pub gate: Option<GateRequest>,
    /// The manifest, which is not the agent's to read.
    pub manifest: PathBuf,
    /// The agent's variables.
    pub variables: Vec<(String, String)>,
}

/// Carries a plan out. Gives the exit code.
fn carry_out(plan: &Plan, values: Values, engine: Option<PathBuf>, backend: Backend) -> u8 {
    block_on(async {
        let mut progress = progress();
        match try_to(plan, values, engine, backend, &mut progress).await {
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
    backend: Backend,
    progress: &mut crate::progress::Progress,
) -> Result<u8, Failure> {
    let not_started = |error: std::io::Error| Failure::NotStarted(error.to_string());
    // Caught from here on: what is made below is also removed.
    let mut signals = Signals::catch().map_err(not_started)?;
    let programs = programs(engine).map_err(not_started)?;
    let state_root = state_root().map_err(Failure::NotStarted)?;
    let terminal =
        terminal::is_interactive().then(|| variable("TERM").unwrap_or_else(|| "xterm".to_owned()));
    match backend {
        Backend::Local => {
            let home = PathBuf::from(variable("HOME").unwrap_or_default());
            let private = local::Private::of(home, [state_root.clone(), values.manifest]);
            let request = local::Request {
                plan,
                tokens: values.tokens,
                gate: values.gate,
                variables: values.variables,
                engine: std::path::absolute(programs.engine).map_err(not_started)?,
                launcher: programs.launcher,
                state_root,
                way_out: local_way_out(),
                terminal,
                path: backend::host_path(),
                private,
            };
            local::run(request, progress, &mut signals).await
        }
        Backend::Docker => {
            let request = Request {
                plan,
                tokens: values.tokens,
                gate: values.gate,
                variables: values.variables,
                programs,
                state_root,
                way_out: WayOut::of_host(&variable).map_err(Failure::NotStarted)?,
                terminal,
            };
            let docker = connect().await?;
            bottle::run(&docker, request, progress, &mut signals).await
        }
    }
}

/// The host's variables that steer the way out of an engine of this host.
fn local_way_out() -> Vec<(String, OsString)> {
    let names = WAY_OUT_VARIABLES.into_iter().chain(CERTIFICATE_VARIABLES);
    let set = |name: &str| Some((name.to_owned(), std::env::var_os(name)?));
    names.filter_map(set).collect()
}
