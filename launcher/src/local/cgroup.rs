//! A group of the kernel's that counts all of an agent's or a sidecar's memory and processes
//! together, where the launcher may make one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

use crate::bottle::limits::{AGENT_PROCESSES, GATE_MEMORY_OCTETS, GATE_PROCESSES};

/// Where the unified hierarchy is.
const ROOT: &str = "/sys/fs/cgroup";

/// What a group may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    memory_octets: u64,
    processes: u64,
    /// Whether what is out of memory ends whole, and not a process here and there.
    whole: bool,
}

impl Limits {
    /// An agent's.
    pub(super) fn agent(memory_octets: u64) -> Self {
        Self {
            memory_octets,
            processes: AGENT_PROCESSES.unsigned_abs(),
            whole: true,
        }
    }

    /// The git gate's: a push that takes too much fails, and the next is served.
    pub(super) fn gate() -> Self {
        Self {
            memory_octets: GATE_MEMORY_OCTETS.unsigned_abs(),
            processes: GATE_PROCESSES.unsigned_abs(),
            whole: false,
        }
    }
}

/// A group of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cgroup(PathBuf);

impl Cgroup {
    /// The group `name`: beside the launcher's own, for a group with processes in it can't
    /// divide what it has. None where the launcher may not make it, or what is there counts no
    /// memory.
    pub(super) fn of_host(name: &str) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        Self::of(Path::new(ROOT), &own, name)
    }

    fn of(root: &Path, own: &str, name: &str) -> Option<Self> {
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let parent = root.join(own);
        let parent = if own.is_empty() {
            root
        } else {
            parent.parent()?
        };
        let given = fs::read_to_string(parent.join("cgroup.subtree_control")).ok()?;
        let counts = |kind| given.split_whitespace().any(|given| given == kind);
        (counts("memory") && counts("pids")).then(|| Self(parent.join(format!("bottle-{name}"))))
    }

    /// Where it is.
    pub(super) fn directory(&self) -> &Path {
        &self.0
    }

    /// Makes it, with its limits.
    ///
    /// # Errors
    ///
    /// The launcher may not.
    pub(super) fn make(&self, limits: Limits) -> io::Result<()> {
        fs::create_dir(&self.0)?;
        let limits = [
            ("memory.max", limits.memory_octets.to_string()),
            ("pids.max", limits.processes.to_string()),
            ("memory.oom.group", u8::from(limits.whole).to_string()),
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
    pub(super) fn take_agent(&self, agent: Pid) -> io::Result<()> {
        self.take(parent(agent)?)?;
        self.take(agent)
    }

    /// Puts a process in. What it starts from now on is born there.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub(super) fn take(&self, process: Pid) -> io::Result<()> {
        let number = process.as_raw_nonzero().to_string();
        fs::write(self.0.join("cgroup.procs"), number)
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
        group.make(Limits::agent(7)).expect("made");
        let text = |name: &str| fs::read_to_string(group.directory().join(name)).expect("it");
        assert_eq!(text("memory.max"), "7");
        assert_eq!(text("pids.max"), AGENT_PROCESSES.to_string());
        assert_eq!(text("memory.oom.group"), "1", "an agent ends whole");
        let own = rustix::process::getpid();
        assert_eq!(parent(own).expect("one"), getppid().expect("one"));
        group.take_agent(own).expect("taken");
        assert_eq!(text("cgroup.procs"), std::process::id().to_string());
    }

    #[test]
    fn a_gate_is_not_ended_for_one_push() {
        let root = tempfile::tempdir().expect("a directory");
        let group = Cgroup(root.path().join("bottle-a-22222-gate"));
        group.make(Limits::gate()).expect("made");
        let text = |name: &str| fs::read_to_string(group.directory().join(name)).expect("it");
        assert_eq!(text("memory.oom.group"), "0");
        assert_eq!(text("memory.max"), GATE_MEMORY_OCTETS.to_string());
    }
}
