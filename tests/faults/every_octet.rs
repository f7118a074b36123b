//! Each octet of each recording: delay, truncation, reset, half-close, stall.

use std::time::Instant;

use harness::arena::{Arena, trials};
use harness::fault::{Fault, Leg};

/// Proxies, and slots of each: as many as keep a small machine busy.
const BUSY: (usize, usize) = (2, 4);

/// While one trial waits for its deadline, others do.
const PATIENT: (usize, usize) = (2, 80);

fn hold(arena: &Arena, legs: &[Leg], faults: &[Fault]) {
    let trials = trials(legs, faults);
    let before = arena.census();
    let begun = Instant::now();
    let breaches = arena.run(&trials);
    eprintln!("{} trials in {:?}", trials.len(), begun.elapsed());
    let some: Vec<&String> = breaches.iter().take(10).collect();
    let count = breaches.len();
    assert!(breaches.is_empty(), "{count} breaches, such as {some:#?}");
    arena.wait_for(&before);
}

fn holds(legs: &[Leg], faults: &[Fault]) {
    hold(&Arena::of(BUSY.0, BUSY.1), legs, faults);
}

#[test]
fn a_delay_at_any_octet_changes_nothing() {
    holds(&[Leg::FromClient, Leg::FromService], &[Fault::Split]);
}

#[test]
fn a_client_may_go_at_any_octet() {
    let ways = [Fault::Truncate, Fault::Reset, Fault::HalfClose];
    holds(&[Leg::FromClient, Leg::ToClient], &ways);
}

#[test]
fn a_service_may_go_at_any_octet() {
    let ways = [Fault::Truncate, Fault::Reset, Fault::HalfClose];
    holds(&[Leg::FromService, Leg::ToService], &ways);
}

#[test]
fn a_stall_at_any_octet_ends_by_its_deadline() {
    let arena = Arena::hasty(PATIENT.0, PATIENT.1);
    hold(
        &arena,
        &[Leg::FromClient, Leg::FromService],
        &[Fault::Stall],
    );
}
