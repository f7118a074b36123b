//! Things that are costly to make and cheap to clean, kept for the next user.

use std::sync::{Mutex, PoisonError};

/// A worker's free list: what an idle connection does not hold, so that a warm exchange
/// allocates nothing and an idle connection keeps nothing.
pub(crate) struct FreeList<T> {
    free: Mutex<Vec<T>>,
    kept: usize,
}

impl<T> FreeList<T> {
    /// Keeps at most `kept` things; more are dropped.
    pub(crate) fn new(kept: usize) -> Self {
        FreeList {
            free: Mutex::new(Vec::new()),
            kept,
        }
    }

    /// One from the list; `None`: a new one is to be made.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().pop()
    }

    /// Back to the list, cleaned by its user.
    pub(crate) fn give(&self, thing: T) {
        let mut free = self.lock();
        if free.len() < self.kept {
            free.push(thing);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<T>> {
        // Push and pop leave the list whole even if a thread died between them.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_its_number_and_no_more() {
        let list = FreeList::<Vec<u8>>::new(1);
        list.give(Vec::with_capacity(10));
        list.give(Vec::with_capacity(20));
        assert_eq!(list.take().map(|kept| kept.capacity()), Some(10));
        assert_eq!(list.take(), None);
    }
}
