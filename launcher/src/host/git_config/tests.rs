use std::os::unix::fs::symlink;

use super::*;

#[test]
fn a_credential_is_seen_however_it_is_written() {
    for bad in [
        "[remote \"origin\"]\n\turl = https://user:t0ken@github.com/a/b\n",
        "[remote \"origin\"]\n\turl = https://t0ken@github.com/a/b\n",
        "url = \"https://t0k\"en@github.com/a\n",
        "url = https://t0\\\nken@github.com/a\n",
        "url = HTTPS://T@H\n",
        "pushurl=http://:p@h/x",
        "[url \"https://x:y@h/\"]\n\tinsteadOf = https://h/\n",
        "# url = https://t0ken@github.com/a/b\n",
        "url = ssh://git:pw@h/x\n",
        "url = git+ssh://git:pw@h/x\n",
        "[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic eDp5\n",
        "[http]\n\textraHeader = \"Authorization: Bearer x\"\n",
    ] {
        assert!(holds_credential(bad.as_bytes()), "{bad}");
    }
    for good in [
        "",
        "[remote \"origin\"]\n\turl = https://github.com/a/b\n",
        "url = ssh://git@github.com/a/b\n",
        "url = git@github.com:a/b\n",
        "url = https://h/a@b\n",
        "url = https://h/?q=a@b\n",
        "url = https://h#a@b\n",
        "url = https://h \n\temail = a@b.example\n",
        "[http]\n\textraheader = X-Trace: 1\n",
        "[user]\n\temail = a@b.example\n",
    ] {
        assert!(!holds_credential(good.as_bytes()), "{good}");
    }
}

/// A bound directory, guarded as a plan would.
fn bound(path: &Path) -> Workdir {
    Workdir {
        mode: WorkdirMode::Bind,
        host: Some(path.to_path_buf()),
        inside: path.to_path_buf(),
        mounts: vec![GuardMount::Itself(path.join(".git"))],
        owner: Some((0, 0)),
    }
}

#[test]
fn what_an_agent_changed_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let git = folder.path().join(".git");
    fs::create_dir_all(git.join("modules/a/hooks")).expect("made");
    fs::write(git.join("config"), "[core]\n\tbare = false\n").expect("written");
    fs::write(git.join("modules/a/config"), "[core]\n").expect("written");
    fs::write(git.join("HEAD"), "a").expect("written");
    let snapshot = Snapshot::take(&bound(folder.path())).expect("taken");
    assert_eq!(snapshot.changes().expect("compared"), None);

    fs::write(git.join("HEAD"), "b").expect("written");
    assert_eq!(snapshot.changes().expect("compared"), None);

    fs::write(
        git.join("config"),
        "[core]\n\tbare = false\n\tfsmonitor = \u{1b}[8mx\n",
    )
    .expect("written");
    fs::remove_file(git.join("modules/a/config")).expect("removed");
    symlink("/bin/sh", git.join("modules/a/hooks/post-checkout")).expect("made");
    let shown = git.display();
    assert_eq!(
        snapshot.changes().expect("compared"),
        Some(format!(
            "{shown}/config has changed:\n  [core]\n      bare = false\n+     fsmonitor = \\u{{1b}}[8mx\n\
             {shown}/modules/a/config is gone:\n- [core]\n\
             {shown}/modules/a/hooks/post-checkout is new:\n+ (a link to /bin/sh)\n"
        ))
    );
}

#[test]
fn a_git_that_appears_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let snapshot = Snapshot::take(&bound(folder.path())).expect("taken");
    let git = folder.path().join(".git");
    fs::write(&git, "gitdir: elsewhere\n").expect("written");
    let shown = git.display();
    assert_eq!(
        snapshot.changes().expect("compared"),
        Some(format!("{shown} is new:\n+ gitdir: elsewhere\n"))
    );
    fs::remove_file(&git).expect("removed");
    fs::create_dir(&git).expect("made");
    fs::write(git.join("config"), vec![b'x'; GIT_FILE_OCTETS + 1]).expect("written");
    assert_eq!(
        snapshot.changes().expect("compared"),
        Some(format!(
            "{shown}/config is new:\n+ ({} octets, too long to show)\n",
            GIT_FILE_OCTETS + 1
        ))
    );
}

