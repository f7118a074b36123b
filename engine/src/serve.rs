//! `cred-proxy` at work: boot, reload, end.

use std::fmt::Display;
use std::io::Write;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::process::ExitCode;
use std::sync::Arc;

use listenfd::ListenFd;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{Config, LoadedRoutes, Problem, TokenSource, load_routes};
use crate::engine::{Engine, Listen, Setup};
use crate::policy::AllowedHosts;
use crate::route::RouteTable;
use crate::upstream::{Connector, Trust};
use crate::{AccessLog, admin, process};

/// The name of a listening socket of this face in `LISTEN_FDNAMES`.
const FACE: &str = "reverse";

/// Serves until a signal ends it. 0: it ended as asked; 1: it could not start; 2: its
/// configuration is wrong.
pub fn run(mut config: Config) -> ExitCode {
    let descriptors = process::raise_descriptors();
    config.limits.connections = config
        .connections
        .unwrap_or_else(|| process::connections_for(descriptors));
    let tokens = match token_source(&config) {
        Ok(tokens) => tokens,
        Err(problems) => return refuse(&problems),
    };
    let routes = match load_routes(&config.routes_path, &tokens) {
        Ok(routes) => routes,
        Err(problems) => return refuse(&problems),
    };
    let listen = match listen(&config) {
        Ok(listen) => listen,
        Err(problem) => return refuse(&[problem]),
    };
    let log = match AccessLog::new(config.log) {
        Ok(log) => Arc::new(log),
        Err(error) => return fail(&error),
    };
    for warning in config.warnings.iter().chain(&routes.warnings) {
        log.process(&warning.to_string());
    }
    let boot_line_end = describe(&routes.table);
    let engine = match start(&mut config, routes.table, listen, &log) {
        Ok(engine) => engine,
        Err(code) => return code,
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let code = runtime.block_on(attend(engine, &config, &tokens, &log, &boot_line_end));
    log.close();
    code
}

/// Tokens from where the command line says.
pub fn token_source(config: &Config) -> Result<TokenSource, Vec<Problem>> {
    match config.tokens_stdin {
        true => TokenSource::from_stdin(),
        false => Ok(TokenSource::environment()),
    }
}

/// Prints every problem, a line each. Exit code 2.
pub fn refuse(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        tell(problem);
    }
    ExitCode::from(2)
}

fn fail(error: &dyn Display) -> ExitCode {
    tell(error);
    ExitCode::FAILURE
}

/// A line on standard error, where the talk goes; nobody is left to hear that it failed.
pub fn tell(line: &dyn Display) {
    let _ = writeln!(std::io::stderr().lock(), "cred-proxy: {line}");
}

/// Inherited sockets by `LISTEN_FDS`, else an address of our own.
fn listen(config: &Config) -> Result<Listen, Problem> {
    let mut inherited = ListenFd::from_env();
    if inherited.len() == 0 {
        return Ok(Listen::Address(SocketAddr::new(config.bind, config.port)));
    }
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':').filter(|name| !name.is_empty());
    let mut sockets: Vec<StdListener> = Vec::with_capacity(inherited.len());
    for index in 0..inherited.len() {
        let name = names.next().unwrap_or(FACE);
        if name != FACE {
            return Err(Problem::new(
                "LISTEN_FDNAMES",
                format!(
                    "socket {index} is named `{name}`, but only `{FACE}` is served: hand over no other"
                ),
            ));
        }
        match inherited.take_tcp_listener(index) {
            Ok(Some(socket)) => sockets.push(socket),
            Ok(None) => {}
            Err(error) => {
                return Err(Problem::new(
                    "LISTEN_FDS",
                    format!("socket {index} is no listening TCP socket: {error}"),
                ));
            }
        }
    }
    Ok(Listen::Inherited(sockets))
}

