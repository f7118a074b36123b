//! `bottle`, with a plan made by hand: `carry_out plan [OPTIONS] -- CMD`. All other words are
//! those of `bottle` itself, so that the probe is in it. The tests on a real engine drive it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use launcher::args::{Arguments, Backend};
use launcher::commands::{Values, carry_out};
use launcher::manifest::{AgentOrigin, Scanner, TokenRef, WorkdirMode};
use launcher::plan::{AgentImage, GuardMount, HomeFile, Plan, PlannedRoute, Slot, Workdir};

#[derive(Parser)]
struct Options {
    /// The agent's image.
    #[arg(long)]
    image: String,
    /// `https://…` behind `/svc/`; none: no engine is started.
    #[arg(long)]
    upstream: Option<String>,
    /// `bind`, `copy` or `none`, with the directory.
    #[arg(long, default_value = "none")]
    mode: String,
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Below the work directory: read-only over it; an empty one where there is none.
    #[arg(long)]
    guard: Vec<PathBuf>,
    /// What carries it out.
    #[arg(long, default_value = "docker")]
    backend: Backend,
    /// The engine.
    #[arg(long)]
    engine: Option<PathBuf>,
    #[arg(last = true)]
    command: Vec<String>,
}

/// What the engine gets, and nobody else may see.
const TOKEN: &str = "t0ken-that-no-one-sees";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let code = match words.get(1).map(String::as_str) {
        Some("plan") => by_plan(Options::parse_from(&words[1..])),
        Some(_) | None => launcher::commands::run(Arguments::parse().command),
    };
    launcher::terminal::restore();
    ExitCode::from(code)
}

fn by_plan(options: Options) -> u8 {
    let (engine, backend) = (options.engine.clone(), options.backend);
    let plan = plan(options);
    let tokens = format!("CRED_PROXY_TOKEN_0={TOKEN}\0").into_bytes();
    let values = Values {
        tokens: tokens.into(),
        variables: vec![("GREETING".to_owned(), "hello".to_owned())],
    };
    carry_out(&plan, values, engine, backend)
}

fn plan(options: Options) -> Plan {
    let mode = match options.mode.as_str() {
        "bind" => WorkdirMode::Bind,
        "copy" => WorkdirMode::Copy,
        _ => WorkdirMode::None,
    };
    let host = options
        .directory
        .map(|d| d.canonicalize().expect("the directory"));
    let guards = options.guard.iter().map(|guard| {
        let path = host.clone().expect("a directory").join(guard);
        match path.exists() {
            true => GuardMount::ReadOnly(path),
            false => GuardMount::EmptyReadOnly(path),
        }
    });
    let owner = host
        .as_ref()
        .filter(|_| mode == WorkdirMode::Bind)
        .map(|host| {
            use std::os::unix::fs::MetadataExt;
            let facts = host.metadata().expect("the directory");
            (facts.uid(), facts.gid())
        });
    let routes = options.upstream.map(|upstream| PlannedRoute {
        path: "/svc/".to_owned(),
        upstream,
        slot: "CRED_PROXY_TOKEN_0".to_owned(),
        token: TokenRef::Variable("SVC_TOKEN".to_owned()),
        deny: Vec::new(),
    });
    let routes: Vec<PlannedRoute> = routes.into_iter().collect();
    Plan {
        agent: "tester".to_owned(),
        origin: AgentOrigin::BuiltIn,
        bottle: "test".to_owned(),
        prompt: None,
        image: AgentImage {
            name: options.image,
            dockerfile: None,
        },
        command: options.command,
        workdir: Workdir {
            inside: match mode {
                WorkdirMode::Bind => host.clone().expect("a directory"),
                WorkdirMode::Copy | WorkdirMode::None => PathBuf::from("/work"),
            },
            mode,
            mounts: guards.collect(),
            host,
            owner,
        },
        slots: vec![Slot {
            name: "CRED_PROXY_TOKEN_0".to_owned(),
            source: TokenRef::Variable("SVC_TOKEN".to_owned()),
            routes: vec!["/svc/".to_owned()],
        }],
        routes_json: routes_json(&routes),
        routes,
        environment: Vec::new(),
        files: vec![HomeFile {
            path: PathBuf::from(".config/tea/config.yml"),
            content: "logins: []\n".to_owned(),
        }],
        git: Vec::new(),
        hosts: Vec::new(),
        scanner: Scanner::None,
        unserved: Vec::new(),
        warnings: Vec::new(),
    }
}

fn routes_json(routes: &[PlannedRoute]) -> String {
    let route = |route: &PlannedRoute| {
        serde_json::json!({
            "path": route.path, "upstream": route.upstream,
            "auth_scheme": "Bearer", "token_env": route.slot,
        })
    };
    let routes: Vec<_> = routes.iter().map(route).collect();
    format!("{:#}\n", serde_json::json!({ "routes": routes }))
}
