//! The arguments, word for word: whatever changes them is seen here.

use std::path::{Path, PathBuf};

use super::*;
use crate::local::mounts::RootEntry;

fn workdir(mode: WorkdirMode) -> Workdir {
    let bound = mode == WorkdirMode::Bind;
    Workdir {
        mode,
        host: (mode != WorkdirMode::None).then(|| PathBuf::from("/home/me/app")),
        inside: PathBuf::from(if bound { "/home/me/app" } else { "/work" }),
        mounts: match bound {
            true => vec![
                GuardMount::Itself("/home/me/app/.git".into()),
                GuardMount::ReadOnly("/home/me/app/.git/hooks".into()),
                GuardMount::EmptyReadOnly("/home/me/app/.bottle".into()),
            ],
            false => Vec::new(),
        },
        owner: bound.then_some((1000, 1000)),
    }
}

fn lines(mode: WorkdirMode, client: &Client) -> String {
    let system = System {
        covered: ["/proc/kcore", "/proc/acpi", "/proc/sys"]
            .map(PathBuf::from)
            .into(),
        root: vec![
            (PathBuf::from("/bin"), RootEntry::Link("usr/bin".into())),
            (PathBuf::from("/lib64"), RootEntry::Directory),
        ],
    };
    let words = Sandbox {
        system: &system,
        runtime: Path::new("/s/a-22222/runtime"),
        launcher: Path::new("/opt/bottle"),
        workdir: &workdir(mode),
        client,
        inside: &["/run/bottle/bottle".into(), "inside".into()],
    }
    .arguments();
    let text: Vec<&str> = words
        .iter()
        .map(|word| word.to_str().expect("text"))
        .collect();
    text.join(" ").replace(" --", "\n--")
}

const SYSTEM: &str = "\
--unshare-user
--unshare-pid
--unshare-net
--unshare-ipc
--unshare-uts
--unshare-cgroup
--disable-userns
--new-session
--die-with-parent
--cap-drop ALL
--seccomp 1
--hostname bottle
--uid 1000
--gid 1000
--ro-bind /usr /usr
--symlink usr/bin /bin
--ro-bind /lib64 /lib64
--proc /proc
--ro-bind /dev/null /proc/kcore
--tmpfs /proc/acpi
--remount-ro /proc/acpi
--ro-bind /proc/sys /proc/sys
--dev /dev
--perms 1777
--size 536870912
--tmpfs /dev/shm
--perms 1777
--size 2147483648
--tmpfs /tmp
--size 2147483648
--tmpfs /home/agent
--perms 0755
--dir /etc
--perms 0755
--dir /run/bottle
--ro-bind-try /etc/ssl/certs /etc/ssl/certs
--ro-bind-try /etc/ssl/openssl.cnf /etc/ssl/openssl.cnf
--ro-bind-try /etc/ssl/cert.pem /etc/ssl/cert.pem
--ro-bind-try /etc/ssl/ca-bundle.pem /etc/ssl/ca-bundle.pem
--ro-bind-try /etc/pki/tls/certs /etc/pki/tls/certs
--ro-bind-try /etc/pki/tls/openssl.cnf /etc/pki/tls/openssl.cnf
--ro-bind-try /etc/pki/ca-trust/extracted /etc/pki/ca-trust/extracted
--ro-bind-try /etc/ca-certificates /etc/ca-certificates
--ro-bind-try /etc/ld.so.cache /etc/ld.so.cache
--ro-bind-try /etc/ld.so.conf /etc/ld.so.conf
--ro-bind-try /etc/ld.so.conf.d /etc/ld.so.conf.d
--ro-bind-try /etc/alternatives /etc/alternatives
--ro-bind /s/a-22222/runtime/etc/passwd /etc/passwd
--ro-bind /s/a-22222/runtime/etc/group /etc/group
--ro-bind /s/a-22222/runtime/etc/hosts /etc/hosts
--ro-bind /s/a-22222/runtime/etc/nsswitch.conf /etc/nsswitch.conf
--ro-bind /s/a-22222/runtime/etc/resolv.conf /etc/resolv.conf
--ro-bind /opt/bottle /run/bottle/bottle
--ro-bind /s/a-22222/runtime/files /run/bottle/files
";

#[test]
fn a_bound_work_directory_is_guarded_in_the_plans_order() {
    let expected = "\
--bind /home/me/app /home/me/app
--bind /home/me/app/.git /home/me/app/.git
--ro-bind /home/me/app/.git/hooks /home/me/app/.git/hooks
--tmpfs /home/me/app/.bottle
--remount-ro /home/me/app/.bottle
--remount-ro /dev
--remount-ro /
--chdir /home/me/app
-- /run/bottle/bottle inside";
    let found = lines(WorkdirMode::Bind, &Client::default());
    assert_eq!(found, format!("{SYSTEM}{expected}"));
}

#[test]
fn a_copy_is_the_only_thing_of_the_host_that_is_writable() {
    let found = lines(WorkdirMode::Copy, &Client::default());
    let writable: Vec<&str> = found
        .lines()
        .filter(|line| line.starts_with("--bind"))
        .collect();
    assert_eq!(writable, ["--bind /s/a-22222/runtime/work /work"]);
}

#[test]
fn without_a_work_directory_nothing_of_the_host_is_writable() {
    let found = lines(WorkdirMode::None, &Client::default());
    assert!(!found.contains("\n--bind"), "{found}");
    assert!(
        found.contains("\n--size 2147483648\n--tmpfs /work\n"),
        "{found}"
    );
}

#[test]
fn a_client_is_bound_read_only_at_its_own_place() {
    let client = Client {
        bound: vec!["/home/me/.nvm/versions/node/v22".into()],
        links: vec![("/home/me/.local/bin/claude".into(), "../x".into())],
        directories: vec!["/home/me/.local/bin".into()],
    };
    let found = lines(WorkdirMode::None, &client);
    let expected = "\
--ro-bind /home/me/.nvm/versions/node/v22 /home/me/.nvm/versions/node/v22
--symlink ../x /home/me/.local/bin/claude
--size";
    assert!(found.contains(expected), "{found}");
}
