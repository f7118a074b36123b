//! Whole manifests: what is refused and how, what presets become, the two files together,
//! limits, and the schema.

mod corpus;
mod limits;
mod presets;
mod problems;
mod repository;
mod schema;
mod schema_walk;

use super::{Manifest, Sources};
use std::fs;

/// Both files as texts, with host variables; the files are called `m.json` and `r.json`.
fn load_both(
    home: Option<&str>,
    repository: Option<&str>,
    variables: &[(&str, &str)],
) -> Result<Manifest, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: Option<&str>| {
        text.map(|text| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("written");
            path
        })
    };
    let sources = Sources {
        home: write("m.json", home),
        repository: write("r.json", repository),
    };
    let variable = |name: &str| {
        let mut set = variables.iter();
        set.find(|(set, _)| *set == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let prefix = format!("{}/", folder.path().display());
    Manifest::load(&sources, &variable).map_err(|problems| {
        let lines = problems.iter().map(ToString::to_string);
        lines.map(|line| line.replace(&prefix, "")).collect()
    })
}

fn load(home: &str) -> Result<Manifest, Vec<String>> {
    load_both(Some(home), None, &[])
}
