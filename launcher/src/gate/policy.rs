//! What the manifest permits of a push, ref by ref.

use super::config::Policy;

/// What a push would do to a ref, as far as the policy asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// It goes.
    pub(super) deletes: bool,
    /// A branch loses commits, or a tag is moved.
    pub(super) rewrites: bool,
    /// It is upstream's default branch.
    pub(super) of_default: bool,
    /// It changes what CI runs.
    pub(super) of_ci: bool,
}

/// The keys of the manifest that forbid this, each with what it is about; empty: it is permitted.
pub(super) fn forbids(
    policy: &Policy,
    name: &str,
    change: Change,
) -> Vec<(&'static str, &'static str)> {
    let is_allowed = policy.allow.iter().any(|pattern| matches(pattern, name));
    let rules = [
        (!is_allowed, "allow", "no pattern allows this ref"),
        (
            change.of_default && policy.protect_default,
            "protect_default",
            "it is the default branch",
        ),
        (
            change.rewrites && !policy.force,
            "force",
            "it rewrites history",
        ),
        (
            change.deletes && !policy.delete,
            "delete",
            "it deletes a ref",
        ),
        (
            change.of_ci && !policy.ci,
            "ci",
            "it changes what CI runs with the forge's secrets",
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, ..)| *is_broken);
    broken.map(|(_, key, about)| (key, about)).collect()
}

/// Those keys for a person, as the reason of a refusal.
pub(super) fn sentence(repository: &str, forbidding: &[(&str, &str)]) -> String {
    let tell = |(key, about): &(&str, &str)| format!("{about} (git_gate.repos.{repository}.{key})");
    forbidding.iter().map(tell).collect::<Vec<_>>().join("; ")
}

/// Is `*` any text, and all else itself?
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(head) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    // The first place is the best: it leaves most to the pieces behind it.
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

/// The rules of git-check-ref-format(1), below `refs/`. receive-pack does not hold a ref to
/// them before proc-receive has answered, and `git push` would take a `*` or `:` for syntax.
pub(super) fn is_name(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("refs/") else {
        return false;
    };
    let is_odd = |letter: char| letter.is_ascii_control() || " ~^:?*[\\".contains(letter);
    let is_component =
        |one: &str| !one.is_empty() && !one.starts_with('.') && !one.ends_with(".lock");
    rest.contains('/')
        && rest.split('/').all(is_component)
        && !rest.contains(is_odd)
        && !rest.contains("..")
        && !rest.contains("@{")
        && !rest.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            allow: vec!["refs/heads/*".to_owned(), "refs/tags/*".to_owned()],
            protect_default: true,
            force: false,
            delete: false,
            ci: false,
            max_push_mib: 100,
        }
    }

    fn keys(policy: &Policy, name: &str, change: Change) -> Vec<&'static str> {
        forbids(policy, name, change)
            .into_iter()
            .map(|(key, _)| key)
            .collect()
    }

    #[test]
    fn each_rule_is_lifted_by_its_key_alone() {
        let none = Change::default();
        let changes = [
            (
                "protect_default",
                Change {
                    of_default: true,
                    ..none
                },
            ),
            (
                "force",
                Change {
                    rewrites: true,
                    ..none
                },
            ),
            (
                "delete",
                Change {
                    deletes: true,
                    ..none
                },
            ),
            (
                "ci",
                Change {
                    of_ci: true,
                    ..none
                },
            ),
        ];
        let lifted = |key: &str| Policy {
            protect_default: key != "protect_default",
            force: key == "force",
            delete: key == "delete",
            ci: key == "ci",
            ..policy()
        };
        assert_eq!(keys(&policy(), "refs/heads/a", none), [""; 0]);
        for (key, change) in changes {
            assert_eq!(keys(&policy(), "refs/heads/a", change), [key]);
            for (other, _) in changes {
                let left = keys(&lifted(other), "refs/heads/a", change);
                assert_eq!(left.is_empty(), key == other, "{key} {other}");
            }
        }
    }

    #[test]
    fn every_key_that_forbids_is_told() {
        let change = Change {
            deletes: true,
            of_default: true,
            ..Change::default()
        };
        let told = sentence("app", &forbids(&policy(), "refs/heads/main", change));
        assert_eq!(
            told,
            "it is the default branch (git_gate.repos.app.protect_default); \
             it deletes a ref (git_gate.repos.app.delete)"
        );
        let told = sentence(
            "app",
            &forbids(&policy(), "refs/notes/x", Change::default()),
        );
        assert_eq!(
            told,
            "no pattern allows this ref (git_gate.repos.app.allow)"
        );
    }

    #[test]
    fn a_star_is_any_text() {
        for (pattern, name, expected) in [
            ("refs/heads/*", "refs/heads/a/b", true),
            ("refs/heads/*", "refs/heads/", true),
            ("refs/heads/*", "refs/headsa", false),
            ("refs/heads/a", "refs/heads/a", true),
            ("refs/heads/a", "refs/heads/ab", false),
            ("refs/heads/a", "xrefs/heads/a", false),
            ("*", "refs/heads/a", true),
            ("refs/*/a", "refs/heads/b/a", true),
            ("refs/*/a", "refs/heads/a/b", false),
            ("refs/heads/*-*-x", "refs/heads/a-b-c-x", true),
            ("refs/heads/*-*-x", "refs/heads/a-x", false),
            ("refs/heads/a*a", "refs/heads/a", false),
            ("**/a", "refs/heads/a", true),
            ("", "refs/heads/a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        let mut none = policy();
        none.allow.clear();
        assert_eq!(keys(&none, "refs/heads/a", Change::default()), ["allow"]);
    }

    #[test]
    fn a_name_is_one_that_git_takes() {
        for name in [
            "refs/heads/a",
            "refs/heads/-a",
            "refs/heads/größe/b.c",
            "refs/heads/@",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "HEAD",
            "refs",
            "refs/",
            "refs/a",
            "heads/a",
            "-f",
            "refs/heads/",
            "refs//a",
            "refs/heads/a/",
            "refs/heads/a..b",
            "refs/heads/.a",
            "refs/heads/a.lock",
            "refs/heads/a.lock/b",
            "refs/heads/a.",
            "refs/heads/a b",
            "refs/heads/a:b",
            "refs/heads/*",
            "refs/heads/a~1",
            "refs/heads/a^",
            "refs/heads/a?",
            "refs/heads/[a",
            "refs/heads/a\\b",
            "refs/heads/a@{b",
            "refs/heads/a\nb",
            "refs/heads/a\u{7f}",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
