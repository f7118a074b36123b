//! What there is: in a folder, among this machine's processes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::process::GUARD;

/// Every path below `folder`.
///
/// # Panics
/// When it cannot be read.
pub fn files_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let entry = entry.expect("an entry");
            found.insert(entry.path().display().to_string());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    found
}

/// The ids of this machine's processes in whose environment `mark` stands: those that were
/// started with it, and whatever they started.
///
/// # Panics
/// When `/proc` is not there.
pub fn processes_with(mark: &str) -> BTreeSet<u32> {
    let entries = fs::read_dir("/proc").expect("/proc");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process: &u32| {
            // A process that ends meanwhile has none.
            let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
            memchr::memmem::find(&environment, mark.as_bytes()).is_some()
        })
        .collect()
}

/// Every process that this one has started, or one of those, and so on.
///
/// # Panics
/// When `/proc` is not there.
pub fn descendants(process: u32) -> BTreeSet<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc") {
        let name = entry.expect("an entry").file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // `id (name) state parent …`, and a name may have anything in it.
        let facts = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let rest = facts.rsplit(')').next().unwrap_or_default();
        let parent = rest.split_whitespace().nth(1);
        parents.extend(parent.and_then(|parent| Some((id, parent.parse::<u32>().ok()?))));
    }
    let mut found = BTreeSet::from([process]);
    loop {
        let known = found.len();
        let children = parents.iter().filter(|(_, parent)| found.contains(parent));
        let children: Vec<u32> = children.map(|(id, _)| *id).collect();
        found.extend(children);
        if found.len() == known {
            found.remove(&process);
            return found;
        }
    }
}

/// Waits until none of these processes of this machine is there.
///
/// # Panics
/// When one stays.
pub fn wait_until_gone(processes: &BTreeSet<u32>) {
    for &process in processes {
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        let process = process.expect("a process");
        let Ok(descriptor) = pidfd_open(process, PidfdFlags::empty()) else {
            continue;
        };
        let mut watched = [PollFd::new(&descriptor, PollFlags::IN)];
        let limit = Timespec::try_from(GUARD).expect("a limit that fits");
        let ended = poll(&mut watched, Some(&limit)).expect("poll");
        assert_eq!(ended, 1, "{process:?} is still there");
    }
}
