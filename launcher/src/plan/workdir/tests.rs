use super::*;
use crate::plan::testing::facts;

fn made(mode: WorkdirMode, facts: &HostFacts) -> Result<Workdir, Vec<String>> {
    let mut errors = Vec::new();
    let workdir = workdir(mode, facts, &mut errors);
    match errors.is_empty() {
        true => Ok(workdir),
        false => Err(errors.iter().map(PlanError::to_string).collect()),
    }
}

fn at(path: &str) -> HostFacts {
    let mut facts = facts();
    facts.workdir.path = PathBuf::from(path);
    facts.workdir.git = None;
    facts
}

#[test]
fn places_that_hold_more_than_work_are_refused() {
    for (path, reason) in [
        ("/", "is the root of the file system"),
        ("/run", "is the system's own"),
        ("/tmp", "is the system's own"),
        ("/run/user/1000/keyring", "is the system's own"),
        ("/etc/ssh", "is the system's own"),
        ("/home/me", "is the home"),
        ("/home", "has the home in it"),
        (
            "/home/me/.config",
            "has the directory of the manifest in it",
        ),
        (
            "/home/me/.config/bottle",
            "has the directory of the manifest in it",
        ),
        ("/home/me/.local", "has the state of bottles in it"),
        (
            "/home/me/.local/state/bottle/a-x1",
            "has the state of bottles in it",
        ),
        (
            "/opt/engine",
            "has the socket of a Docker Engine in it, which is root on this host",
        ),
    ] {
        for mode in [WorkdirMode::Bind, WorkdirMode::Copy] {
            let errors = made(mode, &at(path)).expect_err(path);
            assert_eq!(
                errors,
                [format!(
                    "{path}: the work directory {reason}; go to the directory of one project, or write \"workdir\": \"none\""
                )]
            );
        }
        assert!(made(WorkdirMode::None, &at(path)).is_ok(), "{path}");
    }
    for path in [
        "/home/me/app",
        "/home/me2",
        "/srv",
        "/run/media/me/disk",
        "/home/me/.config/bottles",
    ] {
        assert!(made(WorkdirMode::Bind, &at(path)).is_ok(), "{path}");
    }
}

#[test]
fn a_name_that_docker_would_be_told_otherwise_is_refused() {
    let mut facts = at("/home/me/app");
    let name = std::os::unix::ffi::OsStrExt::from_bytes(b"/home/me/a\xff");
    facts.workdir.path = Path::new::<std::ffi::OsStr>(name).to_owned();
    let errors = made(WorkdirMode::Bind, &facts).expect_err("no UTF-8");
    assert!(errors[0].contains("is no UTF-8"), "{errors:?}");
}

#[test]
fn a_copy_and_none_are_guarded_by_nothing() {
    let copy = made(WorkdirMode::Copy, &facts()).expect("a copy");
    assert_eq!(copy.host.as_deref(), Some(Path::new("/home/me/app")));
    assert_eq!(copy.inside, Path::new("/work"));
    assert_eq!((copy.mounts, copy.owner), (Vec::new(), None));
    let none = made(WorkdirMode::None, &facts()).expect("none");
    assert_eq!((none.host, none.inside), (None, PathBuf::from("/work")));
}

#[test]
fn a_bound_clone_is_guarded() {
    let path = |name: &str| PathBuf::from("/home/me/app").join(name);
    let bound = made(WorkdirMode::Bind, &facts()).expect("bound");
    assert_eq!(bound.owner, Some((1000, 1000)));
    assert_eq!(bound.inside, Path::new("/home/me/app"));
    assert_eq!(
        bound.mounts,
        [
            GuardMount::Itself(path(".git")),
            GuardMount::ReadOnly(path(".git/hooks")),
            GuardMount::EmptyReadOnly(path(".bottle")),
        ]
    );
    let mut bare = facts();
    bare.workdir.git = None;
    bare.workdir.bottle = Presence::Directory;
    let bound = made(WorkdirMode::Bind, &bare).expect("bound");
    assert_eq!(bound.mounts, [GuardMount::ReadOnly(path(".bottle"))]);
}

#[test]
fn a_bound_worktree_brings_its_repository_guarded() {
    let mut worktree = facts();
    worktree.workdir.git = Some(GitFacts {
        kind: GitKind::File,
        common: PathBuf::from("/srv/main/.git"),
        hooks: Presence::Absent,
    });
    let bound = made(WorkdirMode::Bind, &worktree).expect("bound");
    assert_eq!(
        bound.mounts,
        [
            GuardMount::Itself(PathBuf::from("/srv/main/.git")),
            GuardMount::Itself(PathBuf::from("/home/me/app/.git")),
            GuardMount::EmptyReadOnly(PathBuf::from("/srv/main/.git/hooks")),
            GuardMount::EmptyReadOnly(PathBuf::from("/home/me/app/.bottle")),
        ]
    );
    if let Some(git) = &mut worktree.workdir.git {
        git.common = PathBuf::from("/home/me");
    }
    let errors = made(WorkdirMode::Bind, &worktree).expect_err("the home");
    assert!(errors[0].starts_with("/home/me: the repository of this worktree is the home;"));
}

#[test]
fn what_cannot_be_guarded_is_not_bound() {
    for (kind, start) in [
        (GitKind::Unproven, "/home/me/app/.git: names a directory"),
        (GitKind::Other, "/home/me/app/.git: is neither a directory"),
    ] {
        let mut facts = facts();
        if let Some(git) = &mut facts.workdir.git {
            git.kind = kind;
        }
        let errors = made(WorkdirMode::Bind, &facts).expect_err(start);
        assert!(errors[0].starts_with(start), "{errors:?}");
        assert!(made(WorkdirMode::Copy, &facts).is_ok());
    }
    let mut links = facts();
    links.workdir.bottle = Presence::Other;
    if let Some(git) = &mut links.workdir.git {
        git.hooks = Presence::Other;
    }
    let errors = made(WorkdirMode::Bind, &links).expect_err("links");
    let places: Vec<&str> = errors
        .iter()
        .filter_map(|text| text.split(": ").next())
        .collect();
    assert_eq!(places, ["/home/me/app/.git/hooks", "/home/me/app/.bottle"]);
}

#[test]
fn a_credential_in_gits_configuration_stops_bind_and_copy() {
    let mut facts = facts();
    facts.workdir.git = None;
    facts.workdir.with_credential = vec![PathBuf::from("/home/me/app/.git/config")];
    for mode in [WorkdirMode::Bind, WorkdirMode::Copy] {
        let errors = made(mode, &facts).expect_err("a credential");
        assert!(errors[0].starts_with("/home/me/app/.git/config: holds a credential"));
    }
    assert!(made(WorkdirMode::None, &facts).is_ok());
}
