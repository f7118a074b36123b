//! The documents: links, the glossary, the names of files.

use std::path::Path;

/// Links of a page to files of the repository that are not there. Links to the net and
/// to places within a page are not followed.
pub(crate) fn broken_links(page: &str, text: &str, root: &Path) -> Vec<String> {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    targets(text)
        .into_iter()
        .filter(|target| !target.contains("://") && !target.starts_with(['#', '<']))
        .filter(|target| {
            let file = target.split('#').next().unwrap_or_default();
            !root.join(folder).join(file).exists()
        })
        .map(|target| format!("{page}: the link to {target} leads nowhere"))
        .collect()
}

/// The targets of `[text](target)`.
fn targets(text: &str) -> Vec<&str> {
    text.match_indices("](")
        .filter_map(|(at, _)| {
            let rest = &text[at + 2..];
            let target = &rest[..rest.find([')', ' ', '\n'])?];
            (!target.is_empty()).then_some(target)
        })
        .collect()
}

/// The words that the table under `## Glossary` explains.
pub(crate) fn glossary(page: &str) -> Vec<String> {
    let section = page.split("\n## Glossary").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| word "))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split(" / "))
        .map(|word| word.trim().trim_matches('`').to_lowercase())
        .collect()
}

/// Words of the glossary that no source says, so that it explains nothing.
pub(crate) fn unused_words(words: &[String], sources: &[(String, String)]) -> Vec<String> {
    let all: String = sources
        .iter()
        .map(|(_, text)| text.to_lowercase())
        .collect();
    let joined = all.replace('_', " ");
    words
        .iter()
        .filter(|word| {
            let together = word.replace(' ', "");
            !joined.contains(word.as_str()) && !all.contains(&together)
        })
        .map(|word| format!("glossary: no source says {word:?}"))
        .collect()
}

/// Files and folders in backticks that no program of ours has.
pub(crate) fn missing_files(page: &str, sources: &[(String, String)]) -> Vec<String> {
    let page = page.split("```").step_by(2).collect::<String>();
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.ends_with(".rs") || name.ends_with('/'))
        .filter(|name| !name.contains(['*', ' ', '<']))
        .filter(|name| {
            let part = format!("/{name}");
            !sources.iter().any(|(path, _)| match name.ends_with('/') {
                true => path.contains(&part),
                false => path.ends_with(&part),
            })
        })
        .map(|name| format!("ARCHITECTURE.md: `{name}` is in no sources"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_broken_link_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = "[a](Cargo.toml) [b](Cargo.toml#x) [c](https://x/y) [d](#here) [e](gone.md)";
        let found = broken_links("README.md", text, root);
        assert_eq!(found, ["README.md: the link to gone.md leads nowhere"]);
        assert_eq!(
            broken_links("src/x.md", "[a](../Cargo.toml)", root),
            [""; 0]
        );
    }

    #[test]
    fn a_planted_dead_word_or_file_is_found() {
        let page = "# A\nsee `gone.rs`, `a/b.rs`, `a/` and `x y`\n## Glossary\n\n| word | m |\n|---|---|\n\
            | head | x |\n| read buffer / phlogiston | y |\n## Next\n| other | z |\n";
        let sources = [(
            "engine/src/a/b.rs".to_owned(),
            "struct ReadBuffer; // head".to_owned(),
        )];
        let words = glossary(page);
        assert_eq!(words, ["head", "read buffer", "phlogiston"]);
        assert_eq!(
            unused_words(&words, &sources),
            ["glossary: no source says \"phlogiston\""]
        );
        let missing = missing_files(page, &sources);
        assert_eq!(missing, ["ARCHITECTURE.md: `gone.rs` is in no sources"]);
    }
}
