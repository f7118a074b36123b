//! git push over smart HTTP, recognised before anything of it leaves: its discovery
//! (`info/refs?service=git-receive-pack`) and its upload (`git-receive-pack`).
//!
//! Both are refused, for git explains a failed discovery well and a failed upload badly.
//! Fetching is the same with `git-upload-pack`, and passes.

use super::decoded_path::{DecodedPath, Segment};
use super::query::Query;
use std::collections::BTreeMap;

const SERVICE: &str = "git-receive-pack";

/// A push, and the repository it is for.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct GitPush {
    /// The decoded segments before the service, lower case, joined by `/`, without `.git`.
    repository: Vec<u8>,
}

impl GitPush {
    /// Looks at a suffix and the raw query that came with it. The method does not
    /// matter: no other use of these two paths is known.
    pub(super) fn of(suffix: &DecodedPath<'_>, raw_query: Option<&[u8]>) -> Option<GitPush> {
        let with = |segment: &Segment<'_>| !segment.name.is_empty();
        let without = |segment: &Segment<'_>| with(segment) && !segment.in_parameters;
        // Tomcat, and so Bitbucket and Gerrit, cut `;x%2Fy` before they decode it.
        GitPush::read(suffix, with, raw_query).or_else(|| GitPush::read(suffix, without, raw_query))
    }

