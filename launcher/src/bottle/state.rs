//! What a bottle keeps on the host while it lives: `$XDG_STATE_HOME/bottle/<slug>/`.

use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use super::LauncherId;
use super::limits::{HEALTH_LOOK, TEARDOWN_WITHIN};
use crate::deploy_keys::DeployKeys;
use crate::local::tree;

const LAUNCHER: &str = "launcher";
const GUARDS: &str = "guards";
const MOUNT_POINTS: &str = "mount-points";
const AGENT: &str = "local-agent";
const RUNTIME: &str = "runtime-directory";
const GROUPS: &str = "control-groups";
const ENGINE: &str = "engine";
const GATE: &str = "gate";
const DEPLOY_KEYS: &str = "deploy-keys";

/// The directory of one bottle.
#[derive(Clone, Debug)]
pub(crate) struct State {
    directory: PathBuf,
    deploy_keys: DeployKeys,
}

impl State {
    /// That of `slug`, whether it is there or not.
    pub(crate) fn of(root: &Path, slug: &str) -> Self {
        let directory = root.join(slug);
        Self {
            deploy_keys: DeployKeys::of(&directory.join(DEPLOY_KEYS)),
            directory,
        }
    }

    /// Where it is.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The deploy keys of the bottle. Clones wait for each other.
    pub(super) fn deploy_keys(&self) -> &DeployKeys {
        &self.deploy_keys
    }

    /// Was it made by another launcher?
    pub(super) fn is_of_another(&self, launcher: &LauncherId) -> bool {
        self.launcher().is_some_and(|maker| maker != *launcher)
    }

    /// Makes it, for its owner alone.
    ///
    /// # Errors
    ///
    /// The file system's, or that another launcher made it.
    pub(crate) fn create(&self, launcher: &LauncherId) -> io::Result<()> {
        let mut private = fs::DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(&self.directory)?;
        if self.is_of_another(launcher) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // A root that somebody made by hand may be open; ours never is.
        fs::set_permissions(&self.directory, fs::Permissions::from_mode(0o700))?;
        fs::write(self.directory.join(LAUNCHER), launcher.to_string())
    }

    /// Notes that the bottle is a local one: its agent, and the directory that its sandbox reads.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(crate) fn note_local(&self, agent: &str, runtime: &Path) -> io::Result<()> {
        self.write_paths(RUNTIME, &[runtime.to_owned()])?;
        fs::write(self.directory.join(AGENT), agent)
    }

    /// Notes the control groups of a local agent and its git gate.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(crate) fn note_groups(&self, groups: &[PathBuf]) -> io::Result<()> {
        self.write_paths(GROUPS, groups)
    }

    /// Notes the engine of a local bottle.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(crate) fn note_engine(&self, engine: &LauncherId) -> io::Result<()> {
        fs::write(self.directory.join(ENGINE), engine.to_string())
    }

    /// The engine of a local bottle, if it has one.
    pub(crate) fn engine(&self) -> Option<LauncherId> {
        self.process(ENGINE)
    }

    /// Notes the git gate of a local bottle.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(crate) fn note_gate(&self, gate: &LauncherId) -> io::Result<()> {
        fs::write(self.directory.join(GATE), gate.to_string())
    }

    /// The git gate of a local bottle, if it has one.
    pub(crate) fn gate(&self) -> Option<LauncherId> {
        self.process(GATE)
    }

    fn process(&self, name: &str) -> Option<LauncherId> {
        let text = fs::read_to_string(self.directory.join(name)).ok()?;
        LauncherId::parse(&text)
    }

    /// The agent of a local bottle, and when it was started; none: it is not local.
    pub(crate) fn local_agent(&self) -> Option<(String, SystemTime)> {
        let path = self.directory.join(AGENT);
        let started = fs::metadata(&path)
            .and_then(|facts| facts.modified())
            .ok()?;
        Some((fs::read_to_string(&path).ok()?, started))
    }

    /// Who made it, if that can be read.
    pub(crate) fn launcher(&self) -> Option<LauncherId> {
        self.process(LAUNCHER)
    }

    /// Notes what is mounted over the work directory, and which of it are directories that
    /// are made for that alone.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(crate) fn note_mounts(&self, guards: &[PathBuf], made: &[PathBuf]) -> io::Result<()> {
        self.write_paths(GUARDS, guards)?;
        self.write_paths(MOUNT_POINTS, made)
    }

    /// What is mounted over its work directory.
    pub(super) fn guards(&self) -> Vec<PathBuf> {
        self.read_paths(GUARDS)
    }

    fn write_paths(&self, name: &str, paths: &[PathBuf]) -> io::Result<()> {
        let octets = paths.iter().map(|path| path.as_os_str().as_bytes());
        let octets: Vec<&[u8]> = octets.collect();
        fs::write(self.directory.join(name), octets.join(&0))
    }

    fn read_paths(&self, name: &str) -> Vec<PathBuf> {
        let noted = fs::read(self.directory.join(name)).unwrap_or_default();
        let paths = noted
            .split(|octet| *octet == 0)
            .filter(|path| !path.is_empty());
        let path = |octets: &[u8]| PathBuf::from(std::ffi::OsString::from_vec(octets.to_vec()));
        paths.map(path).collect()
    }

    /// Another bottle of this root that has something mounted at `path`. Its guard would fall
    /// with the directory.
    fn sharer(&self, path: &PathBuf) -> Option<State> {
        let root = self.directory.parent()?;
        let others = State::all(root)
            .into_iter()
            .map(|slug| State::of(root, &slug));
        let mut others = others.filter(|other| other.directory != self.directory);
        others.find(|other| other.read_paths(GUARDS).contains(path))
    }

    /// Removes the mount points that were made and are empty, then the directory. One that
    /// another bottle needs is left to that one. Gone already is success.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for path in self.read_paths(MOUNT_POINTS) {
            if let Some(sharer) = self.sharer(&path) {
                let mut theirs = sharer.read_paths(MOUNT_POINTS);
                theirs.push(path);
                sharer.write_paths(MOUNT_POINTS, &theirs)?;
                continue;
            }
            let removed = fs::remove_dir(&path);
            let full = |error: &io::Error| error.kind() == io::ErrorKind::DirectoryNotEmpty;
            // One that is not empty: somebody put something there, and it is theirs.
            absent_is_fine(removed.or_else(|e| if full(&e) { Ok(()) } else { Err(e) }))
                .map_err(at(&path))?;
        }
        for group in self.read_paths(GROUPS) {
            absent_is_fine(remove_group(&group)).map_err(at(&group))?;
        }
        for runtime in self.read_paths(RUNTIME) {
            tree::remove(&runtime).map_err(at(&runtime))?;
        }
        tree::remove(&self.directory)
    }

    /// The files of a local bottle; none: it is of Docker's.
    pub(super) fn runtime(&self) -> Option<PathBuf> {
        self.read_paths(RUNTIME).pop()
    }

    /// What its removal removes elsewhere: mount points in a work directory, a local bottle's
    /// files. Only what is there.
    pub(crate) fn elsewhere(&self) -> Vec<PathBuf> {
        let mut paths = [MOUNT_POINTS, GROUPS, RUNTIME]
            .map(|name| self.read_paths(name))
            .concat();
        paths.retain(|path| path.symlink_metadata().is_ok());
        paths
    }

    /// All that are below `root`, by their slugs.
    pub(crate) fn all(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let directories = entries.filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
        let names = directories.filter_map(|entry| entry.file_name().into_string().ok());
        let mut slugs: Vec<String> = names.filter(|name| super::slug::is_valid(name)).collect();
        slugs.sort();
        slugs
    }
}

