//! The command line and its environment variables, made into a [`Config`].
//!
//! clap knows the names and writes the help; the values are checked here, so that all
//! that is wrong is told at once, with the flag and the variable it may have come from.

mod limit_options;

use limit_options::LimitOptions;

use crate::config::{Config, LogLevel, NoProxy, Problem, ProxyUrl};
use crate::limits::{self, Limits};
use crate::route::Authority;
use clap::builder::FalseyValueParser;
use clap::{Parser, Subcommand};
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cred-proxy                              serve the routes of /run/cred-proxy/routes.json
  cred-proxy check --routes routes.json   say what is wrong with it, or print its table
  cred-proxy --port 0 --log access        any free port, and a line for each exchange
  inject-tokens | cred-proxy --tokens-stdin
                                          tokens that no `docker inspect` shows

A routes file:
  {\"routes\": [{\"path\": \"/gh-api/\", \"upstream\": \"https://api.github.com\",
               \"auth_scheme\": \"Bearer\", \"token_env\": \"CRED_PROXY_TOKEN_0\"}]}

HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR are honoured.";

/// The sidecar that holds an agent's credentials: takes plain HTTP/1.1 from it, sends
/// HTTPS to the services, and puts the credential in between.
#[derive(Parser)]
#[command(name = "cred-proxy", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    /// What to do; without one, serve.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    limits: LimitOptions,
}

/// What to do.
#[derive(Subcommand, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Command {
    /// Listen and forward (this is what happens without a subcommand)
    #[default]
    Serve,
    /// Load routes and environment, print the table without secrets; exit 2 if anything is wrong
    Check,
    /// Ask the own listener whether it answers; exit 0 or 1
    Healthcheck,
    /// Show on this machine alone that all of it works
    #[cfg(feature = "demo")]
    Demo,
    /// The service of a demonstration that plays elsewhere
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    DemoService,
}

#[derive(clap::Args)]
struct Options {
    /// The routes file, read again on SIGHUP
    #[arg(long, global = true, env = "CRED_PROXY_ROUTES", hide_env_values = true)]
    #[arg(value_name = "FILE", default_value = "/run/cred-proxy/routes.json")]
    routes: OsString,
    /// The address to listen at, unless sockets are inherited (LISTEN_FDS)
    #[arg(long, global = true, env = "CRED_PROXY_BIND", hide_env_values = true)]
    #[arg(value_name = "ADDRESS", default_value = "0.0.0.0")]
    bind: String,
    /// The port to listen at; 0 takes any
    #[arg(long, global = true, env = "CRED_PROXY_PORT", hide_env_values = true)]
    #[arg(value_name = "PORT", default_value = "9099")]
    port: String,
    /// Worker threads [default: one a core, at most 4]
    #[arg(
        long,
        global = true,
        env = "CRED_PROXY_THREADS",
        hide_env_values = true
    )]
    #[arg(value_name = "COUNT")]
    threads: Option<String>,
    /// What to log: off, error, access or debug (a non-empty CRED_PROXY_DEBUG means debug)
    #[arg(long, global = true, env = "CRED_PROXY_LOG", hide_env_values = true)]
    #[arg(value_name = "LEVEL", default_value = "error")]
    log: String,
    /// A loopback address for the metrics, like 127.0.0.1:9100 [default: none]
    #[arg(long, global = true, env = "CRED_PROXY_ADMIN", hide_env_values = true)]
    #[arg(value_name = "ADDRESS:PORT")]
    admin: Option<String>,
    /// An authority that the agent may use in Host, may be repeated; others get 421 [default: any]
    #[arg(
        long,
        global = true,
        env = "CRED_PROXY_ALLOW_HOST",
        hide_env_values = true
    )]
    #[arg(value_name = "HOST[:PORT]", value_delimiter = ',')]
    allow_host: Option<Vec<String>>,
    /// Read tokens from standard input: NAME=VALUE records, each ended by NUL, until end of file
    #[arg(
        long,
        global = true,
        env = "CRED_PROXY_TOKENS_STDIN",
        hide_env_values = true
    )]
    #[arg(value_parser = FalseyValueParser::new())]
    tokens_stdin: bool,
}

impl Args {
    /// What to do.
    pub fn subcommand(&self) -> Command {
        self.command.unwrap_or_default()
    }

    /// The routes file, as it was named.
    pub fn routes_path(&self) -> PathBuf {
        PathBuf::from(&self.options.routes)
    }

