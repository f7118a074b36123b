//! Commits, tags and refs: what is new, and what only looks as if it were not.

use crate::stage::{Pushed, Stage, run};

#[test]
fn a_new_branch_brings_only_what_is_new() {
    let Some(stage) = Stage::for_test("a new branch brings only what is new") else {
        return;
    };
    // What upstream has came by no push, and must not block every new branch for ever.
    stage.commit(&[("old", stage.key().as_bytes())]);
    stage.upstream_has("main:main");
    stage.push(&["main:refs/heads/same"]).passes();
    stage.commit(&[("new", b"Nothing of note.\n")]);
    stage.push(&["main:refs/heads/new"]).passes();
    stage.commit(&[("newer", stage.key().as_bytes())]);
    stage
        .push(&["main:refs/heads/newer"])
        .finds("newer:1, commit ");
}

#[test]
fn an_update_brings_all_its_commits() {
    let Some(stage) = Stage::for_test("an update brings all its commits") else {
        return;
    };
    stage.commit(&[("a/b", format!("1\n2\n{}\n", stage.key()).as_bytes())]);
    let guilty = stage.git(&["rev-parse", "--short=10", "HEAD"]);
    // The last commit has nothing: the history has.
    stage.commit(&[("a/b", b"1\n2\n3\n")]);
    stage.commit(&[("c", b"4\n")]);
    let pushed = stage.push(&["main"]);
    pushed.finds(&format!("a/b:3, commit {guilty}"));
    let start =
        "The scan refuses this push: what looks like a secret is in it.\n  refs/heads/main: ";
    assert!(pushed.remote().starts_with(start), "{}", pushed.remote());
}

#[test]
fn the_old_id_of_a_client_is_not_believed() {
    let Some(stage) = Stage::for_test("the old id of a client is not believed") else {
        return;
    };
    let upstream = stage.git(&["rev-parse", "HEAD"]);
    stage.commit(&[("secret", stage.key().as_bytes())]);
    let lie = stage.git(&["rev-parse", "HEAD"]);
    stage.commit(&[("clean", b"Nothing of note.\n")]);
    let new = stage.git(&["rev-parse", "HEAD"]);
    let zeros = "0".repeat(40);
    // As if only what is between the lie and the new were new.
    for old in [&lie, &zeros] {
        let told = push_as_if(&stage, old, &new, "refs/heads/main");
        assert!(
            told.contains("refs/heads/main: it is not what you say it was; fetch first"),
            "{told}"
        );
    }
    let told = push_as_if(&stage, &lie, &new, "refs/heads/new");
    assert!(
        told.contains("refs/heads/new: it is not what you say it was; fetch first"),
        "{told}"
    );
    let told = push_as_if(&stage, &upstream, &new, "refs/heads/main");
    assert!(told.contains("github-pat in secret:1"), "{told}");
}

