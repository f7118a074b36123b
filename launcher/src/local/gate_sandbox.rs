//! The git gate's sandbox as bubblewrap is told of it: a pure function from facts to arguments.
//!
//! It has this machine's network and nothing else of it: no home, no work directory, no token.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::client::Client;
use super::mounts::{System, Words};
use super::sandbox::{OWN, UID};
use crate::bottle::gate_files::DIRECTORY;
use crate::bottle::limits::GATE_SCRATCH_OCTETS;
use crate::plan::GATE_HOST;

/// What is taken of the host's `/etc`, where it is there: what programs and libraries are found
/// by. The rest is generated.
const ETC: [&str; 4] = ["ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives"];

/// Where its mirrors are inside.
const MIRRORS: &str = "/git";

/// All that it is made from.
#[derive(Clone, Debug)]
pub(super) struct GateSandbox<'a> {
    /// What it takes of the host's.
    pub system: &'a System,
    /// The program `bottle-gate`.
    pub program: &'a Path,
    /// What it is told, and its keys.
    pub state: &'a Path,
    /// Its mirrors.
    pub mirrors: &'a Path,
    /// The files that stand in its `/etc`.
    pub etc: &'a [PathBuf],
    /// git, ssh and the scanner, where they are no part of the system.
    pub client: &'a Client,
}

impl GateSandbox<'_> {
    /// The arguments.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut words = Words::default();
        words.all([
            "--unshare-user",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup",
            "--disable-userns",
            "--new-session",
            "--die-with-parent",
            "--cap-drop",
            "ALL",
            "--hostname",
            GATE_HOST,
        ]);
        let user = UID.to_string();
        words.all(["--uid", &user, "--gid", &user]);
        words.system(self.system);
        words.kernel(self.system);
        words.shared("/tmp", GATE_SCRATCH_OCTETS);
        words.all(["--perms", "0755", "--dir", "/etc", "--perms", "0755"]);
        words.all(["--dir", OWN]);
        for name in ETC {
            let path = Path::new("/etc").join(name);
            words.bind("--ro-bind-try", &path, &path);
        }
        for file in self.etc {
            let name = file.file_name().unwrap_or_default();
            words.bind("--ro-bind", file, &Path::new("/etc").join(name));
        }
        words.client(self.client);
        let program = Path::new(OWN).join("bottle-gate");
        words.bind("--ro-bind", self.program, &program);
        words.bind("--ro-bind", self.state, Path::new(DIRECTORY));
        words.bind("--bind", self.mirrors, Path::new(MIRRORS));
        words.all(["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]);
        words.path("--", &program);
        words.all(["serve", "--listener", "stdin"]);
        words.all(["--state", DIRECTORY, "--mirrors", MIRRORS]);
        words.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::mounts::RootEntry;

    #[test]
    fn it_has_the_network_its_state_and_nothing_else_of_the_host() {
        let system = System {
            root: vec![(PathBuf::from("/bin"), RootEntry::Link("usr/bin".into()))],
            covered: vec!["/proc/kcore".into()],
        };
        let words = GateSandbox {
            system: &system,
            program: Path::new("/opt/bottle-gate"),
            state: Path::new("/s/a-22222/git-gate/state"),
            mirrors: Path::new("/s/a-22222/git-gate/mirrors"),
            etc: &["/s/a-22222/git-gate/etc/passwd".into()],
            client: &Client {
                bound: vec!["/opt/gitleaks".into()],
                ..Client::default()
            },
        }
        .arguments();
        let text: Vec<&str> = words
            .iter()
            .map(|word| word.to_str().expect("text"))
            .collect();
        assert_eq!(text.join(" ").replace(" --", "\n--"), EXPECTED);
    }

    const EXPECTED: &str = "\
--unshare-user
--unshare-pid
--unshare-ipc
--unshare-uts
--unshare-cgroup
--disable-userns
--new-session
--die-with-parent
--cap-drop ALL
--hostname git-gate
--uid 1000
--gid 1000
--ro-bind /usr /usr
--symlink usr/bin /bin
--proc /proc
--ro-bind /dev/null /proc/kcore
--dev /dev
--perms 1777
--size 67108864
--tmpfs /tmp
--perms 0755
--dir /etc
--perms 0755
--dir /run/bottle
--ro-bind-try /etc/ld.so.cache /etc/ld.so.cache
--ro-bind-try /etc/ld.so.conf /etc/ld.so.conf
--ro-bind-try /etc/ld.so.conf.d /etc/ld.so.conf.d
--ro-bind-try /etc/alternatives /etc/alternatives
--ro-bind /s/a-22222/git-gate/etc/passwd /etc/passwd
--ro-bind /opt/gitleaks /opt/gitleaks
--ro-bind /opt/bottle-gate /run/bottle/bottle-gate
--ro-bind /s/a-22222/git-gate/state /run/bottle-gate
--bind /s/a-22222/git-gate/mirrors /git
--remount-ro /dev
--remount-ro /
--chdir /
-- /run/bottle/bottle-gate serve
--listener stdin
--state /run/bottle-gate
--mirrors /git";
}
