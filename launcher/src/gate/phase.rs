//! How long a conversation may be quiet, which hangs on how far it has come.

use std::time::Duration;

use super::limits::{ADVERTISED_QUIET, QUIET, REFRESH_QUIET};
use super::request::{LENGTH_OCTETS, Service, line_octets};

/// How far a conversation has come.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    service: Service,
    has_answer: bool,
    commands: Commands,
}

/// The client's part of a push, up to the first octet of its pack: lines, a flush.
#[derive(Clone, Debug, Default)]
struct Commands {
    length: Vec<u8>,
    left_of_line: usize,
    has_ended: bool,
    pack_octets: u64,
}

impl Phase {
    /// That of a conversation which has begun.
    pub(super) fn of(service: Service) -> Self {
        Self {
            service,
            has_answer: false,
            commands: Commands::default(),
        }
    }

    /// git has said something.
    pub(super) fn answered(&mut self) {
        self.has_answer = true;
    }

    /// The client has sent this.
    pub(super) fn sent(&mut self, octets: &[u8]) {
        if self.service == Service::ReceivePack {
            self.commands.read(octets);
        }
    }

    /// Octets of the pack that the client has sent so far.
    pub(super) fn pack_octets(&self) -> u64 {
        self.commands.pack_octets
    }

    /// How long neither side may say anything now.
    pub(super) fn quiet(&self) -> Duration {
        match (self.service, self.has_answer) {
            // access-hook fetches, in a time of its own.
            (Service::UploadPack, false) => REFRESH_QUIET,
            // A client is silent while it compresses.
            (Service::ReceivePack, true) if self.commands.pack_octets == 0 => ADVERTISED_QUIET,
            (Service::UploadPack, true) | (Service::ReceivePack, _) => QUIET,
        }
    }
}

impl Commands {
    fn read(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let [octet, after @ ..] = rest {
            if self.has_ended {
                self.pack_octets += rest.len() as u64;
                return;
            }
            if self.left_of_line > 0 {
                let taken = self.left_of_line.min(rest.len());
                self.left_of_line -= taken;
                rest = rest.get(taken..).unwrap_or_default();
                continue;
            }
            self.length.push(*octet);
            rest = after;
            if let Ok(length) = <[u8; LENGTH_OCTETS]>::try_from(self.length.as_slice()) {
                self.length.clear();
                match line_octets(length) {
                    Some(octets) => self.left_of_line = octets - LENGTH_OCTETS,
                    // A flush; or what git will not understand either.
                    None => self.has_ended = true,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_waits_for_its_refresh_and_then_for_nothing() {
        let mut phase = Phase::of(Service::UploadPack);
        assert_eq!(phase.quiet(), REFRESH_QUIET);
        phase.sent(b"0000");
        assert_eq!(phase.quiet(), REFRESH_QUIET);
        phase.answered();
        assert_eq!(phase.quiet(), QUIET);
    }

    #[test]
    fn a_push_may_be_quiet_between_refs_and_pack_alone() {
        let sent = b"0009hello0005x0000PACK";
        // However it is cut.
        for size in 1..=sent.len() {
            let mut phase = Phase::of(Service::ReceivePack);
            assert_eq!(phase.quiet(), QUIET);
            phase.answered();
            assert_eq!(phase.quiet(), ADVERTISED_QUIET);
            for piece in sent[..sent.len() - 4].chunks(size) {
                phase.sent(piece);
            }
            assert_eq!((phase.quiet(), phase.pack_octets()), (ADVERTISED_QUIET, 0));
            phase.sent(b"PACK");
            assert_eq!((phase.quiet(), phase.pack_octets()), (QUIET, 4));
        }
    }
}
