//! The search for tokens in everything that leaves the proxy on the agent's side and
//! in its log: plain, percent-encoded, and in base64.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;

/// One rendering of a token that must not be found.
struct Needle {
    octets: Vec<u8>,
    what: String,
}

/// The tokens of one proxy, and what was found of them.
pub struct Leaks {
    needles: Vec<Needle>,
    longest: usize,
    found: Mutex<Vec<String>>,
}

impl Leaks {
    /// A search for all renderings of `tokens`.
    pub fn of<T: AsRef<str>>(tokens: &[T]) -> Arc<Leaks> {
        let needles: Vec<Needle> = tokens
            .iter()
            .map(AsRef::as_ref)
            .filter(|token| !token.is_empty())
            .flat_map(renderings)
            .collect();
        let longest = needles.iter().map(|n| n.octets.len()).max().unwrap_or(0);
        Arc::new(Leaks {
            needles,
            longest,
            found: Mutex::new(Vec::new()),
        })
    }

    /// Every rendering that is searched for.
    pub fn renderings(&self) -> impl Iterator<Item = &[u8]> {
        self.needles.iter().map(|needle| needle.octets.as_slice())
    }

    /// A reader of one stream of octets, named `place` in a failure.
    pub fn stream(self: &Arc<Leaks>, place: impl Into<String>) -> Scan {
        Scan {
            leaks: Arc::clone(self),
            place: place.into(),
            tail: Vec::new(),
        }
    }

    /// What was found so far, a sentence each.
    pub fn found(&self) -> Vec<String> {
        self.found.lock().unwrap().clone()
    }

    /// Fails if anything was found.
    pub fn assert_none(&self) {
        let found = self.found();
        assert!(found.is_empty(), "credential leaked: {found:#?}");
    }
}

/// A search that goes on from piece to piece of one stream, so that a token cut in
/// two by a read is found all the same.
pub struct Scan {
    leaks: Arc<Leaks>,
    place: String,
    tail: Vec<u8>,
}

impl Scan {
    /// Looks at the next octets of the stream.
    pub fn feed(&mut self, octets: &[u8]) {
        self.tail.extend_from_slice(octets);
        for needle in &self.leaks.needles {
            if memmem::find(&self.tail, &needle.octets).is_some() {
                let place = &self.place;
                let report = format!("{} in {place}", needle.what);
                self.leaks.found.lock().unwrap().push(report);
            }
        }
        let keep = self.leaks.longest.saturating_sub(1).min(self.tail.len());
        self.tail.drain(..self.tail.len() - keep);
    }
}

fn renderings(token: &str) -> Vec<Needle> {
    let mut needles = vec![
        Needle {
            octets: token.as_bytes().to_vec(),
            what: format!("{token:?} as it is"),
        },
        Needle {
            octets: token.bytes().flat_map(|b| percent(b, true)).collect(),
            what: format!("{token:?}, every octet percent-encoded"),
        },
        Needle {
            octets: token.bytes().flat_map(|b| percent(b, false)).collect(),
            what: format!("{token:?}, every octet percent-encoded in lower case"),
        },
        Needle {
            octets: token.bytes().flat_map(form_encoded).collect(),
            what: format!("{token:?}, percent-encoded where needed"),
        },
    ];
    for before in 0..3 {
        // Only whole groups of three octets are independent of what stands around.
        let skip = (3 - before) % 3;
        let whole = token.len().saturating_sub(skip) / 3 * 3;
        if whole < 6 {
            continue;
        }
        let octets = &token.as_bytes()[skip..skip + whole];
        for (alphabet, text) in [
            ("base64", STANDARD_NO_PAD.encode(octets)),
            ("base64url", URL_SAFE_NO_PAD.encode(octets)),
        ] {
            needles.push(Needle {
                octets: text.into_bytes(),
                what: format!("{token:?} in {alphabet} after {before} octets"),
            });
        }
    }
    needles
}

fn percent(octet: u8, upper: bool) -> Vec<u8> {
    match upper {
        true => format!("%{octet:02X}").into_bytes(),
        false => format!("%{octet:02x}").into_bytes(),
    }
}

fn form_encoded(octet: u8) -> Vec<u8> {
    match octet {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => vec![octet],
        _ => percent(octet, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    const TOKEN: &str = "tok+en/with=odd~characters";

    fn finds(haystack: &[u8]) -> bool {
        let leaks = Leaks::of(&[TOKEN]);
        let mut scan = leaks.stream("test");
        for octet in haystack {
            scan.feed(&[*octet]);
        }
        !leaks.found().is_empty()
    }

    #[test]
    fn a_token_is_found_plain_and_percent_encoded() {
        assert!(finds(format!("x{TOKEN}y").as_bytes()));
        assert!(finds(b"tok%2Ben%2Fwith%3Dodd~characters"));
        let all: String = TOKEN.bytes().map(|b| format!("%{b:02x}")).collect();
        assert!(finds(all.as_bytes()));
    }

    #[test]
    fn a_token_is_found_in_base64_at_every_alignment() {
        for user in ["", "a", "ab", "abc", "abcd", "x-access-token"] {
            let basic = STANDARD.encode(format!("{user}:{TOKEN}:more"));
            assert!(finds(basic.as_bytes()), "{user}");
            let basic = STANDARD.encode(format!("{user}:{TOKEN}"));
            assert!(finds(basic.as_bytes()), "{user} at the end");
        }
    }

    #[test]
    fn other_octets_are_no_leak() {
        assert!(!finds(b"tok+en/with=odd~character"));
        assert!(!finds(STANDARD.encode("tok+en/with=odd").as_bytes()));
    }
}
