//! The sandbox as bubblewrap is told of it: a pure function from facts to arguments.

use std::ffi::OsString;
use std::path::Path;

use super::client::Client;
use super::mounts::{System, Words};
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

/// All that a sandbox is made from.
#[derive(Clone, Debug)]
pub(super) struct Sandbox<'a> {
    /// What it takes of the host's.
    pub system: &'a System,
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
        words.system(self.system);
        words.kernel(self.system);
        words.shared("/dev/shm", SHARED_MEMORY_OCTETS);
        words.shared("/tmp", SCRATCH_OCTETS);
        words.tmpfs(HOME, SCRATCH_OCTETS);
        words.all([
            "--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir", OWN,
        ]);
        self.etc(&mut words);
        let own = Path::new(OWN);
        words.bind("--ro-bind", self.launcher, &own.join("bottle"));
        words.bind("--ro-bind", &self.runtime.join("files"), &own.join("files"));
        words.client(self.client);
        self.work(&mut words);
        // What the agent writes goes to its home, its work and /tmp; all of them are bounded.
        words.all(["--remount-ro", "/dev", "--remount-ro", "/"]);
        words.path("--chdir", &self.workdir.inside);
        words.all(["--"]);
        words.0.extend(self.inside.iter().cloned());
        words.0
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

#[cfg(test)]
mod tests;
