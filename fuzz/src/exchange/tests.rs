//! The committed scripts, and what comes of each.

use std::fs;
use std::path::Path;

use super::outcome;
use crate::seeds;

/// Name; what reached an upstream, `!` behind a request whose body was cut; the final
/// statuses that the client got, `!` behind one whose body is cut.
#[rustfmt::skip]
const OUTCOMES: &[(&str, &str, &str)] = &[
    ("absolute-form", "GET 200", "200"),
    ("bare-cr-and-nul", "", "400"),
    ("bare-lf-in-field", "", "400"),
    ("chunk-size-tricks", "", "400"),
    ("chunked-both-ways", "POST 200", "200"),
    ("chunked-cut-short", "GET 200", "200!"),
    ("chunked-cut-short-to-http10", "GET 200", "200!"),
    ("chunked-gone-bad", "GET 200", "502"),
    ("cl-cl", "", "400"),
    ("cl-te", "", "400"),
    ("cl-te-answer", "GET", "502"),
    ("client-leaves", "GET 200", "200!"),
    ("client-that-takes-nothing", "GET 200", ""),
    ("close-delimited", "GET 200, GET 200", "200 200"),
    ("close-delimited-broken", "GET 200", "200!"),
    ("close-delimited-broken-to-http10", "GET 200", "200!"),
    ("connection-names-the-length", "POST 200", "200"),
    ("credential-that-is-a-field-name", "GET 200", "200"),
    ("credential-that-is-our-own-tail", "GET 200", "200"),
    ("credentials-of-every-name", "GET 200", "200"),
    ("dead-pooled-get-pipelined", "GET 200, GET, GET 200", "200 200"),
    ("dead-pooled-post", "GET 200, POST", "200 502"),
    ("dead-pooled-replaced", "GET 200, GET, GET 200", "200 200"),
    ("early-answer", "POST! 413", "413"),
    ("early-answer-that-is-well", "POST! 200", "200"),
    ("expect-answered-at-once", "POST 200, GET 200", "200 200"),
    ("expect-continue", "PUT 200", "200"),
    ("expect-not-awaited", "POST 200, GET 200", "200 200"),
    ("get", "GET 200", "200"),
    ("head", "HEAD 200, GET 200", "200 200"),
    ("interim-flood", "GET 200", "502"),
    ("interim-responses", "GET 200, GET 200", "200 200"),
    ("keep-alive-http10", "GET 200, GET 200", "200 200"),
    ("large-bodies-and-narrow-peers", "PUT 200", "200"),
    ("left-over-octets", "GET 200, GET 200", "200 200"),
    ("left-over-octets-before-a-write", "GET, HEAD 200, POST", "502 200 504"),
    ("left-over-octets-late", "GET 200, GET 200", "200 200"),
    ("left-over-octets-unread", "GET 200, GET 200", "200 200"),
    ("length-cut-short", "GET 200", "200!"),
    ("no-content-and-not-modified", "GET 204, GET 304, GET 200", "204 304 200"),
    ("length-beyond-all-bodies", "PUT!", "502"),
    ("pipelining", "GET 200, HEAD 200, POST 200", "200 200 200"),
    ("refusals", "OPTIONS 200", "403 400 403 405 404 204 200 400"),
    ("routes-do-not-mix", "GET 200, GET 200, GET 200, GET 200", "200 200 200 200"),
    ("slow-body", "POST!", "408"),
    ("slow-head", "", "408"),
    ("te-obs-fold", "", "400"),
    ("te-space-before-colon", "", "400"),
    ("te-te", "", "501"),
    ("token-in-the-answer", "GET 200", "200"),
    ("too-large-heads", "GET 200", "200 431"),
    ("tunnel-that-says-a-credential", "GET 101", "101"),
    ("upgrade", "GET 101", "101"),
    ("upgrade-not-allowed", "GET 101, GET 200", "502 200"),
    ("upstream-refused", "GET 200", "502 200"),
    ("upstream-that-takes-nothing", "GET 200", "200 504"),
    ("via-of-our-own", "", "508 417"),
];

/// An oracle before which nothing happens would never be wrong.
#[test]
fn every_script_does_what_its_name_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/exchange");
    assert_eq!(
        fs::read_dir(&folder).expect("a folder").count(),
        OUTCOMES.len()
    );
    for (name, forwarded, received) in OUTCOMES {
        let script = fs::read(folder.join(name)).expect("a script");
        let found = outcome(&script);
        let found = (found.forwarded.join(", "), found.received.join(" "));
        let told = (found.0.as_str(), found.1.as_str());
        assert_eq!(told, (*forwarded, *received), "{name}");
    }
}

#[test]
fn scripts_and_their_beginnings_end_as_they_may() {
    seeds::run_all("exchange", super::run);
}
