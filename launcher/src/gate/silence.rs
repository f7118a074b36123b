//! How long a connection may be silent, by what it is at. No clock: it is told the time.

use core::fmt;
use std::time::{Duration, Instant};

use super::limits::Times;
use super::push_head::PushHead;
use super::request::Service;

/// The silence of one connection.
#[derive(Debug)]
pub(super) struct Silence {
    times: Times,
    stage: Stage,
    since: Instant,
}

#[derive(Debug)]
enum Stage {
    /// access-hook asks upstream.
    Refreshing,
    /// receive-pack is being started.
    Starting(PushHead),
    /// The client was told the refs, and makes its pack.
    Compressing(PushHead),
    /// Somebody has something to say, or says by a keepalive that it is at work.
    Working,
}

/// A silence that was too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TooSilent {
    /// No answer of access-hook's.
    Refreshing(Duration),
    /// No pack.
    Compressing(Duration),
    /// No octet either way.
    Working(Duration),
}

impl fmt::Display for TooSilent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooSilent::Refreshing(time) => {
                write!(
                    f,
                    "upstream was asked, and nothing came of it for {} s",
                    time.as_secs()
                )
            }
            TooSilent::Compressing(time) => {
                write!(f, "the client sent no pack for {} s", time.as_secs())
            }
            TooSilent::Working(time) => {
                write!(f, "no octet moved either way for {} s", time.as_secs())
            }
        }
    }
}

impl Silence {
    pub(super) fn new(service: Service, times: Times, now: Instant) -> Silence {
        let stage = match service {
            Service::UploadPack => Stage::Refreshing,
            Service::ReceivePack => Stage::Starting(PushHead::new()),
        };
        Silence {
            times,
            stage,
            since: now,
        }
    }

    /// These octets came from the client.
    pub(super) fn client_sent(&mut self, octets: &[u8], now: Instant) {
        match &mut self.stage {
            Stage::Refreshing => {}
            // A trickle of commands makes the time for the pack no longer.
            Stage::Starting(head) | Stage::Compressing(head) => {
                if head.read(octets) < octets.len() {
                    self.stage = Stage::Working;
                    self.since = now;
                }
            }
            Stage::Working => self.since = now,
        }
    }

    /// An octet came from git.
    pub(super) fn server_sent(&mut self, now: Instant) {
        self.since = now;
        self.stage = match std::mem::replace(&mut self.stage, Stage::Working) {
            Stage::Starting(head) => Stage::Compressing(head),
            compressing @ Stage::Compressing(_) => compressing,
            Stage::Refreshing | Stage::Working => Stage::Working,
        };
    }

    /// An octet was taken by either.
    pub(super) fn taken(&mut self, now: Instant) {
        if let Stage::Working = self.stage {
            self.since = now;
        }
    }

    /// When it will have been too long.
    pub(super) fn ends(&self) -> Instant {
        let time = match self.too_silent() {
            TooSilent::Refreshing(time)
            | TooSilent::Compressing(time)
            | TooSilent::Working(time) => time,
        };
        self.since + time
    }

    /// What to say of it then.
    pub(super) fn too_silent(&self) -> TooSilent {
        match self.stage {
            Stage::Refreshing => TooSilent::Refreshing(self.times.refresh),
            Stage::Compressing(_) => TooSilent::Compressing(self.times.compress),
            Stage::Starting(_) | Stage::Working => TooSilent::Working(self.times.quiet),
        }
    }

    /// Was nothing said to the client yet? Then a reason can be.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.stage, Stage::Refreshing | Stage::Starting(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::limits::TIMES;

    const COMMANDS: &[u8] = b"00180 1 refs/heads/a\0 x\n0000";

    fn seconds(silence: &Silence, begun: Instant) -> u64 {
        (silence.ends() - begun).as_secs()
    }

    #[test]
    fn a_fetch_waits_for_upstream_then_for_octets() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut silence = Silence::new(Service::UploadPack, TIMES, begun);
        silence.client_sent(b"0000", after(100));
        assert!(silence.is_unanswered());
        assert_eq!(seconds(&silence, begun), 315);
        assert_eq!(
            silence.too_silent().to_string(),
            "upstream was asked, and nothing came of it for 315 s"
        );
        silence.server_sent(after(200));
        assert!(!silence.is_unanswered());
        assert_eq!(seconds(&silence, begun), 215);
        silence.client_sent(b"0000", after(210));
        assert_eq!(seconds(&silence, begun), 225);
        silence.taken(after(220));
        assert_eq!(seconds(&silence, begun), 235);
        assert_eq!(
            silence.too_silent().to_string(),
            "no octet moved either way for 15 s"
        );
    }

    #[test]
    fn a_push_may_compress_between_the_advertisement_and_the_pack() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut silence = Silence::new(Service::ReceivePack, TIMES, begun);
        assert_eq!(seconds(&silence, begun), 15);
        silence.server_sent(after(1));
        assert_eq!(seconds(&silence, begun), 121);
        // Neither the advertisement's being read nor a trickle of commands gives more time.
        silence.taken(after(2));
        for octet in COMMANDS {
            silence.client_sent(&[*octet], after(100));
        }
        assert_eq!(seconds(&silence, begun), 121);
        assert_eq!(
            silence.too_silent().to_string(),
            "the client sent no pack for 120 s"
        );
        silence.client_sent(b"PACK", after(110));
        assert_eq!(seconds(&silence, begun), 125);
    }

    #[test]
    fn a_push_without_a_pack_lives_by_the_keepalives_of_who_works() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut silence = Silence::new(Service::ReceivePack, TIMES, begun);
        silence.server_sent(begun);
        silence.client_sent(COMMANDS, after(1));
        for keepalive in [5, 100, 200] {
            silence.server_sent(after(keepalive));
            assert_eq!(seconds(&silence, begun), keepalive + 120);
        }
    }
}
