//! Which launcher made a thing, and whether it still runs.

use std::fmt;
use std::fs;

/// A launcher's process, told from every other one of this machine and of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LauncherId {
    host: String,
    boot: String,
    /// Process numbers mean something within one namespace alone.
    pid_namespace: String,
    pid: u32,
    /// Ticks from boot to its start: numbers of processes are used again.
    started: u64,
}

/// Whether the launcher of a thing still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does.
    Runs,
    /// It does not: what it left is an orphan.
    Gone,
    /// It ran on another machine or in another container; nobody here can tell.
    Elsewhere,
}

impl LauncherId {
    /// This process.
    ///
    /// # Errors
    ///
    /// `/proc` can't be read.
    pub fn own() -> std::io::Result<Self> {
        Self::of(std::process::id())
    }

    /// A process that this one started; none: it has ended.
    pub fn of_process(pid: u32) -> Option<Self> {
        Self::of(pid).ok()
    }

    fn of(pid: u32) -> std::io::Result<Self> {
        let started =
            start_ticks(pid).ok_or_else(|| std::io::Error::other("/proc is not readable"))?;
        Ok(Self {
            host: read("/proc/sys/kernel/hostname")?,
            boot: read("/proc/sys/kernel/random/boot_id")?,
            pid_namespace: pid_namespace()?,
            pid,
            started,
        })
    }

    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/').map(str::to_owned);
        let mut next = || parts.next();
        let id = Self {
            host: next()?,
            boot: next()?,
            pid_namespace: next()?,
            pid: next()?.parse().ok()?,
            started: next()?.parse().ok()?,
        };
        next().is_none().then_some(id)
    }

    /// Whether the launcher `id` still runs, seen from this one.
    pub fn fate_of(&self, id: &LauncherId) -> Fate {
        self.judge(id, start_ticks(id.pid))
    }

    /// `started`: when the process of this number started, if there is one.
    fn judge(&self, id: &LauncherId, started: Option<u64>) -> Fate {
        if id.host != self.host {
            return Fate::Elsewhere;
        }
        if id.boot != self.boot {
            return Fate::Gone;
        }
        if id.pid_namespace != self.pid_namespace {
            return Fate::Elsewhere;
        }
        match started {
            Some(started) if started == id.started => Fate::Runs,
            Some(_) | None => Fate::Gone,
        }
    }
}

impl fmt::Display for LauncherId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            boot,
            pid_namespace,
            pid,
            started,
        } = self;
        write!(f, "{host}/{boot}/{pid_namespace}/{pid}/{started}")
    }
}

fn read(path: &str) -> std::io::Result<String> {
    Ok(fs::read_to_string(path)?.trim().replace('/', "_"))
}

fn pid_namespace() -> std::io::Result<String> {
    let link = fs::read_link("/proc/self/ns/pid")?;
    Ok(link.to_string_lossy().replace('/', "_"))
}

/// When a process started, in ticks since boot; none if there is none, or it is a zombie,
/// which does nothing any more.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name stands in brackets and may hold anything.
    let (_, behind) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let alive = !matches!(fields.first(), Some(&("Z" | "X")));
    // Field 22 of proc(5), counted from 1; the state behind the brackets is field 3.
    fields.get(22 - 3)?.parse().ok().filter(|_| alive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_is_read_back() {
        let own = LauncherId::own().expect("/proc");
        assert_eq!(LauncherId::parse(&own.to_string()), Some(own.clone()));
        assert_eq!(own.fate_of(&own), Fate::Runs);
    }

    #[test]
    fn fates() {
        let own = LauncherId::own().expect("/proc");
        let other = |change: fn(&mut LauncherId)| {
            let mut id = own.clone();
            change(&mut id);
            id
        };
        let ticks = Some(own.started);
        let judge = |id: &LauncherId, started| own.judge(id, started);
        assert_eq!(
            judge(&other(|id| id.host.push('x')), ticks),
            Fate::Elsewhere
        );
        assert_eq!(judge(&other(|id| id.boot.push('x')), ticks), Fate::Gone);
        assert_eq!(
            judge(&other(|id| id.pid_namespace.push('x')), ticks),
            Fate::Elsewhere
        );
        assert_eq!(judge(&other(|id| id.started += 1), ticks), Fate::Gone);
        assert_eq!(judge(&own, None), Fate::Gone);
    }

    #[test]
    fn what_is_no_identity_is_refused() {
        for bad in ["", "a/b/c/d", "a/b/c/1/2/3", "a/b/c/x/2"] {
            assert_eq!(LauncherId::parse(bad), None, "{bad:?}");
        }
    }
}
