//! Disks that are full.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use harness::Finished;
use harness::program::Program;
use serde_json::json;

use crate::refusals::assert_refused;
use crate::small::Small;

/// What a whole system says of it.
const FULL: &str = "o space left on device";

/// A file that takes all the room of a disk but some; it goes with the value.
struct Ballast(PathBuf);

impl Ballast {
    fn filling(disk: &Path, spare: usize) -> Ballast {
        let path = disk.join("ballast");
        let mut file = File::create(&path).expect("a file");
        let octets = vec![1; spare];
        let full = loop {
            if let Err(full) = file.write_all(&octets) {
                break full;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
        let size = file.metadata().expect("its size").len();
        file.set_len(size - spare as u64).expect("smaller");
        Ballast(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

/// Fails unless there was no room for `what`, it is told once, and nothing is left.
fn assert_full(small: &Small, ended: &Finished, what: &str) {
    assert_refused(&small.host, ended, 1, &[what, FULL]);
    assert_eq!(ended.stderr.matches(FULL).count(), 1, "{ended:#?}");
    assert!(!ended.stderr.contains("bottle cleanup"), "{ended:#?}");
}

#[test]
fn an_engine_without_room_is_told_in_a_sentence_and_nothing_is_left() {
    let Some(small) = Small::new("docker: a full disk") else {
        return;
    };
    let host = &small.host;
    small.manifest(json!({ "workdir": "copy" }));
    host.write("work/file", "a file\n");
    let whole = host.agent_does(&["true"]);
    assert_eq!(whole.code(), 0, "{whole:#?}");
    // Another program is another image.
    let engine = host.path("cred-proxy");
    fs::copy(harness::binary::cred_proxy(), &engine).expect("a copy");
    let mut file = File::options().append(true).open(&engine).expect("it");
    file.write_all(b"another").expect("written");
    drop(file);
    fs::write(host.work().join("large"), vec![7; 24 << 20]).expect("a file");

    let ballast = Ballast::filling(&small.engine.store(), 8 << 20);
    let engine = engine.display().to_string();
    let start = ["start", host.agent(), "--yes", "--engine", &engine];
    let build = "could not build the image bottle/cred-proxy";
    assert_full(&small, &host.run(&start), build);
    assert_full(&small, &host.agent_does(&["true"]), "could not put files");
    drop(ballast);
    let whole = host.agent_does(&["true"]);
    assert_eq!(whole.code(), 0, "{whole:#?}");
}

#[test]
fn a_state_that_can_not_be_kept_is_told_in_a_sentence_and_nothing_is_left() {
    let Some(small) = Small::new("docker: a full state") else {
        return;
    };
    small.manifest(json!({ "workdir": "none" }));
    // A disk of two pages, in a mount namespace that goes with the launcher.
    let script = "mount -t tmpfs -o size=8k,mode=700 state \"$XDG_STATE_HOME\" || exit 100; \
        cat /dev/zero >\"$XDG_STATE_HOME/ballast\" 2>/dev/null; \"$@\"; code=$?; \
        ls -A \"$XDG_STATE_HOME/bottle\"; exit $code";
    let apart = Program::new("unshare", &small.host.path("home"));
    let apart = apart.args(["--mount", "sh", "-c", script, "sh"]);
    let apart = apart.arg(harness::binary::bottle());
    let apart = apart.args(small.host.start_arguments(&["true"]));
    let ended = small.host.prepared(apart).run();
    assert_full(&small, &ended, "could not keep state in");
    assert_eq!(ended.stdout, "", "no bottle's state: {ended:#?}");
}
