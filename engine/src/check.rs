//! `cred-proxy check`: the route table without secrets, or every problem.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::config::{Config, LoadedRoutes, Problem, TokenSource, load_routes};
use crate::route::{Route, Scheme};
use crate::serve::{refuse, tell, token_source};

/// Loads what serving would load. 0, or 2 with every problem found: those of the command
/// line do not hide those of the routes file.
pub fn run(routes_path: &Path, config: Result<Config, Vec<Problem>>) -> ExitCode {
    let (config, mut problems) = match config {
        Ok(config) => (Some(config), Vec::new()),
        Err(problems) => (None, problems),
    };
    let tokens = config
        .as_ref()
        .map_or_else(|| Ok(TokenSource::environment()), token_source);
    let tokens = tokens.unwrap_or_else(|of_tokens| {
        problems.extend(of_tokens);
        TokenSource::environment()
    });
    let (config, LoadedRoutes { table, warnings }) =
        match (config, load_routes(routes_path, &tokens)) {
            (Some(config), Ok(loaded)) if problems.is_empty() => (config, loaded),
            (_, loaded) => {
                problems.extend(loaded.err().unwrap_or_default());
                return refuse(&problems);
            }
        };
    for warning in config.warnings.iter().chain(&warnings) {
        tell(&format!("warning: {warning}"));
    }
    for route in table.routes() {
        if route.upstream.scheme() == Scheme::Http {
            tell(&format!(
                "warning: {}: the upstream is plain http: the credential travels in the clear",
                route.path
            ));
        }
    }
    match print(table.routes().iter().map(AsRef::as_ref)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("can't write to standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn print<'a>(routes: impl Iterator<Item = &'a Route>) -> io::Result<()> {
    let rows: Vec<[String; 3]> = routes.map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let mut out = io::stdout().lock();
    for [path, upstream, credential] in &rows {
        writeln!(out, "{path:first$}  {upstream:second$}  {credential}")?;
    }
    out.flush()
}

fn row(route: &Route) -> [String; 3] {
    let upstream = &route.upstream;
    let set = if route.credential.is_set() {
        ""
    } else {
        " (not set)"
    };
    [
        route.path.clone(),
        format!(
            "{}://{}{}",
            upstream.scheme().as_str(),
            upstream.authority(),
            upstream.base_path()
        ),
        format!("{}{set}", route.credential.field_name()),
    ]
}
