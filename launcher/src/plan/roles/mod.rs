//! What each role writes for the agent: pure renderers, one a file.

mod anthropic;
mod claude;
mod gitconfig;
mod npm;
mod tea;

pub(super) use anthropic::anthropic_base_url;
pub(super) use claude::{claude_json, is_sandbox};
pub(super) use gitconfig::{GitConfig, gitconfig};
pub(super) use npm::npmrc;
pub(super) use tea::{TeaLogin, tea_config};

use super::{PROXY_HOST, PROXY_PORT};

/// A variable that a role brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleVariable {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// Out of previews: a placeholder that tells nobody anything.
    pub(super) hidden: bool,
    /// Without it the agent would go another way, so the manifest may not set it too. A
    /// switch that is not fixed is a default: the manifest's own value wins.
    pub(super) fixed: bool,
}

/// A value that its file's grammar would not hold: a control character, a quote, a backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unwritable;

impl core::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("has a line break, control character, quote or backslash; take it out")
    }
}

/// The value, if no file's grammar could read it as anything else.
fn plain(value: &str) -> Result<&str, Unwritable> {
    let is_bad = |letter: char| letter.is_control() || matches!(letter, '"' | '\'' | '\\');
    match value.chars().any(is_bad) {
        true => Err(Unwritable),
        false => Ok(value),
    }
}

/// A route's URL as the agent calls it; it ends in `/` as the path does.
pub(super) fn route_url(path: &str) -> String {
    format!("http://{PROXY_HOST}:{PROXY_PORT}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_end_a_value_is_refused() {
        for bad in ["a\rb", "a\nb", "a\"b", "a'b", "a\\b", "a\0b", "a\u{85}b"] {
            assert_eq!(plain(bad), Err(Unwritable), "{bad:?}");
        }
        assert_eq!(
            plain("/gitea/git.example.org/"),
            Ok("/gitea/git.example.org/")
        );
    }
}
