//! What services and the programs in front of them make of a path: one decodes it, the
//! next cuts parameters off, a third decodes it again. Found by doing it, in every order.

use std::collections::BTreeSet;

/// Of one path. A bound on work, not on what is tested: a path with more is odd enough.
const READINGS: usize = 500;

/// A path as somebody reads it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Reading {
    /// The separators that this reader knows are `/`.
    pub(crate) path: Vec<u8>,
    /// What this reader found behind a `?` in the path, if one did.
    pub(crate) query: Vec<u8>,
}

impl Reading {
    /// The names in it: lower case, without the spaces and dots at their end that some
    /// file systems drop; empty ones left out.
    pub(crate) fn names(&self) -> Vec<Vec<u8>> {
        let names = self.path.split(|octet| *octet == b'/').map(|name| {
            let tail = name.iter().rposition(|octet| !matches!(octet, b' ' | b'.'));
            name[..tail.map_or(0, |last| last + 1)].to_ascii_lowercase()
        });
        names.filter(|name| !name.is_empty()).collect()
    }

    /// Whether a segment is `.` or `..`, also if spaces have to be dropped for that.
    pub(crate) fn has_dot_segment(&self) -> bool {
        self.path.split(|octet| *octet == b'/').any(|segment| {
            let segment: Vec<u8> = segment.iter().copied().filter(|o| *o != b' ').collect();
            matches!(&segment[..], b"." | b"..")
        })
    }

    fn next(&self) -> [Reading; 5] {
        let with_path = |path: Vec<u8>| Reading {
            path,
            query: self.query.clone(),
        };
        let slashes = self.path.iter().map(|octet| match octet {
            b'\\' => b'/',
            other => *other,
        });
        let bare = self
            .path
            .split(|octet| *octet == b'/')
            .map(|segment| segment.split(|octet| *octet == b';').next());
        let bare: Vec<&[u8]> = bare.map(Option::unwrap_or_default).collect();
        let mark = |octet: &u8| matches!(octet, b'?' | b'#');
        let cut = match self.path.iter().position(mark) {
            Some(at) if self.path[at] == b'?' => Reading {
                path: self.path[..at].to_vec(),
                query: [&self.path[at + 1..], b"&", &self.query].concat(),
            },
            Some(at) => with_path(self.path[..at].to_vec()),
            None => self.clone(),
        };
        [
            with_path(decoded_once(&self.path)),
            with_path(units_decoded_once(&self.path)),
            with_path(slashes.collect()),
            with_path(bare.join(&b'/')),
            cut,
        ]
    }
}

/// All readings of a path, itself among them.
pub(crate) fn of(path: &[u8]) -> BTreeSet<Reading> {
    let first = Reading {
        path: path.to_vec(),
        query: Vec::new(),
    };
    let mut found = BTreeSet::from([first.clone()]);
    let mut unseen = vec![first];
    while let Some(reading) = unseen.pop() {
        for next in reading.next() {
            if found.len() < READINGS && found.insert(next.clone()) {
                unseen.push(next);
            }
        }
    }
    found
}

/// Every `%` with two hex digits behind it becomes the octet it stands for, once.
pub(crate) fn decoded_once(octets: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = octets;
    while let [first, after @ ..] = rest {
        let hex = after
            .get(..2)
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let octet = hex
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(str::from_utf8(hex).ok()?, 16).ok());
        decoded.push(octet.unwrap_or(*first));
        rest = if octet.is_some() { &after[2..] } else { after };
    }
    decoded
}

/// Every `%u` with four hex digits behind it becomes the character it stands for, once: IIS.
fn units_decoded_once(octets: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = octets;
    while let [first, after @ ..] = rest {
        let hex = after
            .get(..5)
            .filter(|hex| *first == b'%' && hex[0].eq_ignore_ascii_case(&b'u'))
            .filter(|hex| hex[1..].iter().all(u8::is_ascii_hexdigit));
        let unit = hex.and_then(|hex| {
            let unit = u32::from_str_radix(str::from_utf8(&hex[1..]).ok()?, 16).ok()?;
            Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
        });
        match unit {
            Some(unit) => decoded.extend(unit.to_string().bytes()),
            None => decoded.push(*first),
        }
        rest = if unit.is_some() { &after[5..] } else { after };
    }
    decoded
}

/// What each further round of decoding makes of it, the text itself first.
pub(crate) fn decoded_again_and_again(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut rounds = vec![octets.to_vec()];
    loop {
        let last = &rounds[rounds.len() - 1];
        let next = units_decoded_once(&decoded_once(last));
        if next == *last {
            return rounds;
        }
        rounds.push(next);
    }
}

/// Decoded until that changes nothing.
pub(crate) fn decoded(octets: &[u8]) -> Vec<u8> {
    decoded_again_and_again(octets).pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that found nothing would agree with everybody.
    #[test]
    fn readings_are_found_however_they_follow_each_other() {
        for (path, reading, query) in [
            ("a%252Fb", "a/b", ""),
            ("a%5Cb", "a/b", ""),
            ("a;x%2Fy/b", "a/b", ""),
            ("a%3Bx/b", "a/b", ""),
            ("a%253Fx=1/b", "a", "x=1/b"),
            ("a%23b", "a", ""),
            ("a%5c%2e%2E", "a/..", ""),
            ("a%u002f%%5500%32e", "a/.", ""),
        ] {
            let expected = Reading {
                path: reading.into(),
                query: match query {
                    "" => Vec::new(),
                    query => [query.as_bytes(), b"&"].concat(),
                },
            };
            assert!(of(path.as_bytes()).contains(&expected), "{path}");
        }
        assert_eq!(decoded(b"%25%32%65%zz%"), b".%zz%");
        assert_eq!(decoded(b"%%75002e%u00e9%u00g0"), ".\u{e9}%u00g0".as_bytes());
        let names = |path: &str| of(path.as_bytes()).first().map(Reading::names);
        assert_eq!(names("/A//b. /."), Some(vec![b"a".to_vec(), b"b".to_vec()]));
    }
}
