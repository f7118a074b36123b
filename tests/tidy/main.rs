//! The sources themselves: which room may import what, how long a file may be, which
//! words may not land, and whether the documents speak of what is there.

mod code;
mod documents;
mod named_tests;
mod rules;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file below `folder` with this extension: path from the root, and text.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name = path.strip_prefix(root()).expect("below the root");
                let text = fs::read_to_string(&path).expect("a file of UTF-8");
                found.push((name.to_str().expect("a name of UTF-8").to_owned(), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{extension} files in {folder}");
    found
}

fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn the_sources_keep_the_rules() {
    let folders = [
        "engine/src",
        "launcher/src",
        "tests",
        "benches",
        "fuzz/src",
        "fuzz/fuzz_targets",
    ];
    let breaches: Vec<String> = folders
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .flat_map(|(path, text)| rules::breaches(&path, &text))
        .collect();
    assert_none(&breaches);
}

#[test]
fn every_room_of_the_table_is_there() {
    let sources = files("engine/src", "rs");
    for room in rules::rooms() {
        let file = format!("engine/src/{room}.rs");
        let folder = format!("engine/src/{room}/");
        let is_there = |(path, _): &(String, String)| *path == file || path.starts_with(&folder);
        assert!(
            sources.iter().any(is_there),
            "no room {room}: mend the rules"
        );
    }
}

#[test]
fn links_lead_to_files_that_are_there() {
    let mut pages = files("docs", "md");
    let readme = fs::read_to_string(root().join("README.md"));
    pages.extend(readme.ok().map(|text| ("README.md".to_owned(), text)));
    let breaches: Vec<String> = pages
        .iter()
        .flat_map(|(path, text)| documents::broken_links(path, text, &root()))
        .collect();
    assert_none(&breaches);
}

#[test]
fn the_glossary_and_the_map_speak_of_what_is_there() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let sources = files("engine/src", "rs");
    let words = documents::glossary(&page);
    assert!(words.len() > 10, "the glossary: {words:?}");
    assert_none(&documents::unused_words(&words, &sources));
    let all = [sources, files("launcher/src", "rs")].concat();
    assert_none(&documents::missing_files(&page, &all));
}

#[test]
fn every_row_of_a_table_names_a_test_and_every_test_by_rfc_has_a_row() {
    let tests: BTreeSet<String> = ["tests", "launcher/src", "launcher/tests"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .flat_map(|(path, text)| named_tests::tests_of(&path, &text))
        .collect();
    let read = |page: &str| fs::read_to_string(root().join(page)).expect("a page");
    let mut breaches = Vec::new();
    let pages = ["docs/CONFORMANCE.md", "docs/THREAT_MODEL.md"];
    for page in pages {
        let text = read(page);
        assert!(named_tests::rows(&text).len() > 15, "the tables of {page}");
        breaches.extend(named_tests::broken_rows(page, &text, &tests));
    }
    breaches.extend(named_tests::unnamed_tests(&[&read(pages[0])], &tests));
    assert_none(&breaches);
}
