//! Who is pushing where: when nobody is, what pushes left can be removed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::leftovers;
use super::log::log;
use super::request::{Request, Service};

/// The pushes of all connections.
#[derive(Debug)]
pub(super) struct Pushes {
    /// How many there are, for each mirror.
    counts: Mutex<BTreeMap<PathBuf, usize>>,
}

/// One of them, until it is dropped; its git has ended by then.
#[derive(Debug)]
pub(super) struct Push<'pushes> {
    pushes: &'pushes Pushes,
    mirror: PathBuf,
}

impl Pushes {
    pub(super) fn new() -> Pushes {
        let counts = Mutex::new(BTreeMap::new());
        Pushes { counts }
    }

    /// Notes that one begins, if the request is one.
    pub(super) fn begin(&self, request: &Request, mirror: PathBuf) -> Option<Push<'_>> {
        match request.service {
            Service::UploadPack => None,
            Service::ReceivePack => {
                *self.counts().entry(mirror.clone()).or_default() += 1;
                let pushes = self;
                Some(Push { pushes, mirror })
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<PathBuf, usize>> {
        // A count is right or not there, whoever panicked.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Push<'_> {
    fn drop(&mut self) {
        // Nobody begins meanwhile.
        let mut counts = self.pushes.counts();
        if let Some(count) = counts.get_mut(&self.mirror) {
            *count -= 1;
            if *count > 0 {
                return;
            }
        }
        counts.remove(&self.mirror);
        if let Err(error) = leftovers::of_pushes(&self.mirror) {
            let mirror = self.mirror.display();
            log(&format_args!(
                "what a push left in {mirror} could not be removed: {error}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_push_of_a_mirror_removes_what_pushes_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let left = folder.path().join("objects/tmp_objdir-incoming-Ab1");
        let pushes = Pushes::new();
        let begin = |service| {
            let payload = format!("git-{service} /app.git");
            let request = Request::parse(payload.as_bytes(), &["app".to_owned()]);
            pushes.begin(&request.expect("a request"), folder.path().to_owned())
        };
        std::fs::create_dir_all(&left).expect("a folder");
        assert!(begin("upload-pack").is_none());
        let (first, second) = (begin("receive-pack"), begin("receive-pack"));
        drop(first);
        assert!(left.exists(), "it may be the other's");
        drop(second);
        assert!(!left.exists());
    }
}
