//! What the process does to itself before it reads a token.

use rustix::io::Result;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

use crate::limits::{DESCRIPTORS_RESERVED, Limits};

/// Core dumps off, process not dumpable: its memory is not for files, nor for a debugger
/// of the same user.
pub fn hide_memory() -> Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// Raises the soft limit on descriptors to the hard one, and gives the number that holds
/// then.
pub fn raise_descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where it can't be raised, the soft limit is what holds.
    let holds = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    holds.map_or(usize::MAX, |descriptors| {
        usize::try_from(descriptors).unwrap_or(usize::MAX)
    })
}

/// How many connections so many descriptors carry: two each, some kept back.
pub fn connections_for(descriptors: usize) -> usize {
    let carried = descriptors.saturating_sub(DESCRIPTORS_RESERVED) / 2;
    carried.clamp(1, Limits::default().connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_uses_two_descriptors_and_some_are_kept_back() {
        for (descriptors, connections) in [
            (0, 1),
            (66, 1),
            (1024, 480),
            (8255, 4095),
            (8256, 4096),
            (8258, 4096),
            (usize::MAX, 4096),
        ] {
            assert_eq!(connections_for(descriptors), connections, "{descriptors}");
        }
    }
}
