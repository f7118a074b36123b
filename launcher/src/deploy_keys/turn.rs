//! Making keys and revoking them, never at once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whose turn it is. Revoking is more urgent: whoever makes keys looks whether to go on.
#[derive(Debug, Default)]
pub(super) struct Turn {
    taken: Mutex<()>,
    demands: AtomicU64,
}

/// When somebody began to make keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Began(u64);

impl Turn {
    /// Notes that keys are going to be made; the turn can be somebody else's meanwhile.
    pub(super) fn begin(&self) -> Began {
        Began(self.demands.load(Ordering::SeqCst))
    }

    /// Waits for it, to make keys.
    pub(super) fn take(&self) -> MutexGuard<'_, ()> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for it, to revoke keys, and tells all who began before to make no more.
    pub(super) fn demand(&self) -> MutexGuard<'_, ()> {
        self.demands.fetch_add(1, Ordering::SeqCst);
        self.take()
    }

    /// Whether who began then is to make no more.
    pub(super) fn is_over(&self, began: Began) -> bool {
        self.demands.load(Ordering::SeqCst) != began.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn who_makes_keys_is_told_and_waited_for() {
        let turn = Turn::default();
        let began = turn.begin();
        let making = turn.take();
        assert!(!turn.is_over(began));
        thread::scope(|scope| {
            let revoking = scope.spawn(|| drop(turn.demand()));
            while !turn.is_over(began) {
                thread::yield_now();
            }
            assert!(!revoking.is_finished());
            drop(making);
            revoking.join().expect("its turn");
        });
        assert!(turn.is_over(began), "it has not heard of it yet");
        assert!(!turn.is_over(turn.begin()), "the next start is none of its");
    }
}
