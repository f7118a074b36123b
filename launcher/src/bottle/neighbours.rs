//! Bottles whose agents work in the same directory, and what those could put elsewhere.

use std::path::{Path, PathBuf};

use super::state::State;
use super::{Fate, LauncherId};
use crate::manifest::WorkdirMode;
use crate::plan::Workdir;

/// A path of this plan's that the agent of another bottle, which runs, could replace by a
/// link to anywhere at the moment of its mounting; and that bottle's name.
///
/// What is mounted over its work directory it can't replace, nor the directory itself.
pub fn replaceable(root: &Path, own: &LauncherId, workdir: &Workdir) -> Option<(String, PathBuf)> {
    let host = workdir.host.as_ref()?;
    let mut paths = vec![host.clone()];
    if workdir.mode == WorkdirMode::Bind {
        paths.extend(workdir.mounts.iter().map(|mount| mount.path().to_owned()));
    }
    for slug in State::all(root) {
        let state = State::of(root, &slug);
        let runs = state
            .launcher()
            .is_none_or(|id| own.fate_of(&id) != Fate::Gone);
        let guards = state.guards();
        // Every bound work directory has this guard.
        let bound = guards.iter().find(|path| path.ends_with(".bottle"));
        let (true, Some(bound)) = (runs, bound.and_then(|path| path.parent())) else {
            continue;
        };
        let is_its = |path: &&PathBuf| {
            path.starts_with(bound) && path.as_path() != bound && !guards.contains(path)
        };
        if let Some(path) = paths.iter().find(is_its) {
            return Some((slug, path.clone()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::GuardMount;

    #[test]
    fn what_another_agent_could_replace_is_found() {
        let place = tempfile::tempdir().expect("a directory");
        let own = LauncherId::own().expect("/proc");
        let (root, work) = (place.path(), Path::new("/srv/app"));
        let state = State::of(root, "a-22222");
        state.create(&own).expect("made");
        let guards = [".git", ".git/hooks", ".bottle"].map(|name| work.join(name));
        state.note_mounts(&guards, &[]).expect("noted");
        let plan = |mode, host: &str, mounts: &[&str]| Workdir {
            mode,
            host: Some(host.into()),
            inside: host.into(),
            mounts: mounts
                .iter()
                .map(|path| GuardMount::Itself(path.into()))
                .collect(),
            owner: None,
        };
        use WorkdirMode::{Bind, Copy};
        let found = |mode, host: &str, mounts: &[&str]| {
            let found = replaceable(root, &own, &plan(mode, host, mounts));
            found.map(|(_, path)| path.display().to_string())
        };
        let same = ["/srv/app/.git", "/srv/app/.git/hooks", "/srv/app/.bottle"];
        assert_eq!(found(Bind, "/srv/app", &same), None);
        assert_eq!(found(Bind, "/srv/app2", &["/srv/app2/.git"]), None);
        assert_eq!(found(Copy, "/srv/app", &[]), None);
        for mode in [Bind, Copy] {
            let below = found(mode, "/srv/app/sub", &[]);
            assert_eq!(below.as_deref(), Some("/srv/app/sub"));
        }
        // A `.git` that appeared while that agent was at work.
        state.note_mounts(&guards[2..], &[]).expect("noted");
        let appeared = found(Bind, "/srv/app", &same);
        assert_eq!(appeared.as_deref(), Some("/srv/app/.git"));
    }
}
