//! Both files, and what needs none, as one manifest.

use super::built_in;
use super::json::Json;
use super::key_names::{HOME, REPOSITORY};
use super::keys::Keys;
use super::problem::{Problem, Report};
use super::read::{read_agents, read_bottle};
use super::{AgentOrigin, Bottle, Manifest, Sources, grammar};
use crate::limits;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

const TAKEN_BY_HOME: &str = "is an agent of the home manifest, and a repository may not stand in for it; write another name";
const TAKEN_BY_BUILT_IN: &str =
    "is a built-in agent, and a repository may not stand in for it; write another name";
const NO_BOTTLES: &str = "is not for a repository: a bottle says which token goes to which host, and a clone could send yours to a host of its own; write it in the home manifest";

impl Manifest {
    /// Reads both files and adds what is built in. `variable` tells the host's variables, of
    /// which only the built-in agents' conventional ones are asked.
    pub fn load(
        sources: &Sources,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Manifest, Vec<Problem>> {
        let mut manifest = Manifest::default();
        let mut problems = Vec::new();
        let mut bottles = Vec::new();
        if let Some(path) = &sources.home {
            let mut report = Report::new(path.display());
            bottles = manifest.add_home(path, &mut report);
            problems.extend(report.into_problems());
        }
        let mut taken: Vec<(String, &str)> = Vec::new();
        for name in built_in::NAMES {
            taken.push(((*name).to_owned(), TAKEN_BY_BUILT_IN));
        }
        let of_home = manifest.agents.keys().cloned();
        taken.extend(of_home.map(|name| (name, TAKEN_BY_HOME)));
        built_in::add(&mut manifest, variable);
        if let Some(path) = &sources.repository {
            let mut report = Report::new(path.display());
            manifest.add_repository(path, &bottles, &taken, &mut report);
            problems.extend(report.into_problems());
        }
        match problems.is_empty() {
            true => Ok(manifest),
            false => Err(problems),
        }
    }

    /// Gives the names of all bottles, of the broken ones too: that an agent's bottle is
    /// broken is told once, with the bottle.
    fn add_home(&mut self, path: &Path, report: &mut Report) -> Vec<String> {
        let Some(json) = read_json(path, report) else {
            return Vec::new();
        };
        let Some(mut keys) = Keys::known(String::new(), &json, HOME, report) else {
            return Vec::new();
        };
        check_schema(&mut keys);
        let mut names = Vec::new();
        if let Some(mut bottles) = keys.names("bottles") {
            for (name, _) in bottles.entries(limits::ENTRIES) {
                if let Err(error) = grammar::name(name) {
                    bottles.problem(name, error);
                }
                names.push(name.to_owned());
                let bottle: Option<Bottle> = read_bottle(&mut bottles, name);
                self.bottles
                    .extend(bottle.map(|bottle| (name.to_owned(), bottle)));
            }
        }
        let origin = AgentOrigin::Home(path.to_owned());
        self.agents
            .extend(read_agents(&mut keys, &origin, &names, &[]));
        names
    }

    fn add_repository(
        &mut self,
        path: &Path,
        bottles: &[String],
        taken: &[(String, &str)],
        report: &mut Report,
    ) {
        // What a clone links to is a file of the host that it has no business with.
        if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            report.add(
                "",
                "is no plain file; write the agents into a file of that name",
            );
            return;
        }
        let Some(json) = read_json(path, report) else {
            return;
        };
        let Some(mut keys) = Keys::named(String::new(), &json, report) else {
            return;
        };
        if keys.has("bottles") {
            keys.problem("bottles", NO_BOTTLES);
        }
        keys.refuse_others_but(Some("bottles"), REPOSITORY);
        check_schema(&mut keys);
        let origin = AgentOrigin::Repository(path.to_owned());
        self.agents
            .extend(read_agents(&mut keys, &origin, bottles, taken));
    }
}

/// For editors; its value is theirs.
fn check_schema(keys: &mut Keys<'_, '_>) {
    keys.string("$schema", |_| Ok::<(), String>(()));
}

fn read_json(path: &Path, report: &mut Report) -> Option<Json> {
    let text = match read_at_most(path, limits::MANIFEST_OCTETS) {
        Ok(text) => text,
        Err(why) => {
            report.add("", why);
            return None;
        }
    };
    // The error's text has a position and what was expected there, nothing of the file.
    match Json::parse(&text) {
        Ok(json) => Some(json),
        Err(error) => {
            report.add("", format_args!("is no JSON: {error}; mend it there"));
            None
        }
    }
}

fn read_at_most(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("cannot be read: {error}; `bottle init` writes an example");
    // Opening a pipe would wait for somebody to write into it.
    let metadata = fs::metadata(path).map_err(cannot)?;
    if !metadata.is_file() {
        return Err("is no file; name the manifest itself".to_owned());
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut text).map_err(cannot)?;
    match text.len() <= most {
        true => Ok(text),
        false => Err(format!("is too long; write at most {most} octets")),
    }
}
