//! What the proxy holds after thousands of failures: no more than before.

use harness::arena::{Arena, trials};
use harness::census::Census;
use harness::fault::{Fault, Leg};
use harness::trial::Trial;

/// How much memory may come and go with the moment at which it is looked at.
const SWAY_KIB: u64 = 1024;

/// Of all failures of all legs, one in so many: a batch of some hundreds.
const ONE_IN: usize = 23;

#[test]
fn nothing_is_left_of_failed_exchanges() {
    let legs = [
        Leg::FromClient,
        Leg::ToClient,
        Leg::FromService,
        Leg::ToService,
    ];
    let faults = [Fault::Truncate, Fault::Reset, Fault::HalfClose];
    let batch: Vec<Trial> = trials(&legs, &faults).into_iter().step_by(ONE_IN).collect();
    let arena = Arena::of(1, 4);
    let before = arena.census();
    let mut memory = Vec::new();
    for _ in 0..4 {
        let breaches = arena.run(&batch);
        assert!(breaches.is_empty(), "{breaches:#?}");
        arena.wait_for(&before);
        memory.push(arena.proxies()[0].resident_kib());
    }
    // The first batch fills the free lists.
    let grown = memory[3].saturating_sub(memory[0]);
    assert!(grown <= SWAY_KIB, "KiB after each batch: {memory:?}");
}

#[test]
fn a_connection_that_is_kept_is_counted() {
    let arena = Arena::of(1, 1);
    let proxy = &arena.proxies()[0];
    let before = Census::settled(proxy);
    let client = proxy.client();
    let more = Census {
        descriptors: before.descriptors + 1,
        sockets: before.sockets + 1,
        tasks: before.tasks + 1,
        in_flight: before.in_flight,
    };
    more.wait_for(proxy);
    drop(client);
    before.wait_for(proxy);
}
