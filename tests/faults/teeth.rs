//! The trials find what they are there to find: each flaw of a stand-in is told, and the
//! stand-in without one passes.

use std::time::Duration;

use harness::fault::{Fault, Leg};
use harness::leak::Leaks;
use harness::proxy::TOKEN;
use harness::recording::Recording;
use harness::stage::{Breach, Slot};
use harness::stand_in::{Flaw, StandIn};
use harness::trial::Trial;
use harness::turnstile::Turnstile;

const LENGTH: &str = "an answer with Content-Length";
const CHUNKED: &str = "a chunked POST with a chunked answer";
const CLOSE: &str = "a close-delimited answer";

/// How long any step may take. Three flaws are found by its passing; a busy machine must
/// not meet it where nothing hangs.
const PATIENCE: Duration = Duration::from_secs(4);

/// A flaw, the trials that must find it, and the words of their finding.
const FLAWS: &[(Flaw, &str, Leg, Fault, &str)] = &[
    (
        Flaw::EndsInOrder,
        CLOSE,
        Leg::FromService,
        Fault::Reset,
        "a truncated answer looks whole",
    ),
    (
        Flaw::AddsLastChunk,
        CHUNKED,
        Leg::FromService,
        Fault::Truncate,
        "a truncated answer looks whole",
    ),
    (
        Flaw::SendsAgain,
        CHUNKED,
        Leg::FromService,
        Fault::Truncate,
        "the request was sent twice",
    ),
    (
        Flaw::CompletesRequest,
        CHUNKED,
        Leg::FromClient,
        Fault::Truncate,
        "a truncated request looks whole",
    ),
    (
        Flaw::HoldsBack,
        LENGTH,
        Leg::FromService,
        Fault::Split,
        "hangs: the response, as far as sent",
    ),
    (
        Flaw::KeepsService,
        LENGTH,
        Leg::ToClient,
        Fault::Truncate,
        "hangs",
    ),
    (
        Flaw::KeepsClient,
        LENGTH,
        Leg::FromService,
        Fault::Reset,
        "hangs",
    ),
    (
        Flaw::GoesOn,
        LENGTH,
        Leg::FromService,
        Fault::Split,
        "octets behind the answer",
    ),
    (
        Flaw::Shortens,
        LENGTH,
        Leg::FromClient,
        Fault::Split,
        "a whole answer without all of its body",
    ),
    (
        Flaw::TellsToken,
        LENGTH,
        Leg::FromService,
        Fault::Split,
        "the credential leaks",
    ),
    (
        Flaw::GivesUp,
        LENGTH,
        Leg::FromService,
        Fault::Truncate,
        "a probe was not served",
    ),
];

/// What the first trial to find anything says, of all positions.
fn found(flaw: Flaw, name: &str, leg: Leg, fault: Fault) -> Option<Breach> {
    let listener = Slot::listener();
    let stand_in = StandIn::before(listener.local_addr().expect("an address"), flaw);
    let slot = Slot {
        proxy: stand_in.address(),
        prefix: "/s000/".to_owned(),
        listener,
        leaks: Leaks::of(&[TOKEN]),
        guard: PATIENCE,
    };
    let (recording, turnstile) = (Recording::named(name), Turnstile::of(1));
    Trial::positions(recording, leg, fault).find_map(|position| {
        let trial = Trial {
            recording,
            leg,
            fault,
            position,
            number: position,
        };
        trial.run(&slot, &turnstile).err()
    })
}

#[test]
fn each_flaw_is_found() {
    for (flaw, name, leg, fault, words) in FLAWS {
        let breach = found(*flaw, name, *leg, *fault).unwrap_or_default();
        assert!(breach.contains(words), "{flaw:?} found as {breach:?}");
    }
}

#[test]
fn a_stand_in_without_a_flaw_passes() {
    for (_, name, leg, fault, _) in FLAWS {
        let breach = found(Flaw::None, name, *leg, *fault);
        assert_eq!(breach, None, "{name}, {leg:?}, {fault:?}");
    }
}
