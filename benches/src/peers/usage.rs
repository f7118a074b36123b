//! What a process has used, as the kernel counts it.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The CPU time of a process so far, user and system, over all its threads.
///
/// From `schedstat`, which counts nanoseconds; where the kernel lacks it, from `stat`, which
/// counts hundredths of a second.
pub fn cpu_time(pid: u32) -> Duration {
    nanoseconds(pid).unwrap_or_else(|| ticks(pid))
}

fn nanoseconds(pid: u32) -> Option<Duration> {
    let mut sum = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        sum += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(sum))
}

fn ticks(pid: u32) -> Duration {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(path).expect("the process lives");
    // The name, in parentheses, may hold anything; utime and stime are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let fields = fields.split_whitespace().skip(11).take(2);
    let sum: u64 = fields
        .map(|ticks| ticks.parse::<u64>().expect("digits"))
        .sum();
    // USER_HZ is 100 wherever Linux runs.
    Duration::from_millis(sum * 10)
}

/// Resident memory in KiB.
pub fn resident_kib(pid: u32) -> f64 {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(path).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.expect("VmRSS in KiB")
}

/// Raises the limit on descriptors, which children inherit, to `wanted` or what is allowed,
/// and gives it.
pub fn raise_descriptors(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    // Root may lift the hard limit as well.
    let ways = [(wanted, wanted.max(hard)), (wanted.min(hard), hard)];
    for (current, maximum) in ways {
        let raised = Rlimit {
            current: Some(current),
            maximum: Some(maximum),
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            return current;
        }
    }
    limit.current.unwrap_or(u64::MAX)
}

/// The machine, in a line: what a figure means depends on it.
pub fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find(|line| line.starts_with("model name"));
    let model = model
        .and_then(|line| line.split_once(": "))
        .map(|(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = model.unwrap_or(std::env::consts::ARCH);
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

/// The load of the machine over the last minute: more than a part of one core when nothing
/// is measured means that others disturb.
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|load| load.parse().ok()).unwrap_or_default()
}
