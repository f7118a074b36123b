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
