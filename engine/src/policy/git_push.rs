//! git push over smart HTTP, recognised before anything of it leaves: its discovery
//! (`info/refs?service=git-receive-pack`) and its upload (`git-receive-pack`).
//!
//! Both are refused, for git explains a failed discovery well and a failed upload badly.
//! Fetching is the same with `git-upload-pack`, and passes.

use super::decoded_path::DecodedPath;
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
    /// Looks at a suffix and the query that came with it. The method does not matter: no
    /// other use of these two paths is known.
    ///
    /// Every reading counts: a service may see a segment that another takes for
    /// parameters, so the path ends with whatever only such segments follow.
    pub(super) fn of(suffix: &DecodedPath<'_>, query: &Query<'_>) -> Option<GitPush> {
        // The segment at which the path of the service, or of `info/refs`, begins.
        let (mut upload, mut discovery, mut info) = (None, None, None);
        for (index, segment) in suffix.segments().enumerate() {
            let is = |name: &str| segment.name.eq_ignore_ascii_case(name.as_bytes());
            let still = |found: Option<usize>| found.filter(|_| segment.may_be_none());
            upload = is(SERVICE).then_some(index).or_else(|| still(upload));
            discovery = info.filter(|_| is("refs")).or_else(|| still(discovery));
            info = is("info").then_some(index).or_else(|| still(info));
        }
        let asked = || discovery.filter(|_| query.mentions("service", SERVICE));
        let before = upload.or_else(asked)?;

        let names = suffix.segments().take(before).map(|segment| segment.name);
        let names: Vec<&[u8]> = names.filter(|name| !name.is_empty()).collect();
        let path = names.join(&b'/').to_ascii_lowercase();
        let repository = path.strip_suffix(b".git").unwrap_or(&path).to_vec();
        Some(GitPush { repository })
    }

    /// The remote of the gate that stands for this repository; a key of `push_remotes`
    /// is `owner/repo`, with or without `.git`, in any case. A part of it, or all, may
    /// stand in the upstream's base path.
    pub(super) fn remote<'r>(
        &self,
        push_remotes: &'r BTreeMap<String, String>,
        base_path: &str,
    ) -> Option<&'r str> {
        let whole = [base_path.as_bytes(), b"/", &self.repository].concat();
        let whole = bare_name(&String::from_utf8_lossy(&whole));
        let names_us = |key: &str| {
            let key = bare_name(key);
            key.as_bytes() == self.repository || key == whole
        };
        push_remotes
            .iter()
            .find(|(key, _)| names_us(key))
            .map(|(_, remote)| remote.as_str())
    }
}

