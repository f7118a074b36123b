//! Disks that are full.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rig::{IMAGE, Rig, finish, text};

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
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// Starts a bottle that must not come to be, for there is no room; nothing is left of it.
fn assert_refused(rig: &Rig, start: &mut Command, what: &str) {
    let child = start.spawn().expect("a launcher");
    let launcher = child.id();
    let (ended, _) = finish(child);
    let told = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    let sentences = told.lines().filter(|line| line.contains(FULL));
    let sentences: Vec<&str> = sentences.collect();
    assert_eq!(sentences.len(), 1, "{told}");
    assert!(sentences[0].contains(what), "{what}: {told}");
    assert!(!told.contains("bottle cleanup"), "{told}");
    rig.assert_nothing_left(launcher);
}

#[test]
fn an_engine_without_room_is_told_in_a_sentence_and_nothing_is_left() {
    let Some(rig) = Rig::small() else { return };
    let child = rig.start(&[], &["true"]).spawn().expect("a launcher");
    let (whole, _) = finish(child);
    assert!(whole.status.success(), "{}", text(&whole.stderr));
    // Another program is another image.
    let engine = rig.place.path().join("cred-proxy");
    std::fs::copy(harness::binary::cred_proxy(), &engine).expect("a copy");
    let mut file = File::options().append(true).open(&engine).expect("it");
    file.write_all(b"another").expect("written");
    drop(file);
    let work = rig.place.path().join("work");
    std::fs::create_dir(&work).expect("a directory");
    std::fs::write(work.join("large"), vec![7; 24 << 20]).expect("a file");

    let ballast = Ballast::filling(&rig.engine.store(), 8 << 20);
    let engine = engine.display().to_string();
    let words = ["plan", "--image", IMAGE, "--engine", &engine];
    let words = [&words[..], &["--upstream", "https://127.0.0.1:9"]].concat();
    let build = "could not build the image bottle/cred-proxy";
    assert_refused(&rig, &mut rig.command(&words), build);
    let work = work.display().to_string();
    let copied = ["--mode", "copy", "--directory", &work];
    assert_refused(
        &rig,
        &mut rig.start(&copied, &["true"]),
        "could not put files",
    );
    drop(ballast);
    let child = rig.start(&copied, &["true"]).spawn().expect("a launcher");
    let launcher = child.id();
    let (whole, _) = finish(child);
    assert!(whole.status.success(), "{}", text(&whole.stderr));
    rig.assert_nothing_left(launcher);
}

#[test]
fn a_state_that_can_not_be_kept_is_told_in_a_sentence_and_nothing_is_left() {
    let Some(rig) = Rig::small() else { return };
    // A disk of two pages, in a mount namespace that goes with the launcher.
    let script = "mount -t tmpfs -o size=8k state \"$XDG_STATE_HOME\" || exit 100; \
        cat /dev/zero >\"$XDG_STATE_HOME/ballast\" 2>/dev/null; \"$@\"; code=$?; \
        ls -A \"$XDG_STATE_HOME/bottle\"; exit $code";
    let start = rig.start(&[], &["true"]);
    let mut apart = Command::new("unshare");
    apart.args(["--mount", "sh", "-c", script, "sh"]);
    apart.arg(start.get_program()).args(start.get_args());
    let set = |(name, value): (_, Option<&std::ffi::OsStr>)| Some((name, value?.to_owned()));
    apart.envs(start.get_envs().filter_map(set));
    let ended = apart.output().expect("its end");
    let told = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    let sentences = told.lines().filter(|line| line.contains("o space left"));
    let sentences: Vec<&str> = sentences.collect();
    assert_eq!(sentences.len(), 1, "{told}");
    assert!(sentences[0].contains("could not keep state in"), "{told}");
    assert_eq!(text(&ended.stdout), "", "no bottle's state: {told}");
    let left = rig.block_on(rig.docker.survey("bottle.slug"));
    assert_eq!(left.expect("a survey"), []);
}
