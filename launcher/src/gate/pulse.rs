//! When a conversation last moved, and when it has been quiet for too long.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, sleep_until};

use super::phase::Phase;

/// The pulse of one conversation. Nothing waits while it is looked at.
pub(super) struct Pulse(Mutex<(Phase, Instant)>);

impl Pulse {
    /// That of a conversation which begins now.
    pub(super) fn of(phase: Phase) -> Self {
        Self(Mutex::new((phase, Instant::now())))
    }

    /// Something has moved, which `change` notes.
    pub(super) fn beat(&self, change: impl FnOnce(&mut Phase)) {
        let mut inner = self.inner();
        change(&mut inner.0);
        inner.1 = Instant::now();
    }

    /// Waits until nothing has moved for as long as nothing may.
    pub(super) async fn stops(&self) {
        loop {
            let latest = self.latest();
            if Instant::now() >= latest {
                return;
            }
            sleep_until(latest).await;
        }
    }

    fn latest(&self) -> Instant {
        let inner = self.inner();
        inner.1 + inner.0.quiet()
    }

    fn inner(&self) -> MutexGuard<'_, (Phase, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::limits::{ADVERTISED_QUIET, QUIET};
    use crate::gate::request::Service;

    #[tokio::test(start_paused = true)]
    async fn it_stops_when_its_phase_has_been_quiet_for_long() {
        let begun = Instant::now();
        let pulse = Pulse::of(Phase::of(Service::ReceivePack));
        pulse.stops().await;
        assert_eq!(begun.elapsed().as_secs(), QUIET.as_secs());
        // A push that has its answer may compress for longer, and each octet begins anew.
        pulse.beat(Phase::answered);
        let begun = Instant::now();
        pulse.stops().await;
        assert_eq!(begun.elapsed().as_secs(), ADVERTISED_QUIET.as_secs());
    }
}