    /// Looks at those segments alone that `counts` says are there.
    fn read(
        suffix: &DecodedPath<'_>,
        counts: impl Fn(&Segment<'_>) -> bool,
        raw_query: Option<&[u8]>,
    ) -> Option<GitPush> {
        let names = || {
            suffix
                .segments()
                .filter(&counts)
                .map(|segment| segment.name)
        };
        let count = names().count();
        let is = |index: Option<usize>, name: &str| {
            let segment = index.and_then(|index| names().nth(index));
            segment.is_some_and(|segment| segment.eq_ignore_ascii_case(name.as_bytes()))
        };
        let (last, last_but_one) = (count.checked_sub(1), count.checked_sub(2));
        let asks_for_push =
            || raw_query.is_some_and(|query| Query::of(query).has("service", SERVICE));

        let before = if is(last, SERVICE) {
            last?
        } else if is(last, "refs") && is(last_but_one, "info") && asks_for_push() {
            last_but_one?
        } else {
            return None;
        };
        let segments: Vec<&[u8]> = names().take(before).collect();
        let path = segments.join(&b'/').to_ascii_lowercase();
        let repository = path.strip_suffix(b".git").unwrap_or(&path).to_vec();
        Some(GitPush { repository })
    }

    /// The remote of the gate that stands for this repository; a key of `push_remotes`
    /// is `owner/repo`, with or without `.git`, in any case.
    pub(super) fn remote<'r>(&self, push_remotes: &'r BTreeMap<String, String>) -> Option<&'r str> {
        let names_us = |key: &str| {
            let key = key.to_ascii_lowercase();
            key.strip_suffix(".git").unwrap_or(&key).as_bytes() == self.repository
        };
        push_remotes
            .iter()
            .find(|(key, _)| names_us(key))
            .map(|(_, remote)| remote.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(target: &str) -> Option<String> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.as_bytes())),
            None => (target, None),
        };
        let path = DecodedPath::of(path.as_bytes()).expect("no dot segment");
        let push = GitPush::of(&path, query)?;
        Some(String::from_utf8(push.repository).expect("ASCII"))
    }

    #[test]
    fn the_upload_is_recognised_in_every_disguise() {
        for target in [
            "o/r.git/git-receive-pack",
            "o/r/git-receive-pack",
            "o/r.git/git-receive-pack/",
            "o/r.git/git-receive-pack//",
            "o/r.git//git-receive-pack",
            "o//r.git/git-receive-pack",
            "O/R.git/GIT-Receive-Pack",
            "o/r.GIT/git-receive-pack",
            "o/r.git/git%2Dreceive%2dpack",
            "o/r.git/git%252Dreceive-pack",
            "o/r.git/git%25252Dreceive-pack",
            "o/r.git/git%2%44receive-pack",
            "o/r.git/%67it-receive-pack",
            "o/r.git/git-receive-pack;x",
            "o/r.git/git-receive-pack;x=y/",
            "o/r.git/git-receive-pack%3Bx",
            "o/r.git/git-receive-pack%253bx/",
            "o/r.git;x/git-receive-pack",
            "o/r.git/git-receive-pack/;x",
            "o/r.git%2Fgit-receive-pack",
            "o%2Fr.git/git-receive-pack",
            "o/r.git%5Cgit-receive-pack",
            "o/r.git/git-receive-pack%2F",
            "o/r.git/git-receive-pack%5c",
            "o/r.git/git-receive-pack;x%2Fy",
            "o/r.git/git-receive-pack;x%2Fy%5Cz/",
            "o/r.git/git-receive-pack;x%252Fy",
            "o/r.git/git-receive-pack?",
            "o/r.git/git-receive-pack?service=git-upload-pack",
        ] {
            assert_eq!(push(target).as_deref(), Some("o/r"), "{target}");
        }
        assert_eq!(push("git-receive-pack").as_deref(), Some(""));
        assert_eq!(
            push("group/sub/r.git/git-receive-pack").as_deref(),
            Some("group/sub/r")
        );
    }

    #[test]
    fn the_discovery_is_recognised_in_every_disguise() {
        for query in [
            "service=git-receive-pack",
            "SERVICE=git-receive-pack",
            "service=GIT-RECEIVE-PACK",
            "a=b&service=git-receive-pack",
            "a=b;service=git-receive-pack",
            "service=git-receive-pack&a=b",
            "service=git-receive-pack;a=b",
            "service=git-upload-pack&service=git-receive-pack",
            "service=git-receive-pack&service=git-upload-pack",
            "&&service=git-receive-pack",
            "service=git%2Dreceive%2Dpack",
            "service=git%252dreceive-pack",
            "%73ervice=git-receive-pack",
            "%2573ervice=git-receive-pack",
            "service%3Dgit-receive-pack",
            "service=git-receive-pack+",
            "service=+git-receive-pack",
            "service=%20git-receive-pack",
            "+service=git-receive-pack",
            "service+=git-receive-pack",
            "service[]=git-receive-pack",
            "a%26service=git-receive-pack",
            "service=git-receive-pack%26a",
            "service=git-receive-pack%00",
        ] {
            let target = format!("o/r.git/info/refs?{query}");
            assert_eq!(push(&target).as_deref(), Some("o/r"), "{target}");
        }
        for path in [
            "o/r.git/info/refs/",
            "o/r.git//info//refs",
            "o/r.git/INFO/Refs",
            "o/r.git/info%2Frefs",
            "o/r.git/info%252frefs",
            "o/r.git/info;x/refs;y",
            "o/r.git/%69nfo/re%66s",
            "o/r/info/refs%2f",
            "o/r/info%5Crefs",
            "o/r.git%2finfo/refs",
            "o/r.git/info/;x/refs",
            "o/r.git/info/refs;x%2Fy",
            "o/r.git/info;a%2Fb/refs;c%2Fd",
        ] {
            let target = format!("{path}?service=git-receive-pack");
            assert_eq!(push(&target).as_deref(), Some("o/r"), "{target}");
        }
    }

    #[test]
    fn what_is_no_push_passes() {
        for target in [
            "o/r.git/git-upload-pack",
            "o/r.git/info/refs",
            "o/r.git/info/refs?service=git-upload-pack",
            "o/r.git/info/refs?service=git-receive-packs",
            "o/r.git/info/refs?services=git-receive-pack",
            "o/r.git/info/refs?q=service%20git-receive-pack",
            "o/git-receive-pack-docs",
            "o/git-receive-pack-docs/info/refs?service=git-upload-pack",
            "o/git-receive-pack/info/refs?service=git-upload-pack",
            "o/git-receive-pack/issues?service=git-receive-pack",
            "o/r/contents/info/refs.txt?service=git-receive-pack",
            "o/r/xinfo/refs?service=git-receive-pack",
            "o/r/refs?service=git-receive-pack",
            "o/r/git-receive-pack.md",
            "search?q=git-receive-pack",
            "",
        ] {
            assert_eq!(push(target), None, "{target}");
        }
    }

    #[test]
    fn the_gate_s_remote_is_found_with_and_without_git_at_the_end() {
        let gate = |key: &str| BTreeMap::from([(key.to_owned(), "git://gate/app.git".to_owned())]);
        for key in ["owner/repo", "owner/repo.git", "Owner/Repo"] {
            for repository in [
                "owner/repo",
                "owner/repo.git",
                "OWNER/rep%6f",
                "owner//repo.GIT",
            ] {
                let target = format!("{repository}/git-receive-pack");
                let path = DecodedPath::of(target.as_bytes()).expect("no dot segment");
                let push = GitPush::of(&path, None).expect("a push");
                assert_eq!(
                    push.remote(&gate(key)),
                    Some("git://gate/app.git"),
                    "{key} {target}"
                );
                assert_eq!(push.remote(&gate("owner/other")), None);
                assert_eq!(push.remote(&gate("repo")), None);
            }
        }
    }
}