    /// Checks everything. `environment` looks up the variables that are no option's own:
    /// `std::env::var_os`, or a test's.
    pub fn into_config(
        self,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Config, Vec<Problem>> {
        let Options {
            routes,
            bind,
            port,
            threads,
            log,
            admin,
            allow_host,
            tokens_stdin,
        } = self.options;
        let mut problems = Problems(Vec::new());
        let routes_path = problems.keep("routes", read_routes(routes));
        let bind = problems.keep("bind", read_bind(&bind));
        let port = problems.keep("port", read_port(&port));
        let threads = problems.keep("threads", read_threads(threads.as_deref()));
        let log = problems.keep("log", read_log(&log));
        let admin = problems.keep("admin", admin.as_deref().map(read_admin).transpose());
        let allow_host = problems.keep(
            "allow-host",
            read_allow_host(&allow_host.unwrap_or_default()),
        );
        let mut limits = Limits::default();
        let connections = self.limits.apply(&mut limits, &mut problems.0);
        let proxy = problems.read_proxy(&environment);
        let no_proxy = problems.read_no_proxy(&environment);
        let is_debug = environment("CRED_PROXY_DEBUG").is_some_and(|value| !value.is_empty());

        let (Some(routes_path), Some(bind), Some(port), Some(threads)) =
            (routes_path, bind, port, threads)
        else {
            return Err(problems.0);
        };
        let (Some(log), Some(admin), Some(allow_host)) = (log, admin, allow_host) else {
            return Err(problems.0);
        };
        if !problems.0.is_empty() {
            return Err(problems.0);
        }
        let ignored = |entry: &String| {
            Problem::new(
                "NO_PROXY",
                format_args!("{entry:?} is not understood, and ignored"),
            )
        };
        Ok(Config {
            routes_path,
            bind,
            port,
            threads,
            log: if is_debug { LogLevel::Debug } else { log },
            admin,
            allow_host,
            tokens_stdin,
            limits,
            connections,
            proxy,
            warnings: no_proxy.ignored().iter().map(ignored).collect(),
            no_proxy,
        })
    }
}

/// What has been found so far.
struct Problems(Vec<Problem>);

impl Problems {
    /// The value, or None and a problem with this flag or its variable.
    fn keep<T>(&mut self, flag: &str, read: Result<T, impl fmt::Display>) -> Option<T> {
        read.map_err(|text| {
            let variable = flag.replace('-', "_").to_ascii_uppercase();
            let place = format_args!("--{flag} (CRED_PROXY_{variable})");
            self.0.push(Problem::new(place, text));
        })
        .ok()
    }

    /// The first of two spellings that is set to something, as curl does it.
    fn variable(
        &mut self,
        environment: impl Fn(&str) -> Option<OsString>,
        names: [&'static str; 2],
    ) -> Option<(&'static str, String)> {
        let set = |name| {
            environment(name)
                .filter(|value| !value.is_empty())
                .map(|value| (name, value))
        };
        let (name, value) = names.into_iter().find_map(set)?;
        match value.into_string() {
            Ok(text) => Some((name, text)),
            Err(_not_text) => {
                self.0.push(Problem::new(name, "is not UTF-8"));
                None
            }
        }
    }

    fn read_proxy(&mut self, environment: impl Fn(&str) -> Option<OsString>) -> Option<ProxyUrl> {
        let (name, text) = self.variable(environment, ["https_proxy", "HTTPS_PROXY"])?;
        match ProxyUrl::parse(&text) {
            Ok(proxy) => Some(proxy),
            Err(error) => {
                let text = format_args!("{error}; write it like `http://user:password@host:3128`");
                self.0.push(Problem::new(name, text));
                None
            }
        }
    }

    fn read_no_proxy(&mut self, environment: impl Fn(&str) -> Option<OsString>) -> NoProxy {
        let variable = self.variable(environment, ["no_proxy", "NO_PROXY"]);
        variable
            .map(|(_, text)| NoProxy::parse(&text))
            .unwrap_or_default()
    }
}

fn read_routes(path: OsString) -> Result<PathBuf, &'static str> {
    if path.is_empty() {
        Err("must be the path of the routes file")
    } else {
        Ok(path.into())
    }
}

fn read_bind(text: &str) -> Result<IpAddr, &'static str> {
    text.parse()
        .map_err(|_malformed| "must be an IP address, like 0.0.0.0 or ::")
}

fn read_port(text: &str) -> Result<u16, &'static str> {
    text.parse()
        .map_err(|_malformed| "must be a port from 0 to 65535")
}

fn read_threads(text: Option<&str>) -> Result<usize, String> {
    let Some(text) = text else {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        return Ok(cores.min(limits::WORKERS_DEFAULT_CEILING));
    };
    let ceiling = limits::WORKERS_CEILING;
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=ceiling).contains(count));
    count.ok_or_else(|| format!("must be a number from 1 to {ceiling}"))
}

fn read_log(text: &str) -> Result<LogLevel, &'static str> {
    text.parse()
        .map_err(|_unknown| "must be off, error, access or debug")
}

/// The metrics name the routes: they are not for the agent's network.
fn read_admin(text: &str) -> Result<SocketAddr, &'static str> {
    let address = text
        .parse()
        .ok()
        .filter(|address: &SocketAddr| address.ip().is_loopback());
    address.ok_or("must be a loopback address with a port, like 127.0.0.1:9100")
}

/// A list that is given and empty is an error: it must not come to mean "any".
fn read_allow_host(texts: &[String]) -> Result<Vec<String>, String> {
    let read = |text: &String| match Authority::parse(text) {
        Ok(authority) => Ok(authority.to_string()),
        Err(error) => Err(format!(
            "{error}; write host or host:port, or leave it out to allow any"
        )),
    };
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests;