fn start(
    config: &mut Config,
    routes: RouteTable,
    listen: Listen,
    log: &Arc<AccessLog>,
) -> Result<Engine, ExitCode> {
    let limits = Arc::new(config.limits.clone());
    let allowed_hosts = match config.allow_host.as_slice() {
        [] => AllowedHosts::any(),
        names => AllowedHosts::only(names.iter().map(String::as_str)).map_err(|name| {
            refuse(&[Problem::new(
                "--allow-host",
                format!("`{name}` is no authority"),
            )])
        })?,
    };
    let connector = Connector::new(
        Trust::NativeRoots,
        config.proxy.take(),
        std::mem::take(&mut config.no_proxy),
        Arc::clone(&limits),
    )
    .map_err(|error| fail(&error))?;
    if let Some(warning) = connector.roots_warning() {
        log.process(warning);
    }
    Engine::start(Setup {
        listen,
        workers: config.threads,
        routes,
        connector,
        allowed_hosts,
        limits,
        log: Arc::clone(log),
        metrics: config.admin.is_some(),
    })
    .map_err(|error| fail(&error))
}

/// `2 routes: /a/, /b/`.
fn describe(table: &RouteTable) -> String {
    let paths: Vec<&str> = table
        .routes()
        .iter()
        .map(|route| route.path.as_str())
        .collect();
    match paths.as_slice() {
        [] => "no routes: every path is answered with 404".to_owned(),
        [path] => format!("1 route: {path}"),
        paths => format!("{} routes: {}", paths.len(), paths.join(", ")),
    }
}

/// The signals that end the proxy.
struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    fn install() -> std::io::Result<Self> {
        Ok(EndSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits for signals, and answers scrapes meanwhile.
async fn attend(
    engine: Engine,
    config: &Config,
    tokens: &TokenSource,
    log: &AccessLog,
    boot_line_end: &str,
) -> ExitCode {
    let signals = EndSignals::install().and_then(|end| Ok((end, signal(SignalKind::hangup())?)));
    let (mut end, mut reloads) = match signals {
        Ok(signals) => signals,
        Err(error) => return fail(&error),
    };
    let admin = match bind_admin(config).await {
        Ok(admin) => admin,
        Err(error) => return fail(&format!("can't listen for --admin: {error}")),
    };
    // Said directly, not through the log: who starts a process with `--log off` still
    // wants to know its port. From here on it serves, and every signal is heard.
    let admin_at = match admin.as_ref().map(TcpListener::local_addr) {
        Some(Ok(address)) => format!(", metrics on {address}"),
        Some(Err(_)) | None => String::new(),
    };
    tell(&format!(
        "listening on {} with {boot_line_end}{admin_at}",
        engine.address()
    ));
    {
        let limits = Arc::new(config.limits.clone());
        let mut scrapes = std::pin::pin!(async {
            match admin.zip(engine.metrics()) {
                Some((listener, metrics)) => admin::serve(listener, metrics, limits, log).await,
                None => std::future::pending().await,
            }
        });
        loop {
            tokio::select! {
                () = end.received() => break,
                _ = reloads.recv() => reload(&engine, config, tokens, log),
                () = &mut scrapes => {}
            }
        }
    }
    tokio::select! {
        all_ended = engine.drain() => {
            if !all_ended {
                log.process("the drain deadline has passed: exchanges were cut");
            }
        }
        () = end.received() => log.process("asked twice to end: exchanges were cut"),
    }
    ExitCode::SUCCESS
}

async fn bind_admin(config: &Config) -> std::io::Result<Option<TcpListener>> {
    match config.admin {
        Some(address) => TcpListener::bind(address).await.map(Some),
        None => Ok(None),
    }
}

/// The new routes at once for new requests, or the old ones and the reason.
fn reload(engine: &Engine, config: &Config, tokens: &TokenSource, log: &AccessLog) {
    match load_routes(&config.routes_path, tokens) {
        Ok(LoadedRoutes { table, warnings }) => {
            for warning in warnings {
                log.process(&warning.to_string());
            }
            let description = describe(&table);
            engine.set_routes(table);
            log.process(&format!("reloaded {description}"));
        }
        Err(problems) => {
            let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
            log.process(&format!(
                "not reloaded, the old routes stay: {}",
                problems.join("; ")
            ));
        }
    }
}
