//! What the tests of this room share: rows that run in every way in which input can
//! arrive, and a generator that always generates the same.

use std::fmt::Debug;

use super::{Fault, HeadLimits, HeadScan, HeadStorage, RequestHead, ResponseHead};
use crate::limits::Limits;

/// Runs each row `(sentence, input, expected)` whole, octet by octet, and cut in two at
/// every place.
pub(super) fn check<T: PartialEq + Debug>(rows: &[(&str, &[u8], T)], run: impl Fn(&[&[u8]]) -> T) {
    for (sentence, input, expected) in rows {
        for pieces in ways(input) {
            let found = run(&pieces);
            let sizes: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
            assert_eq!(&found, expected, "{sentence}; pieces of {sizes:?} octets");
        }
    }
}

/// The input whole, octet by octet, and cut in two at every place.
pub(super) fn ways(input: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let cuts = (1..input.len()).map(|at| vec![&input[..at], &input[at..]]);
    [vec![input], input.chunks(1).collect()]
        .into_iter()
        .chain(cuts)
}

/// What a scan says in the end of octets that come in pieces.
pub(super) fn scan(pieces: &[&[u8]], limits: &HeadLimits) -> Result<Option<usize>, Fault> {
    let mut scan = HeadScan::default();
    let mut unread = Vec::new();
    for piece in pieces {
        unread.extend_from_slice(piece);
        if let Some(end) = scan.scan(&unread, limits)? {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

/// The head at the start of the pieces, which must hold a whole one or a fault.
fn head(pieces: &[&[u8]], limits: &HeadLimits) -> Result<HeadStorage, Fault> {
    let mut block = pieces.concat();
    let end = scan(pieces, limits)?.expect("a whole head");
    block.truncate(end);
    let lines = Vec::new();
    Ok(HeadStorage { block, lines })
}

pub(super) fn request(pieces: &[&[u8]]) -> Result<RequestHead, Fault> {
    let limits = HeadLimits::request(&Limits::default());
    head(pieces, &limits).and_then(RequestHead::parse)
}

pub(super) fn response(pieces: &[&[u8]]) -> Result<ResponseHead, Fault> {
    let limits = HeadLimits::response(&Limits::default());
    head(pieces, &limits).and_then(ResponseHead::parse)
}

/// A request with a `Host` and these field lines, each with its CRLF.
pub(super) fn request_octets(request_line: &str, lines: &str) -> Vec<u8> {
    format!("{request_line}\r\nHost: a\r\n{lines}\r\n").into_bytes()
}

/// A response with these field lines, each with its CRLF.
pub(super) fn response_octets(status_line: &str, lines: &str) -> Vec<u8> {
    format!("{status_line}\r\n{lines}\r\n").into_bytes()
}

/// xorshift64: small, seeded, the same on every machine.
pub(super) struct Generator(u64);

impl Generator {
    pub(super) fn seeded(seed: u64) -> Generator {
        Generator(seed.max(1))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Changes, inserts, removes or doubles an octet; now and then leaves all as it is.
    pub(super) fn damage(&mut self, octets: &mut Vec<u8>) {
        const TELLING: &[u8] = b"\r\n\0\t \x0b\x7f:;,\"\\=/*?#@[]019afgGx%\x80\xff";
        if octets.is_empty() {
            return;
        }
        let at = self.below(octets.len());
        let octet = TELLING[self.below(TELLING.len())];
        match self.below(6) {
            0 => {}
            1 => octets[at] = octet,
            2 => octets.insert(at, octet),
            3 => drop(octets.remove(at)),
            4 => octets.insert(at, octets[at]),
            _ => octets.truncate(at),
        }
    }
}
