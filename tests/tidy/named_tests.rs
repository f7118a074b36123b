//! The tables of docs/CONFORMANCE.md and docs/THREAT_MODEL.md: each row names a test that
//! is there, and each test by RFC is named by a row.

use std::collections::BTreeSet;

use crate::code::without_prose;

/// The tests of a file, as a table names them: below `tests/` `rfc/rfc9112_s4.rs::name`,
/// elsewhere by the whole path.
pub(crate) fn tests_of(path: &str, text: &str) -> Vec<String> {
    let file = path.strip_prefix("tests/").unwrap_or(path);
    let code = without_prose(text);
    let parts = code.split("#[test]").skip(1);
    parts
        .filter_map(|part| {
            let name = part.trim_start().strip_prefix("fn ")?;
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_')?;
            Some(format!("{file}::{}", &name[..end]))
        })
        .collect()
}

/// The rows of every table of a page, without heads and rules: line number and text.
pub(crate) fn rows(text: &str) -> Vec<(usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &&str| line.starts_with("|--");
    let is_head = |at: usize| lines.get(at + 1).is_some_and(is_rule);
    let numbered = lines.iter().copied().enumerate();
    numbered
        .filter(|(at, line)| line.starts_with('|') && !is_rule(line) && !is_head(*at))
        .map(|(at, line)| (at + 1, line))
        .collect()
}

/// What a row has in backticks that looks like a test.
fn named(row: &str) -> Vec<&str> {
    let quoted = row.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.contains(".rs::")).collect()
}

/// Rows that name no test, or one that is not there.
pub(crate) fn broken_rows(page: &str, text: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for (line, row) in rows(text) {
        let names = named(row);
        if names.is_empty() {
            found.push(format!("{page}:{line}: the row names no test"));
        }
        let missing = names.iter().filter(|name| !tests.contains(**name));
        found.extend(missing.map(|name| format!("{page}:{line}: there is no test {name}")));
    }
    found
}

/// Tests of `tests/rfc` that no row of these pages names.
pub(crate) fn unnamed_tests(pages: &[&str], tests: &BTreeSet<String>) -> Vec<String> {
    let rows = pages.iter().flat_map(|text| rows(text));
    let told: BTreeSet<&str> = rows.flat_map(|(_, row)| named(row)).collect();
    let by_rfc = tests.iter().filter(|test| test.starts_with("rfc/"));
    by_rfc
        .filter(|test| !told.contains(test.as_str()))
        .map(|test| format!("tests/{test} is named by no row of docs/CONFORMANCE.md"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/// a #[test] in prose\n#[test]\nfn one() {}\nfn helper() {}\n\
        const X: &str = \"#[test] fn no() {}\";\n#[test]\nfn two_2() {}\n";

    fn tests() -> BTreeSet<String> {
        tests_of("tests/rfc/a.rs", FILE).into_iter().collect()
    }

    #[test]
    fn the_tests_of_a_file_are_found() {
        let found: Vec<String> = tests().into_iter().collect();
        assert_eq!(found, ["rfc/a.rs::one", "rfc/a.rs::two_2"]);
    }

    #[test]
    fn a_planted_broken_row_is_found() {
        let page = "| clause | test |\n|---|---|\n| good | `rfc/a.rs::one` |\n\
            | gone | `rfc/a.rs::one` `rfc/a.rs::gone` |\n| none | `a.rs` |\n\
            no row: `rfc/a.rs::gone`\n";
        let found = broken_rows("X.md", page, &tests());
        let wanted = [
            "X.md:4: there is no test rfc/a.rs::gone",
            "X.md:5: the row names no test",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_planted_test_without_a_row_is_found() {
        let page = "| clause | test |\n|---|---|\n| good | `rfc/a.rs::one` |\n`rfc/a.rs::two_2`\n";
        let found = unnamed_tests(&[page], &tests());
        let wanted = ["tests/rfc/a.rs::two_2 is named by no row of docs/CONFORMANCE.md"];
        assert_eq!(found, wanted);
    }
}
