//! Proxies with many slots each, on which many trials run at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::builder::Builder;
use crate::census::Census;
use crate::fault::{Fault, Leg, STALL};
use crate::flag;
use crate::process::GUARD;
use crate::proxy::{Proxy, TOKEN, TOKEN_ENV, bearer};
use crate::recording;
use crate::stage::{Breach, Slot};
use crate::trial::Trial;
use crate::turnstile::Turnstile;

/// How many trials move at a time where others wait for a deadline.
const MOVING: usize = 4;

/// After so many breaches a run ends: each may have taken the whole guard.
const ENOUGH: usize = 20;

/// Running proxies, and ways through them.
pub struct Arena {
    proxies: Vec<Proxy>,
    slots: Vec<Slot>,
}

impl Arena {
    /// So many proxies of one worker each, with so many slots each.
    pub fn of(proxies: usize, slots: usize) -> Arena {
        Arena::with(proxies, slots, |builder| builder)
    }

    /// The same with deadlines so short that a stall ends by them.
    pub fn hasty(proxies: usize, slots: usize) -> Arena {
        Arena::with(proxies, slots, |builder| {
            let deadlines = [
                flag::REQUEST_HEAD_TIME,
                flag::IDLE_TIME,
                flag::REQUEST_BODY_IDLE_TIME,
                flag::RESPONSE_HEAD_TIME,
                flag::TUNNEL_IDLE_TIME,
            ];
            let set = |builder: Builder, name: &&str| builder.deadline(name, STALL);
            deadlines.iter().fold(builder, set)
        })
    }

    fn with(proxies: usize, slots: usize, set: impl Fn(Builder) -> Builder) -> Arena {
        let mut arena = Arena {
            proxies: Vec::new(),
            slots: Vec::new(),
        };
        for _ in 0..proxies {
            arena.add(slots, &set);
        }
        arena
    }

    fn add(&mut self, slots: usize, set: &impl Fn(Builder) -> Builder) {
        let mut builder = set(Proxy::builder().token(TOKEN_ENV, TOKEN));
        for argument in ["--threads", "1", "--admin", "127.0.0.1:0"] {
            builder = builder.arg(argument);
        }
        // Exchanges fail by the thousand here: the log would be all of the work.
        builder = builder.log("off");
        let mut listeners = Vec::new();
        for at in 0..slots {
            let listener = Slot::listener();
            let address = listener.local_addr().expect("an address");
            let url = format!("http://{address}");
            let upgrade = serde_json::json!({"upgrade": ["websocket"]});
            builder = builder.route(bearer(&format!("/s{at:03}/"), &url));
            builder = builder.with(upgrade);
            listeners.push(listener);
        }
        let proxy = builder.start();
        // Its worker is at work: what it always holds is there to be counted.
        let mut client = proxy.client();
        let answer = client.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(answer.status(), 204);
        for (at, listener) in listeners.into_iter().enumerate() {
            self.slots.push(Slot {
                proxy: proxy.address(),
                prefix: format!("/s{at:03}/"),
                listener,
                leaks: std::sync::Arc::clone(proxy.leaks()),
                guard: GUARD,
            });
        }
        self.proxies.push(proxy);
    }

    /// Runs all trials, and gives what was wrong.
    pub fn run(&self, trials: &[Trial]) -> Vec<Breach> {
        let next = AtomicUsize::new(0);
        let breaches = Mutex::new(Vec::new());
        let turnstile = Turnstile::of(MOVING);
        thread::scope(|scope| {
            for slot in &self.slots {
                scope.spawn(|| {
                    while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let result = trial.run(slot, &turnstile);
                        let mut breaches = breaches.lock().expect("a sound lock");
                        breaches.extend(result.err());
                        if breaches.len() >= ENOUGH {
                            return;
                        }
                    }
                });
            }
        });
        breaches.into_inner().expect("a sound lock")
    }

    /// The proxies.
    pub fn proxies(&self) -> &[Proxy] {
        &self.proxies
    }

    /// What each proxy holds when nothing goes on.
    pub fn census(&self) -> Vec<Census> {
        self.proxies.iter().map(Census::settled).collect()
    }

    /// Waits until each proxy holds what it held then, memory apart.
    pub fn wait_for(&self, then: &[Census]) {
        for (proxy, then) in self.proxies.iter().zip(then) {
            then.wait_for(proxy);
        }
    }
}

/// Every octet of every recording, on these legs, with these faults.
pub fn trials(legs: &[Leg], faults: &[Fault]) -> Vec<Trial> {
    let mut all = Vec::new();
    for recording in recording::ALL {
        for leg in legs {
            for fault in faults {
                for position in Trial::positions(recording, *leg, *fault) {
                    all.push(Trial {
                        recording,
                        leg: *leg,
                        fault: *fault,
                        position,
                        number: all.len(),
                    });
                }
            }
        }
    }
    all
}
