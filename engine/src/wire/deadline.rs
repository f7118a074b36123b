//! A point in time that may move while octets move, at no cost.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// One timer a connection, for every deadline it will ever have.
///
/// The timer is armed no later than the deadline in force, and left alone while the
/// deadline moves into the future: it fires early, sees that, and is armed again. So a
/// busy connection touches the timer wheel once in thirty seconds, not at every read.
pub(crate) struct Deadline {
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// A deadline with its timer armed for `first`.
    pub(crate) fn new(first: Instant) -> Self {
        Deadline {
            timer: Box::pin(sleep_until(first)),
        }
    }

    /// Ready when `due` has passed; else the task is woken no later than then.
    pub(crate) fn poll_passed(&mut self, context: &mut Context<'_>, due: Instant) -> Poll<()> {
        loop {
            if self.timer.deadline() > due {
                self.timer.as_mut().reset(due);
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moved_on_is_met_when_it_is_due() {
        let start = Instant::now();
        let mut deadline = Deadline::new(start + Duration::from_secs(1));
        let due = start + Duration::from_secs(7);
        poll_fn(|context| deadline.poll_passed(context, due)).await;
        assert_eq!(start.elapsed().as_secs(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_came_nearer_is_met_when_it_is_due() {
        let start = Instant::now();
        let mut deadline = Deadline::new(start + Duration::from_secs(60));
        let due = start + Duration::from_secs(2);
        poll_fn(|context| deadline.poll_passed(context, due)).await;
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_fired_serves_the_next_deadline() {
        let start = Instant::now();
        let mut deadline = Deadline::new(start + Duration::from_secs(1));
        for due in [2, 3, 9] {
            let due = start + Duration::from_secs(due);
            poll_fn(|context| deadline.poll_passed(context, due)).await;
            assert_eq!(Instant::now().duration_since(due).as_secs(), 0);
        }
    }
}
