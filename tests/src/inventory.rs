//! What there is: in a folder, among this machine's processes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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
