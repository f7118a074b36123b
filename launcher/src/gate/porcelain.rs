//! What `git push --porcelain` tells of each ref: git-push(1), "OUTPUT".
//!
//! A ref that upstream took under another name stands there by that name, and so without a fate
//! here by its own.

use std::collections::HashMap;

use super::push::Fate;

/// The fate of each ref that git names, by the name that it has upstream.
pub(super) fn fates(output: &str) -> HashMap<&str, Fate> {
    output.lines().filter_map(fate).collect()
}

/// `<flag> TAB <from>:<to> TAB <summary> (<reason>)`
fn fate(line: &str) -> Option<(&str, Fate)> {
    let (flag, rest) = line.split_once('\t')?;
    let (refs, summary) = rest.split_once('\t')?;
    // What we push is an object id, or nothing: no colon stands before this one.
    let (_, name) = refs.split_once(':')?;
    let fate = match flag {
        " " | "+" | "-" | "*" | "=" => Fate::Arrived,
        "!" => Fate::Refused(reason(summary)?),
        _ => return None,
    };
    Some((name, fate))
}

/// Why it was not taken; none where that is not told, for it may have been.
fn reason(summary: &str) -> Option<String> {
    let (kind, reason) = summary.split_once("] (").unwrap_or((summary, ""));
    let reason = reason.strip_suffix(')').unwrap_or(reason);
    let kind = kind.trim_matches(['[', ']']);
    match (kind, reason) {
        ("remote failure", _) => None,
        (_, "atomic push failed" | "atomic push failure" | "atomic transaction failed") => {
            Some("upstream took none, for another ref of this push was refused".to_owned())
        }
        // The lease of ours, and what git finds for itself, say that upstream has moved.
        ("rejected", reason) => Some(format!("upstream has moved, fetch first ({reason})")),
        (kind, "") => Some(format!("upstream: {kind}")),
        (_, reason) => Some(format!("upstream: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reason: &str) -> Fate {
        Fate::Refused(reason.to_owned())
    }

    #[test]
    fn each_flag_is_a_fate() {
        let output = "To ssh://git@forge/x.git\n\
            *\t1234:refs/heads/new\t[new branch]\n\
            \x20\t1234:refs/heads/on\tea97ab2..e01af40\n\
            +\t1234:refs/heads/forced\tea97ab2...e01af40 (forced update)\n\
            -\t:refs/heads/gone\t[deleted]\n\
            =\t1234:refs/heads/same\t[up to date]\n\
            !\t1234:refs/heads/hook\t[remote rejected] (pre-receive hook (x) declined)\n\
            !\t1234:refs/heads/one\t[remote rejected] (atomic push failure)\n\
            !\t(delete):refs/heads/lease\t[rejected] (stale info)\n\
            !\t1234:refs/heads/lost\t[remote failure] (remote failed to report status)\n\
            !\t1234:refs/heads/deletes\t[remote does not support deleting refs]\n\
            ?\t1234:refs/heads/what\tis this\n\
            Done\n";
        let fates = fates(output);
        for name in ["new", "on", "forced", "gone", "same"] {
            assert_eq!(
                fates[&*format!("refs/heads/{name}")],
                Fate::Arrived,
                "{name}"
            );
        }
        assert_eq!(
            fates["refs/heads/hook"],
            refused("upstream: pre-receive hook (x) declined")
        );
        assert_eq!(
            fates["refs/heads/one"],
            refused("upstream took none, for another ref of this push was refused")
        );
        assert_eq!(
            fates["refs/heads/lease"],
            refused("upstream has moved, fetch first (stale info)")
        );
        assert_eq!(
            fates["refs/heads/deletes"],
            refused("upstream: remote does not support deleting refs")
        );
        assert!(!fates.contains_key("refs/heads/lost"));
        assert_eq!(fates.len(), 9);
    }

    #[test]
    fn what_git_does_not_say_is_no_fate() {
        for output in ["", "Done\n", "To x:y\n", "*\tx\n", "*\tx\ty\n", "\t\t\t:\n"] {
            assert_eq!(fates(output), HashMap::new(), "{output:?}");
        }
    }
}