/// Lower case, without slashes around it and without `.git`.
fn bare_name(repository: &str) -> String {
    let name = repository.trim_matches('/').to_ascii_lowercase();
    name.strip_suffix(".git").unwrap_or(&name).to_owned()
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
        let push = GitPush::of(&path, &Query::of(query, &path))?;
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
            "o/r.git/git%u002Dreceive-pack",
            "o/r.git%u002fgit-receive-pack",
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
            "o/r.git/git-receive-pack%20",
            "o/r.git/git-receive-pack%2520/",
            "o/r.git/git-receive-pack.",
            "o/r.git/git-receive-pack%2e%20.",
            "o/r.git/git-receive-pack%20;x",
            "o/r.git/git-receive-pack/%20",
            "o/r.git/git-receive-pack/...",
            "o/r.git./git-receive-pack",
            "o/r.git/git-receive-pack%3Fx",
            "o/r.git/git-receive-pack%23x",
            "o/r.git/git-receive-pack%253Fx",
            "o/r.git/git-receive-pack%3F",
            "o/r.git/git-receive-pack%3Fx/y/z",
            "o/r.git/git-receive-pack%23x%2Fy/z",
            "o/r.git/git-receive-pack;a%3Fx/y",
            "o/r.git/git-receive-pack;x%2Finfo%2Frefs",
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
            "%u0073ervice=git%u002Dreceive-pack",
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
            "service=git-receive-pack%00x",
            "service=git-receive-pack%0A",
            "service=git-receive-pack%23x",
            "service[x]=git-receive-pack",
            "?service=git-receive-pack",
            "x?service=git-receive-pack",
            "service[?]=git-receive-pack",
            "service%5Bx%5Da?b=git-receive-pack",
            "service[?]=git-receive-pack;a=b",
            "service[;#]=git-receive-pack&a=b",
            "service[]%3Dx%3B%26;y=git-receive-pack",
            "q=service%20git-receive-pack",
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
            "o/r.git/info/refs%20",
            "o/r.git/info./refs.",
            "o/r.git/info/refs%3F",
            "o/r.git/info/refs%23x/y",
            "o/r.git/info/refs%253Fservice=git-upload-pack",
        ] {
            let target = format!("{path}?service=git-receive-pack");
            assert_eq!(push(&target).as_deref(), Some("o/r"), "{target}");
        }
    }

    #[test]
    fn a_parameter_may_stand_in_the_path_for_some() {
        for target in [
            "o/r.git/info/refs%3Fservice=git-receive-pack",
            "o/r.git/info/refs%253Fservice%253Dgit-receive-pack",
            "o/r.git/info/refs%3Fx=y/z%26service=git-receive-pack",
            "o/r.git/info/refs%3Fservice=git-receive-pack%23x",
            "o/r.git/info/refs%3Fservice=git-receive-pack?service=git-upload-pack",
        ] {
            assert_eq!(push(target).as_deref(), Some("o/r"), "{target}");
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
            "o/r.git/info/refs?service=git_receive-pack",
            "o/r.git/info/refs?q=git-receive-pack",
            "o/r.git/info/refs?git-receive-pack=service",
            "o/git-receive-pack-docs",
            "o/git-receive-pack-docs/info/refs?service=git-upload-pack",
            "o/git-receive-pack/info/refs?service=git-upload-pack",
            "o/git-receive-pack/issues?service=git-receive-pack",
            "o/r/contents/info/refs.txt?service=git-receive-pack",
            "o/r/xinfo/refs?service=git-receive-pack",
            "o/r/refs?service=git-receive-pack",
            "o/r/git-receive-pack.md",
            "o/r/git-receive-pack%20notes",
            "o/r/a%3Fgit-receive-pack",
            "o/r/contents/C%23/git-receive-pack.md",
            "o/r/info/x/refs?service=git-receive-pack",
            "o/r.git/info/refs%3Fservice=git-upload-pack",
            "o/r.git/info/refs%3Fservice=git-receive-packs",
            "o%2Fr.git/git-upload-pack",
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
                let query = Query::of(None, &path);
                let push = GitPush::of(&path, &query).expect("a push");
                assert_eq!(
                    push.remote(&gate(key), ""),
                    Some("git://gate/app.git"),
                    "{key} {target}"
                );
                assert_eq!(push.remote(&gate("owner/other"), ""), None);
                assert_eq!(push.remote(&gate("repo"), ""), None);
            }
        }
    }

    #[test]
    fn a_part_of_the_repositorys_name_may_stand_in_the_base_path() {
        let remotes = BTreeMap::from([("o/r".to_owned(), "git://gate/r.git".to_owned())]);
        for (base_path, suffix, known) in [
            ("/o", "r.git/git-receive-pack", true),
            ("/O", "R/git-receive-pack", true),
            ("/o/r.git", "git-receive-pack", true),
            ("", "o/r/git-receive-pack", true),
            ("/p", "r/git-receive-pack", false),
        ] {
            let path = DecodedPath::of(suffix.as_bytes()).expect("no dot segment");
            let push = GitPush::of(&path, &Query::of(None, &path)).expect("a push");
            let remote = push.remote(&remotes, base_path);
            assert_eq!(remote.is_some(), known, "{base_path} {suffix}");
        }
    }
}