/// The error with what it is about, which is not the state's directory.
fn at(path: &Path) -> impl Fn(io::Error) -> io::Error + '_ {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Removes a control group. What was ended may take a moment to be gone from it.
fn remove_group(group: &Path) -> io::Result<()> {
    let latest = Instant::now() + TEARDOWN_WITHIN;
    loop {
        match fs::remove_dir(group) {
            Err(error)
                if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < latest =>
            {
                std::thread::sleep(HEALTH_LOOK);
            }
            removed => return removed,
        }
    }
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_and_goes_with_its_empty_mount_points_alone() {
        let place = tempfile::tempdir().expect("a directory");
        let launcher = LauncherId::own().expect("/proc");
        let root = place.path().join("state/bottle");
        let state = State::of(&root, "a-22222");
        state.create(&launcher).expect("made");
        state.create(&launcher).expect("made twice");
        let mode = fs::metadata(state.directory())
            .expect("it")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(state.launcher(), Some(launcher));

        let points: Vec<PathBuf> = ["empty", "full", "absent"]
            .map(|n| place.path().join(n))
            .into();
        fs::create_dir(&points[0]).expect("made");
        fs::create_dir(&points[1]).expect("made");
        fs::write(points[1].join("theirs"), "x").expect("written");
        state.note_mounts(&points, &points).expect("noted");
        let elsewhere = root.join("b-22222");
        std::os::unix::fs::symlink(place.path(), elsewhere).expect("a link");
        assert_eq!(State::all(&root), ["a-22222"]);
        state.remove().expect("removed");
        state.remove().expect("removed twice");
        assert!(!points[0].exists() && points[1].join("theirs").exists());
        assert_eq!(State::all(&root), [""; 0]);
    }

    #[test]
    fn what_can_not_be_removed_is_named() {
        let place = tempfile::tempdir().expect("a directory");
        let state = State::of(place.path(), "a-22222");
        let launcher = LauncherId::own().expect("/proc");
        state.create(&launcher).expect("made");
        let file = [place.path().join("a file now")];
        fs::write(&file[0], "x").expect("written");
        state.note_mounts(&file, &file).expect("noted");
        let error = state.remove().expect_err("no directory").to_string();
        assert!(error.contains("a file now: "), "{error}");
    }

    #[test]
    fn a_mount_point_that_another_bottle_needs_is_left_to_it() {
        let place = tempfile::tempdir().expect("a directory");
        let launcher = LauncherId::own().expect("/proc");
        let point = [place.path().join("hooks")];
        fs::create_dir(&point[0]).expect("made");
        let [one, two] = ["a-22222", "a-33333"].map(|slug| State::of(place.path(), slug));
        for (state, made) in [(&one, &point[..]), (&two, &[])] {
            state.create(&launcher).expect("made");
            state.note_mounts(&point, made).expect("noted");
        }
        one.remove().expect("removed");
        assert!(point[0].exists(), "the other's guard would fall with it");
        two.remove().expect("removed");
        assert!(!point[0].exists());
    }
}
