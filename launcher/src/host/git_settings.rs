//! The settings of one git configuration file (git-config(1), "Syntax"), for those that name
//! what git of the host runs or reads.

use std::path::{Component, Path, PathBuf};

use super::places::resolved;

/// A setting: section and key in lower case, a subsection left out.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    section: String,
    key: String,
    value: String,
}

/// What a setting of a file leads git to: its name as git's manual writes it, and the path.
pub(super) type Lead = (&'static str, PathBuf);

/// Programs and files that a configuration makes git of the host run and read below `work`,
/// where an agent may write. `file` is where the configuration lies, `home` the user's.
pub(super) fn leads_into(work: &Path, file: &Path, config: &[u8], home: &Path) -> Vec<Lead> {
    let beside = file.parent().unwrap_or(work);
    let settings = settings(&String::from_utf8_lossy(config));
    let leads = settings.iter().filter_map(|setting| {
        let (name, base) = match (setting.section.as_str(), setting.key.as_str()) {
            ("core", "hookspath") => ("core.hooksPath", work),
            // `true` is git's own; anything else is a command.
            ("core", "fsmonitor") if setting.value.contains('/') => ("core.fsmonitor", work),
            ("include", "path") => ("include.path", beside),
            ("includeif", "path") => ("includeIf.path", beside),
            _ => return None,
        };
        let value = match name {
            "core.fsmonitor" => setting.value.split_whitespace().next()?,
            _ => setting.value.as_str(),
        };
        let path = match value.strip_prefix("~/") {
            Some(rest) => home.join(rest),
            None => base.join(value),
        };
        is_below(&path, work).then(|| (name, resolved(&path)))
    });
    leads.collect()
}

/// Also where a link on the way leads elsewhere, for the link may be replaced.
fn is_below(path: &Path, folder: &Path) -> bool {
    let climbs = path.components().any(|part| part == Component::ParentDir);
    resolved(path).starts_with(folder) || (!climbs && path.starts_with(folder))
}

fn settings(config: &str) -> Vec<Setting> {
    let whole = config.replace("\\\r\n", "").replace("\\\n", "");
    let mut section = String::new();
    let mut settings = Vec::new();
    for line in whole.lines() {
        let mut line = line.trim();
        // A setting may stand behind its section's name.
        if let Some((name, behind)) = line.strip_prefix('[').and_then(split_section) {
            let name = name.split([' ', '\t', '.', '"']).next().unwrap_or_default();
            section = name.to_lowercase();
            line = behind.trim();
        }
        if let Some((key, value)) = line.split_once('=') {
            settings.push(Setting {
                section: section.clone(),
                key: key.trim().to_lowercase(),
                value: unquoted(value),
            });
        }
    }
    settings
}

/// The name of a section, and what stands behind its `]`; one between quotes is none.
fn split_section(text: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// A value without quotes, escapes and comment.
fn unquoted(value: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let mut text = String::new();
    for letter in value.trim().chars() {
        match letter {
            _ if escaped => {
                escaped = false;
                text.push(letter);
            }
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            _ => text.push(letter),
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a configuration in `/w/.git` leads to below `/w`, home `/h`.
    fn leads(config: &str) -> Vec<(&'static str, String)> {
        let file = Path::new("/w/.git/config");
        let found = leads_into(Path::new("/w"), file, config.as_bytes(), Path::new("/h"));
        let text = |(name, path): Lead| (name, path.display().to_string());
        found.into_iter().map(text).collect()
    }

    #[test]
    fn what_leads_into_the_work_directory_is_found_however_it_is_written() {
        let hooks = |path: &str| vec![("core.hooksPath", path.to_owned())];
        for (config, expected) in [
            ("[core]\n\thooksPath = .husky/_\n", "/w/.husky/_"),
            ("[CORE] HooksPath=\"my hooks\" # mine\n", "/w/my hooks"),
            ("[core]\n\thooksPath = .hus\\\nky\n", "/w/.husky"),
            ("[core]\n\thooksPath = /w/hooks ; mine\n", "/w/hooks"),
            ("[a \"]\"]\nx=1\n[core]\nhookspath=a\\\\b\n", "/w/a\\b"),
        ] {
            assert_eq!(leads(config), hooks(expected), "{config}");
        }
        assert_eq!(
            leads(
                "[include]\npath = team.config\n[includeIf \"gitdir:/w/\"]\npath = /w/x\n[core]\nfsmonitor = ./watch -v\n"
            ),
            [
                ("include.path", "/w/.git/team.config".to_owned()),
                ("includeIf.path", "/w/x".to_owned()),
                ("core.fsmonitor", "/w/watch".to_owned()),
            ]
        );
    }

    #[test]
    fn what_leads_elsewhere_is_not() {
        for config in [
            "",
            "[core]\n\thooksPath = /usr/share/hooks\n",
            "[core]\n\thooksPath = ~/hooks\n",
            "[core]\n\tfsmonitor = true\n",
            "[other]\n\thooksPath = x\n",
            "# [core]\n# hooksPath = x\n",
            "[include]\n\tpath = ~/team\n",
        ] {
            assert_eq!(leads(config), [], "{config}");
        }
    }

    #[test]
    fn a_link_out_of_the_work_directory_may_be_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = std::fs::canonicalize(folder.path()).expect("its path");
        let work = root.join("work");
        std::fs::create_dir_all(root.join("away")).expect("made");
        std::fs::create_dir_all(work.join(".git")).expect("made");
        std::os::unix::fs::symlink(root.join("away"), work.join("hooks")).expect("made");
        let lead = |config: &str| {
            let file = work.join(".git/config");
            leads_into(&work, &file, config.as_bytes(), &root)
        };
        let found = lead("[core]\nhooksPath = hooks\n");
        assert_eq!(found, [("core.hooksPath", root.join("away"))]);
        let found = lead("[include]\npath = ../team\n");
        assert_eq!(found, [("include.path", work.join("team"))]);
        assert_eq!(lead("[core]\nhooksPath = ../away\n"), []);
        let found = lead("[core]\nhooksPath = ~/work/mine\n");
        assert_eq!(found, [("core.hooksPath", work.join("mine"))]);
    }
}
