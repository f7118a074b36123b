//! git push over smart HTTP: nothing that any reader takes for one leaves.
//!
//! The input is lines, each what follows a route's path in a request-target.

use crate::forwarded::{self, Refused};
use crate::{input, readings};
use engine::policy::Denial;
use engine::route::RouteTable;
use std::sync::LazyLock;

const SERVICE: &[u8] = b"git-receive-pack";
const TARGETS: usize = 4;
/// Enough for some nested escapes; the readings of a path grow with it.
const TARGET_OCTETS: usize = 160;

/// One with a base path, for there a suffix may begin with anything.
static TABLE: LazyLock<RouteTable> = LazyLock::new(|| {
    let routes = [
        ("/a/", "https://git.example"),
        ("/b/", "https://git.example/o"),
    ];
    let routes = routes.map(|(path, upstream)| forwarded::route(path, upstream, "t"));
    forwarded::table(routes.into_iter().flatten().collect())
});

/// Asserts for each target that a push is refused, whichever of its readings is one, and
/// that nothing is refused as a push that has neither word of it.
pub fn run(input: &[u8]) {
    for suffix in input::lines(input).take(TARGETS) {
        let suffix = &suffix[..suffix.len().min(TARGET_OCTETS)];
        for start in ["GET /a/", "POST /b/"] {
            let head = [b"\n", start.as_bytes(), suffix, b" HTTP/1.1\nHost: a"].concat();
            let Some(head) = input::request(&input::head("", &head)) else {
                continue;
            };
            let answer = forwarded::send(&TABLE, &head, None);
            let shown = suffix.escape_ascii();
            match &answer {
                Ok(_) => assert!(!is_push(suffix), "{start}{shown} is a push and has left"),
                Err(Refused::Denied(Denial::Push { .. })) => {
                    assert!(could_be_push(suffix), "{start}{shown} is no push");
                }
                Err(refused) => {
                    let is_plain = suffix
                        .iter()
                        .all(|o| o.is_ascii_alphanumeric() || *o == b'/');
                    let may_fail = !is_plain || suffix.starts_with(b"/");
                    assert!(may_fail, "{start}{shown}: {refused:?}");
                }
            }
        }
    }
}

/// The contract's §3 for every reading: the last name is `git-receive-pack`, or the last
/// two are `info/refs` and a `service` is that.
fn is_push(suffix: &[u8]) -> bool {
    let mut parts = suffix.splitn(2, |octet| *octet == b'?');
    let path = parts.next().unwrap_or_default();
    let query = parts.next().unwrap_or_default();
    readings::of(path).iter().any(|reading| {
        let names = reading.names();
        let is_discovery = names.ends_with(&[b"info".to_vec(), b"refs".to_vec()]);
        names.last().is_some_and(|name| name == SERVICE)
            || (is_discovery && (asks_for_push(query) || asks_for_push(&reading.query)))
    })
}

/// Decoded before it is split, after, or both, any number of times.
fn asks_for_push(query: &[u8]) -> bool {
    let rounds = readings::decoded_again_and_again(query);
    // Everybody splits at `&`, some at `;`, and some see no second query in a query.
    let marks: [&[u8]; 4] = [b"&", b"&;", b"&?#", b"&;?#"];
    let mut parameters = rounds.iter().flat_map(|query| {
        let split = |marks: &'static [u8]| query.split(|octet| marks.contains(octet));
        marks.into_iter().flat_map(split)
    });
    parameters.any(|parameter| {
        let mut parts = parameter.splitn(2, |octet| *octet == b'=');
        let mut part = || word(&readings::decoded(parts.next().unwrap_or_default()));
        let (mut name, value) = (part(), part());
        // PHP and Rack: a part of an array.
        if let Some(bracket) = name.iter().position(|octet| *octet == b'[') {
            name.truncate(bracket);
        }
        name == b"service" && value == SERVICE
    })
}

/// Lower case, up to a NUL, without white space around it (`+` is a space).
fn word(octets: &[u8]) -> Vec<u8> {
    let end = octets.iter().position(|octet| *octet == 0);
    let text = octets[..end.unwrap_or(octets.len())].to_ascii_lowercase();
    let spaces = text
        .iter()
        .map(|octet| if *octet == b'+' { b' ' } else { *octet });
    spaces.collect::<Vec<u8>>().trim_ascii().to_vec()
}

fn could_be_push(suffix: &[u8]) -> bool {
    let decoded = readings::decoded(suffix).to_ascii_lowercase();
    decoded.windows(SERVICE.len()).any(|part| part == SERVICE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    #[test]
    fn no_seed_gets_a_push_through() {
        seeds::run_all("push", run);
    }

    /// A reader that saw no push would let all of them through.
    #[test]
    fn the_naive_reader_sees_pushes() {
        for push in [
            "o/r.git/git-receive-pack",
            "o/r.git/GIT%252Dreceive-pack;x%2Fy/",
            "o/r.git/info/refs?a&service=git%2Dreceive-pack",
            "o/r.git/info%2Frefs%3Fservice=git-receive-pack",
            "o/r.git/git%u002Dreceive-pack",
        ] {
            assert!(is_push(push.as_bytes()), "{push}");
        }
        for other in [
            "o/r.git/info/refs?service=git-upload-pack",
            "a?git-receive-pack",
        ] {
            assert!(!is_push(other.as_bytes()), "{other}");
        }
    }
}
