//! What a push is told that is larger than it may be. git's own words say how much may come, and
//! not whose rule that is.

use super::push_head::PushHead;
use super::request::{LENGTH_OCTETS, payload_octets};

/// Octets of a MiB.
const MIB: u64 = 1024 * 1024;

/// Side-band 2 carries what is shown to a person.
const PROGRESS: u8 = 2;

/// Watches the size of one push.
#[derive(Debug)]
pub(super) struct Oversize {
    most_octets: u64,
    sentence: String,
    head: PushHead,
    pack_octets: u64,
    answer: Lines,
    is_told: bool,
}

/// Knows where a pkt-line begins.
#[derive(Debug, Default)]
struct Lines {
    length: Vec<u8>,
    missing: usize,
}

impl Oversize {
    /// That of a push to `repository`, whose pack may have so many MiB.
    pub(super) fn of(repository: &str, max_push_mib: u32) -> Oversize {
        Oversize {
            most_octets: u64::from(max_push_mib) * MIB,
            sentence: format!(
                "bottle-gate: this push has more than {max_push_mib} MiB; git_gate.repos.{repository}.max_push_mib says how much it may have\n"
            ),
            head: PushHead::new(),
            pack_octets: 0,
            answer: Lines::default(),
            is_told: false,
        }
    }

    /// These octets came from the client.
    pub(super) fn client_sent(&mut self, octets: &[u8]) {
        let of_pack = octets.len() - self.head.read(octets);
        self.pack_octets += of_pack as u64;
    }

    /// These octets came from git. Gives the pkt-line that the client is told before them, once.
    pub(super) fn server_sent(&mut self, octets: &[u8]) -> Option<Vec<u8>> {
        let may_begin = self.answer.is_between();
        self.answer.read(octets);
        let is_due = self.pack_octets > self.most_octets && !self.is_told;
        if !(is_due && may_begin && self.head.is_over() && self.head.has_side_band()) {
            return None;
        }
        self.is_told = true;
        let octets = self.sentence.len() + LENGTH_OCTETS + 1;
        let mut line = format!("{octets:04x}").into_bytes();
        line.push(PROGRESS);
        line.extend_from_slice(self.sentence.as_bytes());
        Some(line)
    }
}

impl Lines {
    /// Whether a pkt-line has ended and no other begun.
    fn is_between(&self) -> bool {
        self.length.is_empty() && self.missing == 0
    }

    fn read(&mut self, mut octets: &[u8]) {
        while let [octet, rest @ ..] = octets {
            if self.missing > 0 {
                let passed = self.missing.min(octets.len());
                self.missing -= passed;
                octets = &octets[passed..];
                continue;
            }
            self.length.push(*octet);
            octets = rest;
            if let Ok(length) = <[u8; LENGTH_OCTETS]>::try_from(self.length.as_slice()) {
                self.length.clear();
                self.missing = payload_octets(length).unwrap_or(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(capabilities: &str, pack_octets: u64) -> Oversize {
        let mut oversize = Oversize::of("app", 1);
        let command = format!("0 1 refs/heads/a\0 {capabilities}");
        let head = format!("{:04x}{command}0000", command.len() + LENGTH_OCTETS);
        oversize.client_sent(head.as_bytes());
        let pack = usize::try_from(pack_octets).expect("a pack of a test");
        oversize.client_sent(&vec![0; pack]);
        oversize
    }

    #[test]
    fn a_push_past_its_bound_is_told_whose_rule_it_is_once_and_between_two_lines() {
        let mut at_bound = push("report-status side-band-64k", MIB);
        assert_eq!(at_bound.server_sent(b"0006\x02x"), None);

        let mut past = push("report-status side-band-64k", MIB + 1);
        assert_eq!(past.server_sent(b"").map(|line| line[4]), Some(PROGRESS));
        assert_eq!(past.server_sent(b"0006\x02x"), None, "twice");

        let mut in_line = push("report-status side-band-64k", 0);
        assert_eq!(in_line.server_sent(b"00000008\x02x"), None);
        in_line.client_sent(&vec![0; usize::try_from(MIB + 1).expect("a MiB")]);
        assert_eq!(in_line.server_sent(b"yz"), None, "within a line");
        let told = in_line.server_sent(b"0006\x02x").expect("between two");
        let text = String::from_utf8(told).expect("text");
        assert!(text.contains("git_gate.repos.app.max_push_mib"), "{text}");
        let octets = usize::from_str_radix(&text[..4], 16).expect("a length");
        assert_eq!(octets, text.len());
    }

    #[test]
    fn who_takes_no_progress_is_told_none() {
        let mut plain = push("report-status", MIB + 1);
        assert_eq!(plain.server_sent(b"0006ok"), None);
    }
}
