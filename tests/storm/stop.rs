//! The end of traffic that goes on until it is told to end.

use std::sync::atomic::{AtomicBool, Ordering};

/// Told to all when it is dropped, a panic included: threads that nobody stops would keep
/// a failed test from ending.
#[derive(Default)]
pub(crate) struct Stop {
    told: AtomicBool,
}

/// Who tells.
pub(crate) struct Teller<'a>(&'a Stop);

impl Stop {
    /// Stops all when what it gives is dropped.
    pub(crate) fn teller(&self) -> Teller<'_> {
        Teller(self)
    }

    pub(crate) fn is_told(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        self.0.told.store(true, Ordering::Relaxed);
    }
}
