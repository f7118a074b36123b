//! Work directories that belong to another user, or to a repository that lies elsewhere.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use harness::attempt::{Table, attempt};
use harness::program::Program;
use serde_json::json;

use crate::setting::{Setting, bearer};

/// A user and a group that neither this machine nor the image knows.
const OWNER: (u32, u32) = (4321, 5432);

/// Gives everything below a folder, and that, to the owner.
fn give(folder: &Path) {
    for file in harness::inventory::files_below(folder) {
        std::os::unix::fs::lchown(file, Some(OWNER.0), Some(OWNER.1)).expect("root may");
    }
    chown(folder, Some(OWNER.0), Some(OWNER.1)).expect("root may");
}

fn owner(path: &Path) -> (u32, u32) {
    let facts = fs::symlink_metadata(path).expect("a file");
    (facts.uid(), facts.gid())
}

fn manifest(setting: &Setting) {
    let route = bearer("/api/", &format!("https://{}:9", setting.outer.address()));
    let bottle = json!({ "cred_proxy": { "routes": [route] } });
    let agent = json!({ "workdir": "bind" });
    setting.host.manifest(setting.image, bottle, agent);
}

#[test]
fn an_agent_works_as_the_owner_of_a_bound_directory() {
    let test = "docker: another owner";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    if !rustix::process::geteuid().is_root() {
        return harness::require::skip(test, "only root can give a directory away");
    }
    manifest(&setting);
    setting.host.write("work/theirs", "theirs\n");
    give(&setting.host.work());
    let script = "id -u; id -g; whoami; cat theirs; echo more >>theirs; mkdir new; echo >new/file; \
        cd; touch mine && stat -c '%u %g' . mine; cat .npmrc 2>/dev/null; echo end";
    let said = setting.host.agent_does(&["sh", "-c", script]);
    assert_eq!(said.code(), 0, "{said:#?}");
    let (uid, gid) = OWNER;
    let (id, home) = (format!("{uid}\n{gid}\n"), format!("{uid} {gid}\n"));
    let wanted = format!("{id}bottle-agent\ntheirs\n{home}{home}end\n");
    assert_eq!(said.stdout, wanted, "{said:#?}");
    let work = setting.host.work();
    for name in ["theirs", "new", "new/file"] {
        assert_eq!(owner(&work.join(name)), OWNER, "{name}");
    }
    let theirs = fs::read_to_string(work.join("theirs")).expect("a file");
    assert_eq!(theirs, "theirs\nmore\n");
}

/// A repository with a further work tree: that is the user's work directory.
fn worktree(setting: &Setting) {
    let work = setting.host.work();
    fs::remove_dir(&work).expect("an empty directory");
    let git = |arguments: &[&str]| {
        let program = Program::new("git", &setting.host.path("home"));
        let known = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let said = program.args(known).args(arguments).run();
        assert_eq!(said.code(), 0, "{arguments:?}: {said:#?}");
    };
    let common = setting.host.path("common").display().to_string();
    git(&["init", "--quiet", &common]);
    git(&[
        "-C",
        &common,
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "one",
    ]);
    let work = work.display().to_string();
    git(&["-C", &common, "worktree", "add", "--quiet", &work]);
}

#[test]
fn the_hooks_of_a_work_tree_are_out_of_reach_wherever_they_lie() {
    let test = "docker: a work tree";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    if !rustix::process::geteuid().is_root() {
        return harness::require::skip(test, "only root can give a directory away");
    }
    worktree(&setting);
    let common = setting.host.path("common");
    for folder in [&common, &setting.host.work()] {
        give(folder);
    }
    manifest(&setting);
    let hooks = fs::read_dir(common.join(".git/hooks"))
        .expect("hooks")
        .count();
    let outsider = setting.outsider();
    let bottle = setting.host.start();
    let inside = |command: &[&str]| bottle.exec(command);
    let outside = |command: &[&str]| outsider.exec(command);

    // It is a work tree still: the agent commits in it.
    let commit = "git config --global --add safe.directory '*'; \
        git -c user.name=b -c user.email=b@example.org commit --quiet --allow-empty -m two \
        && git log --format=%s";
    assert_eq!(bottle.ask(&["sh", "-c", commit]), "two\none\n");

    let at = |path: &str| common.join(path).display().to_string();
    let mut table = Table::default();
    let (hook, new) = (at(".git/hooks/pre-commit"), at(".git/new"));
    let (all, git) = (at(".git/hooks"), at(".git"));
    table.row(
        "a hook",
        (&inside, &["write", &hook]),
        &["EROFS"],
        (&outside, &["write", &hook]),
    );
    fs::remove_file(common.join(".git/hooks/pre-commit")).expect("the control's own");
    for (what, arguments) in [
        ("other hooks", ["rename", &all, &new]),
        ("another .git", ["rename", &git, &at(".old")]),
    ] {
        let why = ["EBUSY", "EACCES", "EROFS"];
        table.row(what, (&inside, &arguments), &why, (&outside, &arguments));
        let [_, old, new] = arguments;
        let back = attempt(&outside, &["rename", new, old]);
        assert!(back.done, "{back:?}");
    }
    // What says where the repository lies may not lead the host's git elsewhere unseen.
    bottle.ask(&["sh", "-c", "git config core.hooksPath evil"]);
    table.assert_sealed(3);
    let ended = bottle.stop();
    assert!(ended.stderr.contains("evil"), "{ended:#?}");
    let now = fs::read_dir(common.join(".git/hooks"))
        .expect("hooks")
        .count();
    assert_eq!(now, hooks);
    let log = Program::new("git", &setting.host.path("home"));
    let log = log.args(["-c", "safe.directory=*", "-C"]).arg(&common);
    let log = log.args(["log", "--all", "--format=%s"]).run();
    assert_eq!(log.stdout, "two\none\n", "{log:#?}");
}

#[test]
fn a_copied_work_directory_is_a_copy() {
    let Some(setting) = Setting::new("docker: a copy") else {
        return;
    };
    let agent = json!({ "workdir": "copy" });
    setting.host.manifest(setting.image, json!({}), agent);
    setting.host.write("work/folder/file", "theirs\n");
    // Whatever is piped into the launcher is the agent's to read.
    let script = "pwd; cat folder/file -; echo mine >folder/file; touch new; ls";
    let arguments = setting.host.start_arguments(&["sh", "-c", script]);
    let said = setting.host.bottle(&arguments).run_with(b"piped\n");
    assert_eq!(said.code(), 0, "{said:#?}");
    assert_eq!(said.stdout, "/work\ntheirs\npiped\nfolder\nnew\n");
    let work = setting.host.work();
    let file = fs::read_to_string(work.join("folder/file"));
    assert_eq!(file.expect("a file"), "theirs\n");
    assert!(!work.join("new").exists());
}