/// Files with what is in them, below a folder.
fn written(folder: &Path, files: &[(&str, &str)]) {
    for (file, text) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
}

#[test]
fn a_repository_within_the_work_is_shown_whatever_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = fs::canonicalize(folder.path()).expect("its path");
    written(&work, &[(".git/config", "[core]\n")]);
    let snapshot = Snapshot::take(&bound(&work)).expect("taken");
    // `git status` enters the one that the index names, and runs its file system monitor.
    let evil = "[core]\n\tfsmonitor = x\n";
    written(
        &work,
        &[
            (".git/modules/logs/HEAD", ""),
            (".git/modules/logs/objects/a", ""),
            (".git/modules/logs/config", evil),
            ("vendor/.git/config", evil),
        ],
    );
    let changes = snapshot.changes().expect("compared").unwrap_or_default();
    for name in [".git/modules/logs/config", "vendor/.git/config"] {
        let shown = work.join(name).display().to_string();
        let line = format!("{shown} is new:\n+ [core]\n+     fsmonitor = x\n");
        assert!(changes.contains(&line), "{changes}");
    }
}

#[test]
fn what_git_obeys_by_a_link_or_a_name_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = fs::canonicalize(folder.path()).expect("its path");
    let config = "[core]\n\thooksPath = .husky/_\n[include]\n\tpath = ../shared.conf\n";
    let files = [
        (".git/config", config),
        (".husky/_/pre-commit", "true"),
        ("shared.conf", "[core]\n"),
        ("scripts/pre-push", "true"),
        ("scripts/other", "true"),
    ];
    written(&work, &files);
    fs::create_dir(work.join(".git/hooks")).expect("made");
    symlink("../../scripts/pre-push", work.join(".git/hooks/pre-push")).expect("made");
    let secret = work.with_extension("secret");
    fs::write(&secret, "s3cret").expect("written");
    let snapshot = Snapshot::take(&bound(&work)).expect("taken");
    assert_eq!(snapshot.changes().expect("compared"), None);
    for (file, _) in &files[1..] {
        fs::write(work.join(file), "evil").expect("written");
    }
    // What lies elsewhere is the user's, and is not put onto a terminal.
    fs::remove_file(work.join("shared.conf")).expect("removed");
    symlink(&secret, work.join("shared.conf")).expect("made");
    let changes = snapshot.changes().expect("compared").unwrap_or_default();
    fs::remove_file(&secret).expect("removed");
    for (path, line) in [
        (".husky/_/pre-commit", "+ evil"),
        (".git/hooks/pre-push", "+ evil"),
        ("shared.conf", "+ (a link to "),
    ] {
        let place = work.join(path).display().to_string();
        let behind = changes.split_once(&place).map(|(_, behind)| behind);
        assert!(behind.is_some_and(|text| text.contains(line)), "{changes}");
    }
    assert!(!changes.contains("scripts/other") && !changes.contains("s3cret"));
}

#[test]
fn a_hook_of_the_same_length_or_one_that_may_be_run_now_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = fs::canonicalize(folder.path()).expect("its path");
    let hooks = work.join(".git/modules/a/hooks");
    written(&work, &[(".git/modules/a/hooks/post-merge", "true")]);
    let long = hooks.join("post-checkout");
    fs::write(&long, vec![b'a'; GIT_FILE_OCTETS + 1]).expect("written");
    let snapshot = Snapshot::take(&bound(&work)).expect("taken");
    fs::write(&long, vec![b'b'; GIT_FILE_OCTETS + 1]).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(hooks.join("post-merge"), mode).expect("may be run");
    let changes = snapshot.changes().expect("compared").unwrap_or_default();
    assert!(
        changes.contains("post-checkout has changed:\n  (in what"),
        "{changes}"
    );
    assert!(
        changes.contains("post-merge has changed:\n+ (it may be run)\n"),
        "{changes}"
    );
}

#[test]
fn a_copy_changes_nothing_of_the_hosts() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = Workdir {
        mode: WorkdirMode::Copy,
        ..bound(folder.path())
    };
    let snapshot = Snapshot::take(&copy).expect("taken");
    fs::create_dir(folder.path().join(".git")).expect("made");
    fs::write(folder.path().join(".git/config"), "x").expect("written");
    assert_eq!(snapshot.changes().expect("compared"), None);
}
