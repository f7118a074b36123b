//! Making keys and revoking them, never at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whose turn it is. Revoking is more urgent: whoever makes keys looks whether to go on.
#[derive(Debug, Default)]
pub(super) struct Turn {
    taken: Mutex<()>,
    is_asked_for: AtomicBool,
}

impl Turn {
    /// Waits for it, to make keys.
    pub(super) fn take(&self) -> MutexGuard<'_, ()> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for it, to revoke keys, and tells whoever has it to make no more.
    pub(super) fn demand(&self) -> MutexGuard<'_, ()> {
        self.is_asked_for.store(true, Ordering::SeqCst);
        let taken = self.take();
        self.is_asked_for.store(false, Ordering::SeqCst);
        taken
    }

    /// Whether whoever has it is to make no more.
    pub(super) fn is_demanded(&self) -> bool {
        self.is_asked_for.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn who_makes_keys_is_told_and_waited_for() {
        let turn = Turn::default();
        let making = turn.take();
        assert!(!turn.is_demanded());
        thread::scope(|scope| {
            let revoking = scope.spawn(|| drop(turn.demand()));
            while !turn.is_demanded() {
                thread::yield_now();
            }
            assert!(!revoking.is_finished());
            drop(making);
            revoking.join().expect("its turn");
        });
        assert!(!turn.is_demanded(), "the next start is none of its");
    }
}