/// Speaks as a client that says `old`. Gives what is said to it.
fn push_as_if(stage: &Stage, old: &str, new: &str, name: &str) -> String {
    let update = format!("{old} {new} {name}\0report-status side-band-64k");
    let mut input = format!("{:04x}{update}0000", update.len() + 4).into_bytes();
    let mut pack = stage.command();
    pack.args(["pack-objects", "--all", "--stdout", "-q"]);
    input.extend(run(&mut pack, b"").stdout);
    let before = stage.refs();
    let mut receive = stage.command();
    receive.arg("receive-pack").arg(stage.mirror());
    let output = run(&mut receive, &input);
    assert_eq!(stage.refs(), before, "nothing has changed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn rewritten_history_is_new() {
    let Some(stage) = Stage::for_test("rewritten history is new") else {
        return;
    };
    stage.git(&["checkout", "-q", "--orphan", "other"]);
    stage.commit(&[("secret", stage.key().as_bytes())]);
    stage
        .push(&["--force", "other:main"])
        .finds("secret:1, commit ");
    stage.git(&["rm", "-q", "--cached", "secret"]);
    std::fs::remove_file(stage.work().join("secret")).expect("there");
    stage.git(&["commit", "-q", "--amend", "-m", "Clean"]);
    stage.push(&["--force", "other:main"]).passes();
}

#[test]
fn a_deletion_has_nothing_to_scan() {
    let Some(stage) = Stage::for_test("a deletion has nothing to scan") else {
        return;
    };
    stage.push(&["main:refs/heads/gone"]).passes();
    stage.scanner(&["/nowhere/scanner"]);
    stage.push(&[":refs/heads/gone"]).passes();
    assert!(!stage.refs().contains("gone"));
    // With one that brings something it is scanned.
    stage.commit(&[("new", b"new\n")]);
    stage
        .push(&[":refs/heads/main", "main:refs/heads/new"])
        .refuses("was not scanned");
}

#[test]
fn tags_are_read_whole() {
    let Some(stage) = Stage::for_test("tags are read whole") else {
        return;
    };
    stage.git(&[
        "tag",
        "-a",
        "-m",
        &format!("First\n\n{}", stage.key()),
        "text",
    ]);
    stage.push(&["text"]).finds("the text, line 3 of tag ");
    let key = stage.key();
    let tagger = [("GIT_COMMITTER_NAME", key.as_str())];
    stage.git_with(&["tag", "-a", "-m", "Text", "tagger"], &tagger, b"");
    stage.push(&["tagger"]).finds("the tagger of tag ");
    // Only the outer one has a ref.
    stage.git(&["tag", "-a", "-m", &stage.key(), "inner"]);
    stage.git(&["tag", "-a", "-m", "Outer", "outer", "inner"]);
    stage.push(&["outer"]).finds("the text, line 1 of tag ");
    stage.git(&["tag", "-a", "-m", "Clean", "clean"]);
    stage.push(&["clean"]).passes();
}

#[test]
fn a_ref_may_lead_to_what_is_no_commit() {
    let Some(stage) = Stage::for_test("a ref may lead to what is no commit") else {
        return;
    };
    let blob = stage.object("blob", stage.key().as_bytes());
    stage
        .push(&[&format!("{blob}:refs/tags/blob")])
        .finds(&format!("blob {}:1", &blob[..10]));
    let tree = stage.tree("100644", b"file", &blob);
    stage
        .push(&[&format!("{tree}:refs/tags/tree")])
        .finds("file:1");
    stage.git(&["tag", "-a", "-m", "Text", "tagged", &blob]);
    stage
        .push(&["tagged"])
        .finds(&format!("blob {}:1", &blob[..10]));
    stage
        .push(&[&format!("{blob}:refs/notes/x"), "main:refs/heads/y"])
        .finds("blob ");
}

#[test]
fn commits_are_read_whole() {
    let Some(stage) = Stage::for_test("commits are read whole") else {
        return;
    };
    let back = || stage.git(&["reset", "-q", "--hard", "HEAD~1"]);
    stage.commit_as(&[], &format!("Subject\n\nBody {}", stage.key()), &[]);
    stage
        .push(&["main"])
        .finds("the commit message, line 3, commit ");
    back();
    for (variable, place) in [
        ("GIT_AUTHOR_NAME", "the author, commit "),
        ("GIT_AUTHOR_EMAIL", "the author, commit "),
        ("GIT_COMMITTER_NAME", "the committer, commit "),
        ("GIT_COMMITTER_EMAIL", "the committer, commit "),
    ] {
        stage.commit_as(&[], "Work", &[(variable, &stage.key())]);
        stage.push(&["main"]).finds(place);
        back();
    }
    // A signature is looked at by nobody.
    let head = stage.git(&["cat-file", "commit", "HEAD"]);
    let (head, message) = head.split_once("\n\n").expect("a message");
    let signed = format!(
        "{head}\ngpgsig -----BEGIN\n {}\n -----END\n\n{message}\n",
        stage.key()
    );
    let commit = stage.object("commit", signed.as_bytes());
    stage
        .push(&[&format!("{commit}:refs/heads/x")])
        .finds("a field before the commit message");
    // git shows no message behind a NUL.
    let hidden = format!("{head}\n\n{message}\0\n{}\n", stage.key());
    let commit = stage.object("commit", hidden.as_bytes());
    stage
        .push(&[&format!("{commit}:refs/heads/x")])
        .finds("the commit message, line 2");
}

#[test]
fn merges_are_no_hiding_place() {
    let Some(stage) = Stage::for_test("merges are no hiding place") else {
        return;
    };
    let side = |file: &str| {
        stage.git(&["checkout", "-q", "-b", "side", "main~1"]);
        stage.commit(&[(file, b"side\n")]);
    };
    // In neither parent.
    stage.commit(&[("here", b"here\n")]);
    stage.push(&["main"]).passes();
    side("there");
    stage.git(&["checkout", "-q", "main"]);
    stage.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    stage.commit(&[("only-in-merge", stage.key().as_bytes())]);
    assert_eq!(
        stage
            .git(&["rev-list", "--parents", "-1", "HEAD"])
            .split(' ')
            .count(),
        3
    );
    stage.push(&["main"]).finds("only-in-merge:1, commit ");
    stage.git(&["reset", "-q", "--hard", "main~1"]);
    stage.git(&["branch", "-q", "-D", "side"]);
    // Added and removed again on the merged side.
    side("away");
    stage.commit(&[("away", stage.key().as_bytes())]);
    stage.commit(&[("away", b"gone\n")]);
    stage.git(&["checkout", "-q", "main"]);
    stage.git(&["merge", "-q", "--no-ff", "-m", "Merge", "side"]);
    stage.push(&["main"]).finds("away:1, commit ");
    // As if nothing of that side had been taken.
    stage.git(&["reset", "-q", "--hard", "main~1"]);
    stage.git(&[
        "merge", "-q", "--no-ff", "-s", "ours", "-m", "Merge", "side",
    ]);
    stage.push(&["main"]).finds("away:1, commit ");
}

#[test]
fn one_bad_ref_refuses_all() {
    let Some(stage) = Stage::for_test("one bad ref refuses all") else {
        return;
    };
    stage.git(&["branch", "clean"]);
    stage.commit(&[("secret", stage.key().as_bytes())]);
    let pushed: Pushed = stage.push(&["clean", "main", "main:refs/heads/again"]);
    pushed.finds("secret:1");
    assert!(
        pushed.remote().contains("refs/heads/main: "),
        "{}",
        pushed.remote()
    );
}

#[test]
fn objects_of_both_hashes_are_read() {
    let Some(stage) = Stage::of_format("objects of both hashes are read", "sha256") else {
        return;
    };
    stage.commit(&[("a/b/c", stage.key().as_bytes())]);
    stage.commit(&[("a/b/c", b"clean\n")]);
    stage.push(&["main"]).finds("a/b/c:1, commit ");
    stage.git(&["reset", "-q", "--hard", "HEAD~2"]);
    let key = stage.key();
    stage.commit(&[(&format!("a/{key}/c"), b"clean\n")]);
    stage
        .push(&["main"])
        .finds("the name of a file in a/, commit ");
    stage.git(&["reset", "-q", "--hard", "HEAD~1"]);
    stage.commit(&[("a/b/c", b"clean\n")]);
    stage.push(&["main"]).passes();
}
