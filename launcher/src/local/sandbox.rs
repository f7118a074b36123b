//! The sandbox as bubblewrap is told of it: a pure function from facts to arguments.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::client::Client;
use crate::bottle::limits::{SCRATCH_OCTETS, SHARED_MEMORY_OCTETS};
use crate::manifest::WorkdirMode;
use crate::plan::{GuardMount, Workdir};

/// Who the agent is inside: some clients refuse to work as root.
pub(super) const UID: u32 = 1000;

/// The agent's home.
pub(super) const HOME: &str = "/home/agent";

/// Where the launcher's own files are inside.
pub(super) const OWN: &str = "/run/bottle";

/// What is taken of the host's `/etc`, where it is there; the rest is generated.
///
/// Of `/etc/ssl` and of Fedora's `/etc/pki`, what is public: the private keys beside it are
/// readable to root.
const ETC: [&str; 12] = [
    "ssl/certs",
    "ssl/openssl.cnf",
    "ssl/cert.pem",
    "ssl/ca-bundle.pem",
    "pki/tls/certs",
    "pki/tls/openssl.cnf",
    "pki/ca-trust/extracted",
    "ca-certificates",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
];

/// Files of `/proc` that tell of the whole machine, or take orders for it: covered, for whoever
/// is root outside may read or write some of them without any capability.
const PROC_FILES: [&str; 12] = [
    "kallsyms",
    "kcore",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "mtrr",
    "slabinfo",
    "sysrq-trigger",
    "timer_list",
    "vmallocinfo",
];

/// Directories of `/proc` that are covered for the same reason.
const PROC_DIRECTORIES: [&str; 3] = ["acpi", "asound", "scsi"];

/// Directories of `/proc` that may be read.
const PROC_READABLE: [&str; 4] = ["bus", "fs", "irq", "sys"];

/// What stands at a name of the host's root, such as `/bin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RootEntry {
    /// A link to this, which is below `/usr`.
    Link(PathBuf),
    /// A directory of its own.
    Directory,
}

/// All that a sandbox is made from.
#[derive(Clone, Debug)]
pub(super) struct Sandbox<'a> {
    /// `/bin`, `/lib` and the like, as they are on the host.
    pub root: &'a [(PathBuf, RootEntry)],
    /// Which of [`covered`] the host has.
    pub covered: &'a [PathBuf],
    /// The directory of this start that the sandbox's user may read: `etc/`, `files/`, `work/`.
    pub runtime: &'a Path,
    /// This program, where the sandbox's user may read it.
    pub launcher: &'a Path,
    /// Where the agent works.
    pub workdir: &'a Workdir,
    /// The agent's program, where it is no part of the system.
    pub client: &'a Client,
    /// The words of the helper that runs first.
    pub inside: &'a [OsString],
}

/// What could be covered below `/proc`.
pub(super) fn covered() -> Vec<PathBuf> {
    let names = PROC_FILES
        .iter()
        .chain(&PROC_DIRECTORIES)
        .chain(&PROC_READABLE);
    names.map(|name| Path::new("/proc").join(name)).collect()
}

impl Sandbox<'_> {
    /// The arguments.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut words = Words::default();
        words.all([
            "--unshare-user",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup",
            "--disable-userns",
            "--new-session",
            "--die-with-parent",
            "--cap-drop",
            "ALL",
            // Standard output: bubblewrap reads the filter there, and closes it.
            "--seccomp",
            "1",
            "--hostname",
            "bottle",
        ]);
        let user = UID.to_string();
        words.all(["--uid", &user, "--gid", &user]);
        self.system(&mut words);
        self.kernel(&mut words);
        words.shared("/tmp", SCRATCH_OCTETS);
        words.tmpfs(HOME, SCRATCH_OCTETS);
        words.all([
            "--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir", OWN,
        ]);
        self.etc(&mut words);
        let own = Path::new(OWN);
        words.bind("--ro-bind", self.launcher, &own.join("bottle"));
        words.bind("--ro-bind", &self.runtime.join("files"), &own.join("files"));
        self.client(&mut words);
        self.work(&mut words);
        // What the agent writes goes to its home, its work and /tmp; all of them are bounded.
        words.all(["--remount-ro", "/dev", "--remount-ro", "/"]);
        words.path("--chdir", &self.workdir.inside);
        words.all(["--"]);
        words.0.extend(self.inside.iter().cloned());
        words.0
    }

    fn system(&self, words: &mut Words) {
        words.all(["--ro-bind", "/usr", "/usr"]);
        for (path, entry) in self.root {
            match entry {
                RootEntry::Link(target) => words.bind("--symlink", target, path),
                RootEntry::Directory => words.bind("--ro-bind", path, path),
            }
        }
    }

    fn kernel(&self, words: &mut Words) {
        words.all(["--proc", "/proc"]);
        for path in self.covered {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if PROC_FILES.contains(&name) {
                words.bind("--ro-bind", Path::new("/dev/null"), path);
            } else if PROC_DIRECTORIES.contains(&name) {
                words.path("--tmpfs", path);
                words.path("--remount-ro", path);
            } else {
                words.bind("--ro-bind", path, path);
            }
        }
        words.all(["--dev", "/dev"]);
        words.shared("/dev/shm", SHARED_MEMORY_OCTETS);
    }

    fn etc(&self, words: &mut Words) {
        for name in ETC {
            let path = Path::new("/etc").join(name);
            words.bind("--ro-bind-try", &path, &path);
        }
        for (name, _) in super::etc::FILES {
            let from = self.runtime.join("etc").join(name);
            words.bind("--ro-bind", &from, &Path::new("/etc").join(name));
        }
    }

    fn client(&self, words: &mut Words) {
        for path in &self.client.bound {
            words.bind("--ro-bind", path, path);
        }
        for (path, target) in &self.client.links {
            words.bind("--symlink", target, path);
        }
    }

    fn work(&self, words: &mut Words) {
        let inside = &self.workdir.inside;
        match (self.workdir.mode, &self.workdir.host) {
            (WorkdirMode::Bind, Some(host)) => words.bind("--bind", host, inside),
            (WorkdirMode::Copy, _) => words.bind("--bind", &self.runtime.join("work"), inside),
            (WorkdirMode::None, _) | (WorkdirMode::Bind, None) => {
                words.size(SCRATCH_OCTETS);
                words.path("--tmpfs", inside);
            }
        }
        for guard in &self.workdir.mounts {
            match guard {
                GuardMount::Itself(path) => words.bind("--bind", path, path),
                GuardMount::ReadOnly(path) => words.bind("--ro-bind", path, path),
                GuardMount::EmptyReadOnly(path) => {
                    words.path("--tmpfs", path);
                    words.path("--remount-ro", path);
                }
            }
        }
    }
}

#[derive(Default)]
struct Words(Vec<OsString>);

impl Words {
    fn all<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(OsString::from));
    }

    fn path(&mut self, option: &str, path: &Path) {
        self.0.extend([option.into(), path.into()]);
    }

    fn bind(&mut self, option: &str, from: &Path, to: &Path) {
        self.0.extend([option.into(), from.into(), to.into()]);
    }

    fn size(&mut self, octets: u64) {
        self.all(["--size", &octets.to_string()]);
    }

    /// One that every program may write to, as it is on a host.
    fn shared(&mut self, path: &str, octets: u64) {
        self.all(["--perms", "1777"]);
        self.tmpfs(path, octets);
    }

    fn tmpfs(&mut self, path: &str, octets: u64) {
        self.size(octets);
        self.all(["--tmpfs", path]);
    }
}

#[cfg(test)]
mod tests;
