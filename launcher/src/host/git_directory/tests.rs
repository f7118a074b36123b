use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

/// A folder, its path without links.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = fs::canonicalize(folder.path()).expect("its path");
    (folder, path)
}

/// git itself, without anything of this user's.
fn git(folder: &Path, words: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@a.example",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn facts(work: &Path) -> GitFacts {
    look(work).expect("looked at").expect("a .git")
}

fn settings_of(work: &Path) -> Settings {
    let git = look(work).expect("looked at");
    settings(work, git.as_ref(), Path::new("/nobody")).expect("read")
}

#[test]
fn a_clone_a_worktree_and_a_submodule_are_known() {
    let (_folder, root) = folder();
    let main = root.join("main");
    fs::create_dir(&main).expect("made");
    assert_eq!(look(&main).expect("looked at"), None);
    git(&main, &["init", "--quiet"]);
    git(&main, &["commit", "--quiet", "--allow-empty", "-m", "x"]);
    git(&main, &["worktree", "add", "--quiet", "../tree"]);
    git(&main, &["submodule", "--quiet", "add", "./.", "sub"]);
    let clone = facts(&main);
    assert_eq!(clone.kind, GitKind::Directory);
    assert_eq!(clone.common, main.join(".git"));
    assert_eq!(clone.hooks, Presence::Directory);
    let said = settings_of(&main);
    assert_eq!(said.with_credential, [""; 0].map(PathBuf::from));
    assert_eq!(said.redirections, []);

    let tree = facts(&root.join("tree"));
    assert_eq!((tree.kind, tree.common), (GitKind::File, main.join(".git")));
    let sub = facts(&main.join("sub"));
    assert_eq!(
        (sub.kind, sub.common),
        (GitKind::File, main.join(".git/modules/sub"))
    );

    // A worktree that was moved is known by nobody until git has mended it.
    fs::rename(root.join("tree"), root.join("moved")).expect("moved");
    assert_eq!(facts(&root.join("moved")).kind, GitKind::Unproven);

    // Credentials are found in every configuration, wherever it lies.
    git(&main, &["init", "--quiet", "vendor/other"]);
    let files = [
        ".git/config",
        ".git/modules/sub/config",
        "vendor/other/.git/config",
    ];
    for file in files {
        let path = main.join(file);
        let text = fs::read_to_string(&path).expect("read");
        fs::write(
            &path,
            text + "[remote \"x\"]\n\turl = https://u:p@h.example/x\n",
        )
        .expect("written");
    }
    assert_eq!(
        settings_of(&main).with_credential,
        files.map(|file| main.join(file))
    );
    // So they are where the directory above has no `.git` of its own.
    assert_eq!(
        settings_of(&main.join("vendor")).with_credential,
        [main.join(files[2])]
    );
}

#[test]
fn what_leads_git_into_the_work_directory_is_known() {
    let (_folder, work) = folder();
    git(&work, &["init", "--quiet"]);
    git(&work, &["config", "core.hooksPath", ".husky/_"]);
    git(&work, &["config", "include.path", "../team.config"]);
    let config = work.join(".git/config");
    let led = |setting, path| Redirection {
        file: config.clone(),
        setting,
        path: work.join(path),
    };
    let expected = [
        led("core.hooksPath", ".husky/_"),
        led("include.path", "team.config"),
    ];
    assert_eq!(settings_of(&work).redirections, expected);
    git(&work, &["config", "--unset", "include.path"]);
    git(&work, &["config", "core.hooksPath", ".git/hooks"]);
    assert_eq!(
        settings_of(&work).redirections,
        [],
        "they are mounted read-only"
    );
}

#[test]
fn a_file_that_names_any_directory_proves_nothing() {
    let (_folder, root) = folder();
    let (work, victim) = (root.join("work"), root.join("victim"));
    for made in [&work, &victim, &victim.join("objects")] {
        fs::create_dir(made).expect("made");
    }
    let entry = work.join(".git");
    fs::write(&entry, format!("gitdir: {}\n", victim.display())).expect("written");
    assert_eq!(facts(&work).kind, GitKind::Unproven);

    // What the agent can write in its own work directory names a directory above it.
    let evil = work.join("worktrees/evil");
    fs::create_dir_all(&evil).expect("made");
    fs::write(&entry, "gitdir: worktrees/evil\n").expect("written");
    fs::write(evil.join("gitdir"), format!("{}\n", entry.display())).expect("written");
    for common in ["../../../victim", "../../.."] {
        fs::write(evil.join("commondir"), common).expect("written");
        assert_eq!(facts(&work).kind, GitKind::Unproven, "{common}");
    }
    // Even where the names fit: the work directory itself is called `worktrees`.
    let (upper, work) = (root.join("upper"), root.join("upper/worktrees"));
    fs::create_dir_all(work.join("evil")).expect("made");
    fs::create_dir(upper.join("objects")).expect("made");
    fs::write(work.join(".git"), "gitdir: evil\n").expect("written");
    fs::write(work.join("evil/gitdir"), "../.git\n").expect("written");
    fs::write(work.join("evil/commondir"), "../..\n").expect("written");
    assert_eq!(facts(&work).kind, GitKind::Unproven);
}

#[test]
fn links_and_redirections_are_told() {
    let (_folder, root) = folder();
    fs::create_dir(root.join("real")).expect("made");
    symlink("real", root.join(".git")).expect("made");
    assert_eq!(facts(&root).kind, GitKind::Other);
    assert_eq!(
        presence(&root.join(".git")).expect("looked at"),
        Presence::Other
    );

    let (_folder, root) = folder();
    fs::create_dir(root.join(".git")).expect("made");
    assert_eq!(facts(&root).kind, GitKind::Directory);
    fs::write(root.join(".git/commondir"), "../elsewhere").expect("written");
    assert_eq!(facts(&root).kind, GitKind::Unproven);
}

#[test]
fn a_file_is_read_up_to_its_length() {
    let (_folder, root) = folder();
    let file = root.join("file");
    fs::write(&file, vec![b'x'; GIT_FILE_OCTETS]).expect("written");
    assert!(read(&file).is_ok());
    fs::write(&file, vec![b'x'; GIT_FILE_OCTETS + 1]).expect("written");
    assert!(read(&file).is_err());
}
