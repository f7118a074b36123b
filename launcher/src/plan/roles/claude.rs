//! The template `claude`: files, and the variable for an agent that must be root.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::HomeFile;
use super::{RoleVariable, Unwritable};

/// Claude Code asks at its first start how it should look, whether the directory is to be
/// trusted, and whether running without questions is meant; all three are answered. Without
/// the first answer it also looks for its service at the service's own address, and gives up.
pub(in crate::plan) fn claude_json(work: &Path) -> Result<HomeFile, Unwritable> {
    let work = work.to_str().ok_or(Unwritable)?;
    let state = json!({
        "hasCompletedOnboarding": true,
        "theme": "dark",
        "bypassPermissionsModeAccepted": true,
        "projects": {
            work: {
                "hasTrustDialogAccepted": true,
                "hasCompletedProjectOnboarding": true
            }
        }
    });
    Ok(HomeFile {
        path: PathBuf::from(".claude.json"),
        content: format!("{state:#}\n"),
    })
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
        let file = claude_json(Path::new("/home/me/a \"b\"")).expect("UTF-8");
        assert_eq!(file.path, Path::new(".claude.json"));
        assert_eq!(
            file.content,
            r#"{
  "bypassPermissionsModeAccepted": true,
  "hasCompletedOnboarding": true,
  "projects": {
    "/home/me/a \"b\"": {
      "hasCompletedProjectOnboarding": true,
      "hasTrustDialogAccepted": true
    }
  },
  "theme": "dark"
}
"#
        );
    }
}
