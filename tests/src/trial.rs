//! One fault at one octet of one recorded exchange, played through a proxy.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use crate::fault::{Fault, Leg, STALL, Side};
use crate::pace::Pace;
use crate::play::Play;
use crate::recording::Recording;
use crate::stage::{Breach, Slot};
use crate::turnstile::Turnstile;
use crate::{probe, verdict};

/// The way in which the client's target names a trial.
const TARGET_OCTETS: usize = "/s000/000000".len();

/// How often a trial may be too late to say anything: more often only where no machine is
/// left to run it on.
const TRIES: usize = 40;

/// What is tried.
#[derive(Clone, Copy)]
pub struct Trial {
    /// The exchange.
    pub recording: &'static Recording,
    /// The leg on which it fails.
    pub leg: Leg,
    /// How it fails.
    pub fault: Fault,
    /// After how many octets.
    pub position: usize,
    /// Its name at the service.
    pub number: usize,
}

impl Trial {
    /// Every octet at which this fault can happen on this leg.
    pub fn positions(recording: &Recording, leg: Leg, fault: Fault) -> RangeInclusive<usize> {
        let target = "x".repeat(TARGET_OCTETS);
        let (request, response) = (recording.request(&target).len(), recording.response().len());
        let last = match leg.counted() {
            Side::Client => request,
            Side::Service => response,
        };
        // Who has sent all of a framed message has not stalled.
        let is_framed = leg == Leg::FromClient || !recording.service_closes;
        let last = match fault {
            Fault::Stall if is_framed && !recording.is_tunnel => last - 1,
            Fault::Stall | Fault::Split | Fault::Truncate | Fault::Reset | Fault::HalfClose => last,
        };
        let first = match leg {
            // Before the head is whole there is nobody to fail.
            Leg::ToService if !recording.is_second => recording.request_head(&target),
            Leg::ToService | Leg::ToClient | Leg::FromClient | Leg::FromService => 0,
        };
        first..=last
    }

    /// Plays it; what was wrong is told with the octets that passed.
    pub fn run(&self, slot: &Slot, turnstile: &Turnstile) -> Result<(), Breach> {
        let mut tries = TRIES;
        loop {
            let pace = Pace::of(STALL / 2);
            let played = self.play(slot, turnstile, &pace);
            tries -= 1;
            // A deadline met by a late trial was not met by the stall.
            if self.fault != Fault::Stall || tries == 0 || played.is_ok() || !pace.was_late() {
                return played.map_err(|breach| self.named(&breach));
            }
            slot.clear();
        }
    }

    fn named(&self, breach: &str) -> Breach {
        let Trial {
            leg,
            fault,
            position,
            ..
        } = self;
        let name = self.recording.name;
        format!("{name}, {leg:?} {fault:?} at {position}: {breach}")
    }

    fn play(&self, slot: &Slot, turnstile: &Turnstile, pace: &Pace) -> Result<(), Breach> {
        let mut pass = Some(turnstile.pass());
        pace.begin();
        let mut play = Play::begin(self, slot)?;
        let mut due = Instant::now() + slot.guard;
        loop {
            let before = play.fired;
            play.advance()?;
            if before.is_none() && play.fired.is_some() {
                due = Instant::now() + slot.guard;
                if self.fault == Fault::Stall {
                    pace.end();
                    pass = None;
                }
            }
            if play.is_over() {
                break;
            }
            if Instant::now() > due {
                return Err(format!("hangs; {}", play.stage.told()));
            }
            play.stage.look(Duration::from_millis(100));
        }
        let told = |breach| format!("{breach}; {}", play.stage.told());
        verdict::judge(&play).map_err(told)?;
        let _pass = pass.unwrap_or_else(|| turnstile.pass());
        pace.begin();
        probe::probe(play.trial, play.stage)
    }

    /// The target that the client names.
    pub fn target(&self, slot: &Slot) -> String {
        format!("{}{:06}", slot.prefix, self.number)
    }
}
