//! `~/.gitconfig`: the role `git-insteadof`, the gate's repositories, the user.

use core::fmt::Write as _;

use super::{Unwritable, plain, route_url};
use crate::manifest::GitUser;

/// What goes into it.
#[derive(Default)]
pub(in crate::plan) struct GitConfig<'m> {
    /// Who the agent's commits are by.
    pub(in crate::plan) user: Option<&'m GitUser>,
    /// The gate's remotes, with every spelling that leads to each.
    pub(in crate::plan) gate: Vec<(String, Vec<String>)>,
    /// Paths of routes, with the URL that each stands for.
    pub(in crate::plan) routes: Vec<(&'m str, String)>,
}

/// Nothing to write: empty text.
pub(in crate::plan) fn gitconfig(config: &GitConfig<'_>) -> Result<String, Unwritable> {
    let mut text = String::new();
    if let Some(user) = config.user {
        let (name, email) = (quotable(&user.name)?, quotable(&user.email)?);
        // Writing to a String fails never.
        let _ = write!(text, "[user]\n\tname = \"{name}\"\n\temail = \"{email}\"\n");
    }
    for (remote, spellings) in &config.gate {
        section(&mut text, remote, spellings)?;
    }
    for (path, url) in &config.routes {
        section(&mut text, &route_url(path), core::slice::from_ref(url))?;
    }
    Ok(text)
}

fn section(text: &mut String, base: &str, urls: &[String]) -> Result<(), Unwritable> {
    let _ = writeln!(text, "[url \"{}\"]", plain(base)?);
    for url in urls {
        let url = plain(url)?;
        // `#` and `;` begin a comment, except between quotes.
        let quote = if url.contains(['#', ';']) { "\"" } else { "" };
        let _ = writeln!(text, "\tinsteadOf = {quote}{url}{quote}");
    }
    Ok(())
}

/// People's names have apostrophes, which mean nothing to git between quotes.
fn quotable(value: &str) -> Result<&str, Unwritable> {
    plain(&value.replace('\'', " ")).map(|_| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> GitUser {
        GitUser {
            name: name.to_owned(),
            email: "bot@example.org".to_owned(),
        }
    }

    #[test]
    fn git_is_led_to_gate_and_routes() {
        let user = user("Bot O'Brien");
        let config = GitConfig {
            user: Some(&user),
            gate: vec![(
                "git://git-gate/app.git".to_owned(),
                vec![
                    "ssh://git@git.example.org/me/app.git".to_owned(),
                    "git@git.example.org:me/app.git".to_owned(),
                ],
            )],
            routes: vec![
                ("/gh-git/", "https://github.com/".to_owned()),
                ("/x/", "https://x.example/a;b/".to_owned()),
            ],
        };
        assert_eq!(
            gitconfig(&config).as_deref(),
            Ok(
                "[user]\n\tname = \"Bot O'Brien\"\n\temail = \"bot@example.org\"\n\
                [url \"git://git-gate/app.git\"]\n\
                \tinsteadOf = ssh://git@git.example.org/me/app.git\n\
                \tinsteadOf = git@git.example.org:me/app.git\n\
                [url \"http://cred-proxy:9099/gh-git/\"]\n\
                \tinsteadOf = https://github.com/\n\
                [url \"http://cred-proxy:9099/x/\"]\n\
                \tinsteadOf = \"https://x.example/a;b/\"\n"
            )
        );
    }

    #[test]
    fn nothing_is_empty_text_and_what_ends_a_value_is_refused() {
        assert_eq!(gitconfig(&GitConfig::default()).as_deref(), Ok(""));
        for bad in ["a\nb", "a\rb", "a\"b", "a\\b"] {
            let user = user(bad);
            let as_user = GitConfig {
                user: Some(&user),
                ..GitConfig::default()
            };
            let as_url = GitConfig {
                routes: vec![("/a/", bad.to_owned())],
                ..GitConfig::default()
            };
            let as_remote = GitConfig {
                gate: vec![(bad.to_owned(), Vec::new())],
                ..GitConfig::default()
            };
            for config in [as_user, as_url, as_remote] {
                assert!(gitconfig(&config).is_err(), "{bad:?}");
            }
        }
    }
}
