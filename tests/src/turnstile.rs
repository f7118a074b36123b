//! Lets a few through at a time: while many trials wait for a deadline, only so many
//! move that none is late because of the others.

use std::sync::{Condvar, Mutex};

/// The turnstile.
pub struct Turnstile {
    free: Mutex<usize>,
    changed: Condvar,
}

/// The right to move, until it is dropped.
pub struct Pass<'a>(&'a Turnstile);

impl Turnstile {
    /// Lets `count` through.
    pub fn of(count: usize) -> Turnstile {
        Turnstile {
            free: Mutex::new(count),
            changed: Condvar::new(),
        }
    }

    /// Waits for a pass.
    pub fn pass(&self) -> Pass<'_> {
        let free = self.free.lock().expect("a sound lock");
        let mut free = self
            .changed
            .wait_while(free, |free| *free == 0)
            .expect("a sound lock");
        *free -= 1;
        Pass(self)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().expect("a sound lock") += 1;
        self.0.changed.notify_one();
    }
}
