//! Whether a trial was fast enough to say anything: where deadlines are short, one that
//! was held up by a busy machine meets them by itself.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// The time of the parts of a trial that should take none.
pub(crate) struct Pace {
    limit: Duration,
    since: Cell<Option<Instant>>,
    was_late: Cell<bool>,
}

impl Pace {
    /// Each part has `limit`.
    pub(crate) fn of(limit: Duration) -> Pace {
        Pace {
            limit,
            since: Cell::new(None),
            was_late: Cell::new(false),
        }
    }

    /// A part begins.
    pub(crate) fn begin(&self) {
        self.since.set(Some(Instant::now()));
    }

    /// It ends: what follows may take its time.
    pub(crate) fn end(&self) {
        let taken = self.since.take().map(|since| since.elapsed());
        let is_late = taken.is_some_and(|taken| taken > self.limit);
        self.was_late.set(self.was_late.get() || is_late);
    }

    /// Did any part, the one under way too, take longer?
    pub(crate) fn was_late(&self) -> bool {
        self.end();
        self.was_late.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_begin_and_end_counts() {
        for (limit, late) in [(Duration::ZERO, true), (Duration::from_secs(3600), false)] {
            let pace = Pace::of(limit);
            pace.end();
            assert!(!pace.was_late(), "nothing has begun");
            pace.begin();
            let begun = Instant::now();
            while begun.elapsed().is_zero() {
                std::hint::spin_loop();
            }
            assert_eq!(pace.was_late(), late);
        }
    }
}
