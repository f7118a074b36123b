//! Processes that left their group: a forward outlives the connection that asked for it.

use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::limits::STRAYS_LOOK;

/// Takes the exit status of each child that has ended, whoever waits for it: call it when
/// nobody does.
pub(super) fn reap() {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    while let Ok(Some(_)) = waitid(WaitId::All, options) {}
}

/// Kills all that is below this process: its children, and theirs when they become ours.
pub(super) async fn end(within: Duration) {
    let all_gone = async {
        loop {
            reap();
            let children = children();
            if children.is_empty() {
                return;
            }
            for child in children {
                // It may be gone by now, which is what is wanted.
                let _ = kill_process(child, Signal::KILL);
            }
            tokio::time::sleep(STRAYS_LOOK).await;
        }
    };
    // What is still there waits for a device; the kernel ends it when it may.
    let _ = tokio::time::timeout(within, all_gone).await;
}

/// The children of this process, of whichever thread. A kernel that does not tell has none
/// to end here; the container or the sandbox ends them.
fn children() -> Vec<Pid> {
    let threads = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let text: String = lists.collect();
    text.split_ascii_whitespace()
        .filter_map(|number| number.parse().ok().and_then(Pid::from_raw))
        .collect()
}
