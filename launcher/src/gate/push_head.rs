//! Where in a push the pack begins: after the commands, which are pkt-lines up to a flush.
//! <https://git-scm.com/docs/gitprotocol-pack#_reference_update_request_and_packfile_transfer>

use super::request::{LENGTH_OCTETS, payload_octets};

const FLUSH: [u8; LENGTH_OCTETS] = *b"0000";

/// Reads what a client sends, however it is cut.
#[derive(Debug)]
pub(super) struct PushHead {
    part: Part,
    /// What the client says that it knows, behind the first command's NUL.
    capabilities: Option<Vec<u8>>,
    /// Push options follow the commands, up to a flush of their own.
    options: bool,
}

#[derive(Debug)]
enum Part {
    /// So many digits of a length.
    Length([u8; LENGTH_OCTETS], usize),
    /// A payload, and how many octets of it are missing. It is kept until the capabilities
    /// are known.
    Payload(Vec<u8>, usize),
    /// The pack.
    Pack,
}

impl PushHead {
    pub(super) fn new() -> PushHead {
        PushHead {
            part: Part::Length(FLUSH, 0),
            capabilities: None,
            options: false,
        }
    }

    /// Reads on. Gives how many octets were the head's; the rest is the pack's.
    pub(super) fn read(&mut self, octets: &[u8]) -> usize {
        let mut read = 0;
        while let Some(&octet) = octets.get(read) {
            match &mut self.part {
                Part::Pack => return read,
                Part::Length(digits, count) => {
                    digits[*count] = octet;
                    *count += 1;
                    read += 1;
                    if *count == LENGTH_OCTETS {
                        let digits = *digits;
                        self.length(digits);
                    }
                }
                Part::Payload(kept, missing) => {
                    let taken = (*missing).min(octets.len() - read);
                    if self.capabilities.is_none() {
                        kept.extend_from_slice(&octets[read..read + taken]);
                    }
                    *missing -= taken;
                    read += taken;
                    if *missing == 0 {
                        self.payload();
                    }
                }
            }
        }
        read
    }

    /// Has the pack begun, or can it at any moment?
    pub(super) fn is_over(&self) -> bool {
        matches!(self.part, Part::Pack)
    }

    /// Does the client take progress and error texts beside the answer?
    pub(super) fn has_side_band(&self) -> bool {
        self.has(b"side-band-64k")
    }

    fn has(&self, capability: &[u8]) -> bool {
        let known = self.capabilities.as_deref().unwrap_or_default();
        known
            .split(u8::is_ascii_whitespace)
            .any(|word| word == capability)
    }

    fn length(&mut self, digits: [u8; LENGTH_OCTETS]) {
        let next = Part::Length(FLUSH, 0);
        self.part = match payload_octets(digits) {
            Some(0) => next,
            Some(missing) => Part::Payload(Vec::new(), missing),
            None if digits == FLUSH && !self.options && self.has(b"push-options") => {
                self.options = true;
                next
            }
            // The flush; or no pkt-line, which receive-pack refuses.
            None => Part::Pack,
        };
    }

    fn payload(&mut self) {
        if let Part::Payload(kept, _) = std::mem::replace(&mut self.part, Part::Length(FLUSH, 0))
            && self.capabilities.is_none()
            && let Some(nul) = memchr::memchr(0, &kept)
        {
            self.capabilities = Some(kept[nul + 1..].to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pkt(payload: &str) -> String {
        format!("{:04x}{payload}", payload.len() + LENGTH_OCTETS)
    }

    /// The length of the head, however the octets are cut.
    fn head_octets(text: &str) -> usize {
        let whole = PushHead::new().read(text.as_bytes());
        for size in [1, 3, 7] {
            let mut head = PushHead::new();
            let read: usize = text
                .as_bytes()
                .chunks(size)
                .map(|chunk| head.read(chunk))
                .sum();
            assert_eq!(read, whole, "in chunks of {size}");
        }
        whole
    }

    #[test]
    fn the_pack_begins_after_the_commands() {
        let first = pkt("0 1 refs/heads/a\0 report-status side-band-64k agent=git/2\n");
        let head = format!(
            "{}{first}{}0000",
            pkt("shallow 12"),
            pkt("0 2 refs/heads/b")
        );
        assert_eq!(head_octets(&format!("{head}PACK0000")), head.len());
        let mut read = PushHead::new();
        read.read(&head.as_bytes()[..head.len() - 1]);
        assert!(!read.is_over());
        read.read(b"0");
        assert!(read.is_over() && read.has_side_band());
    }

    #[test]
    fn push_options_are_between_them() {
        let first = pkt("0 1 refs/heads/a\0 push-options\n");
        let head = format!("{first}0000{}0000", pkt("ci.skip"));
        assert_eq!(head_octets(&format!("{head}PACK")), head.len());
        // Named in a ref, they are none.
        let head = format!("{}0000", pkt("0 1 refs/heads/push-options\0 atomic\n"));
        assert_eq!(head_octets(&format!("{head}PACK")), head.len());
    }

    #[test]
    fn what_is_no_pkt_line_has_no_head_to_wait_for() {
        assert_eq!(head_octets("GET / HTTP/1.1"), LENGTH_OCTETS);
        assert_eq!(head_octets("0000"), LENGTH_OCTETS);
    }
}
