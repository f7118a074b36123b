//! The committed inputs: each is a row with a sentence for a name.

use std::fs;
use std::path::Path;

/// Runs every seed of a target, and every beginning of it: what is cut must be handled too.
pub(crate) fn run_all(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).expect("a folder of seeds") {
        let path = entry.expect("a seed").path();
        let octets = fs::read(&path).expect("a readable seed");
        // Shown when a body panics, for it does not know what it was given.
        eprintln!("{}", path.display());
        for end in 0..=octets.len() {
            body(&octets[..end]);
        }
        seeds += 1;
    }
    assert!(seeds > 0, "{} is empty", folder.display());
}
