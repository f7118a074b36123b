//! A group of the kernel's that counts all of an agent's memory and processes together, where
//! the launcher may make one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

use crate::bottle::limits::AGENT_PROCESSES;

/// Where the unified hierarchy is.
const ROOT: &str = "/sys/fs/cgroup";

/// A group of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cgroup(PathBuf);

impl Cgroup {
    /// The group for the bottle `slug`: beside the launcher's own, for a group with processes
    /// in it can't divide what it has. None where the launcher may not make it, or what is
    /// there counts no memory.
    pub(super) fn of_host(slug: &str) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        Self::of(Path::new(ROOT), &own, slug)
    }

    fn of(root: &Path, own: &str, slug: &str) -> Option<Self> {
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let parent = root.join(own);
        let parent = if own.is_empty() {
            root
        } else {
            parent.parent()?
        };
        let given = fs::read_to_string(parent.join("cgroup.subtree_control")).ok()?;
        let counts = |name| given.split_whitespace().any(|given| given == name);
        (counts("memory") && counts("pids")).then(|| Self(parent.join(format!("bottle-{slug}"))))
    }

    /// Where it is.
    pub(super) fn directory(&self) -> &Path {
        &self.0
    }

    /// Makes it, with its limits, `memory` in octets.
    ///
    /// # Errors
    ///
    /// The launcher may not.
    pub(super) fn make(&self, memory: u64) -> io::Result<()> {
        fs::create_dir(&self.0)?;
        let limits = [
            ("memory.max", memory.to_string()),
            ("pids.max", AGENT_PROCESSES.to_string()),
            // What is out of memory ends whole, and not a process here and there.
            ("memory.oom.group", "1".to_owned()),
        ];
        let set = limits
            .iter()
            .try_for_each(|(name, limit)| fs::write(self.0.join(name), limit));
        set.inspect_err(|_| {
            // It is of no use without its limits.
            let _absent = fs::remove_dir(&self.0);
        })
    }

    /// Puts the agent in, and bubblewrap's process above it, which the agent may trace. What
    /// they start is born there.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub(super) fn take(&self, agent: Pid) -> io::Result<()> {
        for process in [parent(agent)?, agent] {
            let number = process.as_raw_nonzero().to_string();
            fs::write(self.0.join("cgroup.procs"), number)?;
        }
        Ok(())
    }
}

/// The process above another.
fn parent(process: Pid) -> io::Result<Pid> {
    let path = format!("/proc/{}/status", process.as_raw_nonzero());
    let status = fs::read_to_string(path)?;
    let above = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    let above = above.and_then(|number| number.trim().parse().ok());
    let above = above.and_then(Pid::from_raw);
    above.ok_or_else(|| io::Error::other("it is not known which process is above the agent"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getppid;

    #[test]
    fn it_stands_beside_the_launchers_own() {
        let root = tempfile::tempdir().expect("a directory");
        let slice = root.path().join("user.slice/app.slice");
        fs::create_dir_all(slice.join("term.scope")).expect("made");
        let own = "4:memory:/x\n0::/user.slice/app.slice/term.scope\n";
        let of = |own: &str| Cgroup::of(root.path(), own, "a-22222");
        assert_eq!(of(own), None, "nothing is counted there");
        fs::write(slice.join("cgroup.subtree_control"), "cpu pids\n").expect("written");
        assert_eq!(of(own), None, "no memory is");
        fs::write(slice.join("cgroup.subtree_control"), "memory pids\n").expect("written");
        assert_eq!(of(own), Some(Cgroup(slice.join("bottle-a-22222"))));
        assert_eq!(of("0::/\n"), None);
        fs::write(root.path().join("cgroup.subtree_control"), "memory pids\n").expect("written");
        assert_eq!(
            of("0::/\n"),
            Some(Cgroup(root.path().join("bottle-a-22222")))
        );
        assert_eq!(
            of("4:memory:/x\n"),
            None,
            "the old hierarchies are left alone"
        );
    }

    #[test]
    fn limits_are_set_and_processes_taken_in() {
        let root = tempfile::tempdir().expect("a directory");
        let group = Cgroup(root.path().join("bottle-a-22222"));
        group.make(7).expect("made");
        let text = |name: &str| fs::read_to_string(group.directory().join(name)).expect("it");
        assert_eq!(text("memory.max"), "7");
        assert_eq!(text("pids.max"), AGENT_PROCESSES.to_string());
        let own = rustix::process::getpid();
        assert_eq!(parent(own).expect("one"), getppid().expect("one"));
        group.take(own).expect("taken");
        assert_eq!(text("cgroup.procs"), std::process::id().to_string());
    }
}
