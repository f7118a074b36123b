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

/// A folder for both files, which are called `m.json` and `r.json`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn load(
        &self,
        home: Option<&str>,
        repository: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Manifest, Vec<String>> {
        let write = |name: &str, text: Option<&str>| {
            text.map(|text| {
                let path = self.0.path().join(name);
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
        self.load_from(&sources, &variable)
    }

    fn load_from(
        &self,
        sources: &Sources,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Manifest, Vec<String>> {
        let prefix = format!("{}/", self.0.path().display());
        Manifest::load(sources, variable).map_err(|problems| {
            let lines = problems.iter().map(ToString::to_string);
            lines.map(|line| line.replace(&prefix, "")).collect()
        })
    }
}

fn load(home: &str) -> Result<Manifest, Vec<String>> {
    Folder::new().load(Some(home), None, &[])
}
