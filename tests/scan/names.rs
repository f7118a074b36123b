//! Names: of refs, files, directories, modules; none has content that leads to it.

use crate::stage::Stage;

#[test]
fn a_branch_s_name_is_text() {
    let Some(stage) = Stage::for_test("a branch's name is text") else {
        return;
    };
    let name = format!("main:refs/heads/fix/{}", stage.key());
    let pushed = stage.push(&[&name]);
    pushed.finds("the name of a ref");
    // One that upstream has is not the pusher's doing.
    stage.upstream_has(&name);
    stage.commit(&[("new", b"new\n")]);
    stage.push(&[&name]).passes();
}

#[test]
fn a_file_s_name_is_text() {
    let Some(stage) = Stage::for_test("a file's name is text") else {
        return;
    };
    let back = || stage.git(&["reset", "-q", "--hard", "HEAD~1"]);
    stage.commit(&[(&stage.key(), b"new content\n")]);
    stage.push(&["main"]).finds("the name of a file, commit ");
    back();
    // Nobody lists an object that is known under another name.
    stage.commit(&[(&format!("a/b/{}.txt", stage.key()), b"Nothing of note.\n")]);
    stage
        .push(&["main"])
        .finds("the name of a file in a/b/, commit ");
    back();
    stage.commit(&[(&format!("{}/file", stage.key()), b"Nothing of note.\n")]);
    stage.push(&["main"]).finds("the name of a file, commit ");
    back();
    // Nor one whose name is gone again.
    stage.commit(&[(&stage.key(), b"Nothing of note.\n")]);
    stage.git(&["rm", "-q", "-r", "--cached", "."]);
    stage.git(&["add", "readme"]);
    stage.git(&["commit", "-q", "-m", "Clean"]);
    stage.push(&["main"]).finds("the name of a file, commit ");
}

#[test]
fn a_name_may_be_of_any_octets() {
    let Some(stage) = Stage::for_test("a name may be of any octets") else {
        return;
    };
    let blob = stage.git(&["rev-parse", "HEAD:readme"]);
    for (before, behind) in [
        (&b"\xff\xfe"[..], &b"\x80"[..]),
        (b"a\nb ", b"\n"),
        (b"\n\n", b"\n\n"),
        (b"\x1b[31m", b"\r"),
        (&[b'x'; 20_000], b"\xff"),
    ] {
        let name = [before, b" ", stage.key().as_bytes(), b" ", behind].concat();
        let tree = stage.tree("100644", &name, &blob);
        let commit = stage.commit_tree(&tree);
        let pushed = stage.push(&[&format!("{commit}:refs/heads/x")]);
        pushed.finds("the name of a file, commit ");
    }
}

#[test]
fn a_module_s_name_is_text_and_its_commit_no_object() {
    let Some(stage) = Stage::for_test("a module's name is text and its commit no object") else {
        return;
    };
    let elsewhere = "1234567890".repeat(4);
    let clean = stage.commit_tree(&stage.tree("160000", b"module", &elsewhere));
    stage.push(&[&format!("{clean}:refs/heads/clean")]).passes();
    let tree = stage.tree("160000", stage.key().as_bytes(), &elsewhere);
    let commit = stage.commit_tree(&tree);
    stage
        .push(&[&format!("{commit}:refs/heads/x")])
        .finds("the name of a file, commit ");
}

#[test]
fn a_link_s_target_is_text() {
    let Some(stage) = Stage::for_test("a link's target is text") else {
        return;
    };
    let link = stage.work().join("link");
    std::os::unix::fs::symlink(format!("/{}", stage.key()), link).expect("a link");
    stage.commit(&[]);
    stage.push(&["main"]).finds("link:1, commit ");
}

#[test]
fn a_name_with_a_secret_is_never_told() {
    let Some(stage) = Stage::for_test("a name with a secret is never told") else {
        return;
    };
    // The path of a file that has another one in it; `push` looks that neither is told.
    let path = format!("a/{}/b", stage.key());
    stage.commit(&[(&path, stage.key().as_bytes())]);
    let pushed = stage.push(&["main"]);
    pushed.refuses("github-pat in (a name with a secret in it):1, commit ");
    pushed.refuses("github-pat in the name of a file in a/, commit ");
    // The name of the ref itself.
    let name = format!("main:refs/heads/{}", stage.key());
    stage
        .push(&[&name])
        .refuses("(a name with a secret in it): github-pat in ");
}

#[test]
fn what_is_told_does_nothing_to_a_terminal() {
    let Some(stage) = Stage::for_test("what is told does nothing to a terminal") else {
        return;
    };
    stage.commit(&[("a\x1b]0;x\x07\u{202e}b", stage.key().as_bytes())]);
    stage
        .push(&["main"])
        .finds("a\\u{1b}]0;x\\u{7}\\u{202e}b:1, commit ");
}
