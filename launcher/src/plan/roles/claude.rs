//! The template `claude`: files, and the variable for an agent that must be root.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::HomeFile;
use super::{RoleVariable, Unwritable};

/// Claude Code asks at its first start how it should look, whether the directory is to be
/// trusted, and whether running without questions is meant; all three are answered.
pub(in crate::plan) fn claude_files(work: &Path) -> Result<Vec<HomeFile>, Unwritable> {
    let work = work.to_str().ok_or(Unwritable)?;
    let state = json!({
        "hasCompletedOnboarding": true,
        "theme": "dark",
        "bypassPermissionsModeAccepted": true,
        "projects": {
            work: {
                "hasTrustDialogAccepted": true,
                "hasCompletedProjectOnboarding": true,
                "allowedTools": []
            }
        }
    });
    // Later versions keep the third answer here.
    let settings = json!({ "skipDangerousModePermissionPrompt": true });
    Ok(vec![
        HomeFile {
            path: PathBuf::from(".claude.json"),
            content: format!("{state:#}\n"),
        },
        HomeFile {
            path: PathBuf::from(".claude/settings.json"),
            content: format!("{settings:#}\n"),
        },
    ])
}

/// Claude Code refuses to run without questions as root, except in a sandbox; this is one.
pub(in crate::plan) fn is_sandbox() -> RoleVariable {
    RoleVariable {
        name: "IS_SANDBOX",
        value: "1".to_owned(),
        hidden: false,
        fixed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_start_asks_nothing() {
        let files = claude_files(Path::new("/home/me/a \"b\"")).expect("UTF-8");
        assert_eq!(files[0].path, Path::new(".claude.json"));
        assert_eq!(
            files[0].content,
            r#"{
  "bypassPermissionsModeAccepted": true,
  "hasCompletedOnboarding": true,
  "projects": {
    "/home/me/a \"b\"": {
      "allowedTools": [],
      "hasCompletedProjectOnboarding": true,
      "hasTrustDialogAccepted": true
    }
  },
  "theme": "dark"
}
"#
        );
        assert_eq!(files[1].path, Path::new(".claude/settings.json"));
        assert_eq!(
            files[1].content,
            "{\n  \"skipDangerousModePermissionPrompt\": true\n}\n"
        );
    }
}
