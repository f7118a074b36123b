//! The routes file: JSON in, [`RouteTable`] out, or every problem there is.

use super::Problem;
use super::json::Json;
use super::route_draft::{Draft, read_route};
use super::route_keys::Keys;
use super::tokens::{TokenSource, read_at_most};
use crate::limits;
use crate::route::RouteTable;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

/// A table, and what its operator should know: the tokens that are missing.
///
/// Holds credentials, hence no `Debug`.
pub struct LoadedRoutes {
    /// The routes.
    pub table: RouteTable,
    /// One line for each token that is unset or unusable, naming it, never showing it.
    pub warnings: Vec<Problem>,
}

/// Reads the routes file and the tokens that it names.
pub fn load_routes(path: &Path, tokens: &TokenSource) -> Result<LoadedRoutes, Vec<Problem>> {
    let read = || read_at_most(&mut File::open(path)?, limits::ROUTES_FILE_OCTETS);
    match read() {
        Ok(text) => parse_routes(&text, tokens),
        Err(error) => Err(vec![Problem::new(path.display(), error)]),
    }
}

/// Reads the text of a routes file and the tokens that it names.
pub fn parse_routes(text: &[u8], tokens: &TokenSource) -> Result<LoadedRoutes, Vec<Problem>> {
    // The error's text has a position and what was expected there, nothing of the file.
    let json = Json::parse(text).map_err(|error| {
        vec![Problem::new(
            "routes file",
            format_args!("is no JSON: {error}"),
        )]
    })?;
    let mut problems = Vec::new();
    let drafts = read_file(&json, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut warnings = Vec::new();
    let routes = drafts
        .into_iter()
        .map(|draft| draft.into_route(tokens, &mut warnings))
        .collect();
    match RouteTable::new(routes) {
        Ok(table) => Ok(LoadedRoutes { table, warnings }),
        Err(duplicate) => Err(vec![Problem::new("routes", duplicate)]),
    }
}

/// The drafts are all there only if there was no problem.
fn read_file(json: &Json, problems: &mut Vec<Problem>) -> Vec<Draft> {
    let place = "routes file".to_owned();
    let Some(mut keys) = Keys::of(place, json, Some(&["routes"]), problems) else {
        return Vec::new();
    };
    if !keys.has("routes") {
        keys.problem("routes", "is missing; write [] for no routes");
    }
    let routes = keys.array("routes").unwrap_or_default();
    let mut first_with = HashMap::new();
    let routes = routes.iter().enumerate();
    routes
        .filter_map(|(index, json)| read_route(index, json, &mut first_with, problems))
        .collect()
}

#[cfg(test)]
mod tests;
