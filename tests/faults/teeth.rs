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

/// How long any step may take: so long that a busy machine does not meet it, and shorter than
/// the guard, after which a stand-in that hangs lets go.
const PATIENCE: Duration = Duration::from_secs(15);

/// The same at the first try: some flaws hang, and are found by its passing. What a slow step
/// that does not hang has said is not what is looked for, and is tried again with more.
const LITTLE_PATIENCE: Duration = Duration::from_secs(3);

/// A flaw, the trials that must find it, and the words of their finding, in order. Of what
/// hangs they tell who has ended: behind the fault, so that nothing before it was slow.
const FLAWS: &[(Flaw, &str, Leg, Fault, &[&str])] = &[
    (
        Flaw::EndsInOrder,
        CLOSE,
        Leg::FromService,
        Fault::Reset,
        &["a truncated answer looks whole"],
    ),
    (
        Flaw::AddsLastChunk,
        CHUNKED,
        Leg::FromService,
        Fault::Truncate,
        &["a truncated answer looks whole"],
    ),
    (
        Flaw::SendsAgain,
        CHUNKED,
        Leg::FromService,
        Fault::Truncate,
        &["the request was sent twice"],
    ),
    (
        Flaw::CompletesRequest,
        CHUNKED,
        Leg::FromClient,
        Fault::Truncate,
        &["a truncated request looks whole"],
    ),
    (
        Flaw::HoldsBack,
        LENGTH,
        Leg::FromService,
        Fault::Split,
        &["hangs: the response, as far as sent"],
    ),
    (
        Flaw::KeepsService,
        LENGTH,
        Leg::ToClient,
        Fault::Truncate,
        &[
            "hangs; the client sent",
            "(then Some(Closed))",
            "the service sent",
            "(then None)",
            "(then None)",
        ],
    ),
    (
        Flaw::KeepsClient,
        LENGTH,
        Leg::FromService,
        Fault::Reset,
        &[
            "hangs; the client sent",
            "(then None)",
            "(then None)",
            "the service sent",
            "(then Some(Reset))",
        ],
    ),
    (
        Flaw::GoesOn,
        LENGTH,
        Leg::FromService,
        Fault::Split,
        &["octets behind the answer"],
    ),
    (
        Flaw::Shortens,
        LENGTH,
        Leg::FromClient,
        Fault::Split,
        &["a whole answer without all of its body"],
    ),
    (
        Flaw::TellsToken,
        LENGTH,
        Leg::FromService,
        Fault::Split,
        &["the credential leaks"],
    ),
    (
        Flaw::GivesUp,
        LENGTH,
        Leg::FromService,
        Fault::Truncate,
        &["a probe was not served"],
    ),
];

/// What the first trial to find anything says, of all positions.
fn found(patience: Duration, flaw: Flaw, name: &str, leg: Leg, fault: Fault) -> Option<Breach> {
    let listener = Slot::listener();
    let stand_in = StandIn::before(listener.local_addr().expect("an address"), flaw);
    let slot = Slot {
        proxy: stand_in.address(),
        prefix: "/s000/".to_owned(),
        listener,
        leaks: Leaks::of(&[TOKEN]),
        guard: patience,
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
        let find = |patience| found(patience, *flaw, name, *leg, *fault).unwrap_or_default();
        if says(&find(LITTLE_PATIENCE), words) {
            continue;
        }
        let breach = find(PATIENCE);
        assert!(says(&breach, words), "{flaw:?} found as {breach:?}");
    }
}

/// Whether all `words` stand in `breach`, in this order.
fn says(breach: &str, words: &[&str]) -> bool {
    let mut rest = breach;
    words.iter().all(|word| match rest.split_once(word) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

#[test]
fn a_stand_in_without_a_flaw_passes() {
    for (_, name, leg, fault, _) in FLAWS {
        let breach = found(PATIENCE, Flaw::None, name, *leg, *fault);
        assert_eq!(breach, None, "{name}, {leg:?}, {fault:?}");
    }
}
