//! Large pushes in the memory that the gate's container has: 256 MiB without swap.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use harness::require;

use crate::stage::{Pushed, Stage, run};

/// What the container has.
const MEMORY: u64 = 256 * 1024 * 1024;

/// What the gate sets in a mirror so that git keeps to it.
const SETTINGS: [(&str, &str); 5] = [
    ("core.bigFileThreshold", "1m"),
    ("core.packedGitWindowSize", "16m"),
    ("core.packedGitLimit", "64m"),
    ("pack.threads", "1"),
    ("receive.unpackLimit", "1"),
];

#[test]
fn one_file_of_200_mb_is_scanned_to_its_end_in_256_mib() {
    let test = "one file of 200 MB is scanned to its end in 256 MiB";
    let Some((stage, group)) = filled(test, &[200_000_000]) else {
        return;
    };
    let path = stage.work().join("0");
    let mut file = fs::File::options()
        .append(true)
        .open(path)
        .expect("the file");
    writeln!(file, "\n{}", stage.key()).expect("written");
    drop(file);
    stage.commit(&[]);
    push(&stage, &group).finds("0:");
    assert_eq!(group.killed(), 0, "nobody had too little memory");
}

#[test]
fn four_files_of_50_mb_pass_in_256_mib() {
    let test = "four files of 50 MB pass in 256 MiB";
    let Some((stage, group)) = filled(test, &[50_000_000; 4]) else {
        return;
    };
    stage.commit(&[]);
    push(&stage, &group).passes();
    assert_eq!(group.killed(), 0, "nobody had too little memory");
}

/// Files of so many octets, and the memory that may be used for them.
fn filled(test: &str, sizes: &[usize]) -> Option<(Stage, Group)> {
    let group = Group::make(test)?;
    let stage = Stage::for_test(test)?;
    for (name, value) in SETTINGS {
        let mirror = format!("--git-dir={}", stage.mirror().display());
        stage.git(&[&mirror, "config", name, value]);
        stage.git(&["config", name, value]);
    }
    let mut random = Random(1);
    for (number, size) in sizes.iter().enumerate() {
        let file = fs::File::create(stage.work().join(number.to_string()));
        random.write(*size, file.expect("a file"));
    }
    Some((stage, group))
}

/// Pushes to a receive-pack in that group.
fn push(stage: &Stage, group: &Group) -> Pushed {
    let receive = group.receive_pack(stage.folder());
    let mut push = stage.command();
    push.arg("push")
        .arg(format!("--receive-pack={}", receive.display()));
    push.arg(stage.mirror()).arg("main");
    Pushed::of(&run(&mut push, b""))
}

/// Octets that no compression makes smaller.
struct Random(u64);

impl Random {
    fn write(&mut self, mut size: usize, mut file: fs::File) {
        let mut block = Vec::with_capacity(1 << 20);
        while size > 0 {
            block.clear();
            let now = size.min(1 << 20);
            while block.len() < now {
                // SplitMix64.
                self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                block.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
            }
            file.write_all(&block[..now]).expect("written");
            size -= now;
        }
    }
}

/// Processes that share that memory and no more.
struct Group {
    folder: PathBuf,
    is_unified: bool,
}

impl Group {
    /// A new one, or a skip told under the name of the test.
    fn make(test: &str) -> Option<Group> {
        let Some((root, is_unified)) = controller() else {
            require::skip(test, "there is no memory controller");
            return None;
        };
        let folder = root.join(format!("bottle-scan-{}-{}", std::process::id(), test.len()));
        if let Err(error) = fs::create_dir(&folder) {
            require::skip(test, &format!("no memory limit can be set: {error}"));
            return None;
        }
        let group = Group { folder, is_unified };
        let limits: &[(&str, u64)] = if is_unified {
            &[("memory.max", MEMORY), ("memory.swap.max", 0)]
        } else {
            &[("memory.limit_in_bytes", MEMORY), ("memory.swappiness", 0)]
        };
        for (file, value) in limits {
            let path = group.folder.join(file);
            // A kernel without swap has no limit for it.
            let _ = fs::write(path, value.to_string());
        }
        let set = fs::read_to_string(group.folder.join(limits[0].0)).expect("the limit");
        assert_eq!(set.trim(), MEMORY.to_string());
        Some(group)
    }

    /// What runs receive-pack in it.
    fn receive_pack(&self, folder: &Path) -> PathBuf {
        let path = folder.join("receive-pack");
        let members = self.folder.join("cgroup.procs");
        let script = format!(
            "#!/bin/sh\necho $$ >{}\nexec git receive-pack \"$@\"\n",
            members.display()
        );
        fs::write(&path, script).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
        path
    }

    /// How many of it were killed for want of memory.
    fn killed(&self) -> u64 {
        let file = if self.is_unified {
            "memory.events"
        } else {
            "memory.oom_control"
        };
        let text = fs::read_to_string(self.folder.join(file)).expect("the count");
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        count.expect("the count").trim().parse().expect("a number")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody is in it any more; if somebody is, the test has failed already.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Where groups with a limit of memory are made, and whether all controllers are there.
fn controller() -> Option<(PathBuf, bool)> {
    let root = Path::new("/sys/fs/cgroup");
    let controllers = fs::read_to_string(root.join("cgroup.subtree_control")).unwrap_or_default();
    if controllers.split_whitespace().any(|one| one == "memory") {
        return Some((root.to_owned(), true));
    }
    let separate = root.join("memory");
    separate
        .join("memory.limit_in_bytes")
        .exists()
        .then_some((separate, false))
}
