//! What a process has used, as the kernel counts it.

use std::fs;
use std::time::{Duration, Instant};

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
    Duration::from_secs_f64(sum as f64 / TICKS_A_SECOND)
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

/// Watches what others do on this machine meanwhile: it is in every figure.
pub struct Neighbours {
    began: Instant,
    all: u64,
    own: u64,
}

impl Neighbours {
    /// From now on.
    pub fn watch() -> Neighbours {
        Neighbours {
            began: Instant::now(),
            all: machine_ticks(),
            own: own_ticks(),
        }
    }

    /// How many cores they kept busy on average. Counts the peers that still run as others.
    pub fn cores(&self) -> f64 {
        let all = machine_ticks().saturating_sub(self.all);
        let own = own_ticks().saturating_sub(self.own);
        all.saturating_sub(own) as f64 / TICKS_A_SECOND / self.began.elapsed().as_secs_f64()
    }
}

/// USER_HZ is 100 wherever Linux runs.
const TICKS_A_SECOND: f64 = 100.0;

/// user, nice, system, irq, softirq and steal of all cores.
fn machine_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let columns: Vec<u64> = numbers(stat.lines().next().unwrap_or_default());
    [0, 1, 2, 5, 6, 7]
        .iter()
        .filter_map(|&n| columns.get(n))
        .sum()
}

/// This process and the children that it has waited for, user and system.
fn own_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    // Behind the name and the state, which are no numbers, fields 14 to 17.
    numbers(fields).iter().skip(10).take(4).sum()
}

fn numbers(text: &str) -> Vec<u64> {
    // A number below 0, such as the foreground group of no terminal, keeps its place.
    let words = text
        .split_whitespace()
        .filter(|word| !word.starts_with(char::is_alphabetic));
    words.map(|word| word.parse().unwrap_or_default()).collect()
}
