//! bubblewrap's arguments, and what every sandbox of ours has of the host: programs and
//! libraries read-only, and a `/proc` that neither tells of the machine nor takes its orders.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::client::Client;

/// What of the root leads to programs and libraries.
const ROOT: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

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

/// What the host has of what a sandbox takes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct System {
    /// `/bin`, `/lib` and the like, as they are on the host.
    pub root: Vec<(PathBuf, RootEntry)>,
    /// What is covered below `/proc`.
    pub covered: Vec<PathBuf>,
}

impl System {
    /// That of this machine.
    pub(super) fn of_host() -> Self {
        let entry = |name: &&str| {
            let path = Path::new("/").join(name);
            match std::fs::read_link(&path) {
                Ok(target) => Some((path, RootEntry::Link(target))),
                Err(_no_link) => path.is_dir().then_some((path, RootEntry::Directory)),
            }
        };
        let covered = PROC_FILES
            .iter()
            .chain(&PROC_DIRECTORIES)
            .chain(&PROC_READABLE)
            .map(|name| Path::new("/proc").join(name));
        Self {
            root: ROOT.iter().filter_map(entry).collect(),
            covered: covered.filter(|path| path.exists()).collect(),
        }
    }
}

/// Arguments of bubblewrap.
#[derive(Default)]
pub(super) struct Words(pub Vec<OsString>);

impl Words {
    /// These, as they are.
    pub(super) fn all<const N: usize>(&mut self, words: [&str; N]) {
        self.0.extend(words.map(OsString::from));
    }

    /// An option with a path.
    pub(super) fn path(&mut self, option: &str, path: &Path) {
        self.0.extend([option.into(), path.into()]);
    }

    /// An option with two.
    pub(super) fn bind(&mut self, option: &str, from: &Path, to: &Path) {
        self.0.extend([option.into(), from.into(), to.into()]);
    }

    /// The size of the next place that is memory.
    pub(super) fn size(&mut self, octets: u64) {
        self.all(["--size", &octets.to_string()]);
    }

    /// A place that is memory.
    pub(super) fn tmpfs(&mut self, path: &str, octets: u64) {
        self.size(octets);
        self.all(["--tmpfs", path]);
    }

    /// One that every program may write to, as it is on a host.
    pub(super) fn shared(&mut self, path: &str, octets: u64) {
        self.all(["--perms", "1777"]);
        self.tmpfs(path, octets);
    }

    /// Programs and libraries.
    pub(super) fn system(&mut self, system: &System) {
        self.all(["--ro-bind", "/usr", "/usr"]);
        for (path, entry) in &system.root {
            match entry {
                RootEntry::Link(target) => self.bind("--symlink", target, path),
                RootEntry::Directory => self.bind("--ro-bind", path, path),
            }
        }
    }

    /// `/proc` and `/dev`.
    pub(super) fn kernel(&mut self, system: &System) {
        self.all(["--proc", "/proc"]);
        for path in &system.covered {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if PROC_FILES.contains(&name) {
                self.bind("--ro-bind", Path::new("/dev/null"), path);
            } else if PROC_DIRECTORIES.contains(&name) {
                self.path("--tmpfs", path);
                self.path("--remount-ro", path);
            } else {
                self.bind("--ro-bind", path, path);
            }
        }
        self.all(["--dev", "/dev"]);
    }

    /// Programs that are no part of the system.
    pub(super) fn client(&mut self, client: &Client) {
        for path in &client.bound {
            self.bind("--ro-bind", path, path);
        }
        for (path, target) in &client.links {
            self.bind("--symlink", target, path);
        }
    }
}
