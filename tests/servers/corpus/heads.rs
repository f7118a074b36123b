//! Heads that two recipients read as two: line ends, white space, names, targets, Host.

use super::Fate::{Forwarded, Refused};
use super::{Corpus, SMUGGLED, get, head, post, sized};

const LINE_ENDS: &[&str] = &[
    "GET /api/x HTTP/1.1\nHost: a\r\n\r\n",
    "GET /api/x HTTP/1.1\r\nHost: a\n\r\n",
    "GET /api/x HTTP/1.1\r\nHost: a\r\n\n",
    "GET /api/x HTTP/1.1\nHost: a\n\n",
    "GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n",
    "GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\n\nGET /api/evil HTTP/1.1\r\nHost: a\r\n\r\n",
    "\nGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\n\r\nGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
];

const BARE_CR: &[&str] = &[
    "GET /api/x\rHTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /api/x HTTP/1.1\rHost: a\r\n\r\n",
    "GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n",
    "GET /api/x HTTP/1.1\r\nHost: a\r\nX\r: a\r\n\r\n",
    "\rGET /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
];

const NUL: &[&str] = &[
    "GET /api/x HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "GET /api/x HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    "GET /api/x HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n",
    "GET /api/\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "G\0T /api/x HTTP/1.1\r\nHost: a\r\n\r\n",
];

const NAMES: &[&str] = &[
    "X : a\r\n",
    "X\t: a\r\n",
    ": a\r\n",
    "no colon\r\n",
    "Nocolon\r\n",
    "a@b: c\r\n",
    "\u{e9}: c\r\n",
    "X\"Y: c\r\n",
    "X(Y): c\r\n",
    "X Y: c\r\n",
    "X\u{7f}: c\r\n",
    "X: c\u{8}\r\n",
];

const FOLDS: &[&str] = &[
    "X: a\r\n b\r\n",
    "X: a\r\n\tb\r\n",
    "X: a\r\n \r\n",
    " X: a\r\n",
    "\tX: a\r\n",
];

const REQUEST_LINES: &[&[u8]] = &[
    b"GET  /api/x HTTP/1.1",
    b"GET /api/x  HTTP/1.1",
    b"GET\t/api/x HTTP/1.1",
    b" GET /api/x HTTP/1.1",
    b"GET /api/x y HTTP/1.1",
    b"GET",
    b"G@T /api/x HTTP/1.1",
    b"G\xc9T /api/x HTTP/1.1",
    b"GET api/x HTTP/1.1",
    b"GET  HTTP/1.1",
    b"GET * HTTP/1.1",
    b"GET a:80 HTTP/1.1",
    b"GET /api/\xa0 HTTP/1.1",
    b"GET /api/x\x0cHTTP/1.1",
    b"GET /api/x#f HTTP/1.1",
    b"HTTP/1.1 200 OK",
    b"PRI * HTTP/2.0",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
];

const HOSTS: &[&str] = &[
    "",
    "Host: a\r\nHost: a\r\n",
    "Host: a\r\nhost: b\r\n",
    "Host: a, b\r\n",
    "Host: a b\r\n",
    "Host: a/b\r\n",
    "Host: user@a\r\n",
    "Host: a:port\r\n",
    "Host: [::1\r\n",
    "Host : a\r\n",
];

const ABSOLUTE: &[&str] = &[
    "http://user@one.test/api/x",
    "http:///api/x",
    "ftp://one.test/api/x",
    "http:/api/x",
    "http://one.test:port/api/x",
];

/// Understood, and not to be forwarded: the connection goes on.
const POLICY: &[(&str, &str)] = &[
    ("GET", "/none"),
    ("TRACE", "/api/x"),
    ("BREW", "/api/x"),
    ("get", "/api/x"),
    ("GET", "/api//x"),
    ("GET", "/api/../x"),
    ("GET", "/api/%2e%2e/x"),
    ("GET", "/api/x/..;/y"),
    ("GET", "/api/x%00y"),
    ("GET", "/api/%0d%0aX:%20y"),
];

pub(super) fn add(corpus: &mut Corpus) {
    for (family, rows) in [("bare LF", LINE_ENDS), ("bare CR", BARE_CR), ("NUL", NUL)] {
        for octets in rows {
            corpus.refused(family, (*octets).to_owned() + SMUGGLED);
        }
    }
    for (family, sections) in [("field names", NAMES), ("folding", FOLDS)] {
        for fields in sections {
            corpus.refused(family, get(fields) + SMUGGLED);
        }
    }
    for line in REQUEST_LINES {
        let octets = [*line, b"\r\nHost: a\r\n\r\n", SMUGGLED.as_bytes()].concat();
        corpus.refused("request lines", octets);
    }
    for fields in HOSTS {
        let octets = format!("GET /api/x HTTP/1.1\r\n{fields}\r\n{SMUGGLED}");
        corpus.refused("absolute-form against Host", octets);
    }
    for target in ABSOLUTE {
        let octets = head("GET", target, "") + SMUGGLED;
        corpus.refused("absolute-form against Host", octets);
    }
    for (method, target) in POLICY {
        corpus.add("policy", head(method, target, ""), &[Refused]);
        let octets = sized(method, SMUGGLED).replacen("/api/sized", target, 1);
        corpus.add("policy", octets, &[Refused]);
    }
    for fields in ["X-Original-URL: /evil\r\n", "X-Rewrite-URL: /evil\r\n"] {
        corpus.add(
            "policy",
            get(fields) + SMUGGLED,
            &[Refused, Forwarded("GET")],
        );
    }
    own_answers(corpus);
    too_large(corpus);
}

fn own_answers(corpus: &mut Corpus) {
    let tunnel = "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n";
    corpus.refused("policy", tunnel.to_owned() + SMUGGLED);
    let options = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
    corpus.add("OPTIONS *", options, &[Refused]);
    let mixed = get("") + &head("TRACE", "/api/x", "") + &sized("POST", SMUGGLED);
    let fates = [Forwarded("GET"), Refused, Forwarded("POST")];
    corpus.add("pipelining", mixed, &fates);
    for value in ["100-continue, x", "x 100-continue", "y"] {
        let fields = format!("Expect: {value}\r\nContent-Length: 5\r\n");
        let octets = post(&fields, "hello") + SMUGGLED;
        corpus.add("Expect", octets, &[Refused, Forwarded("GET")]);
    }
    let fields = "Expect: \u{b}100-continue\r\nContent-Length: 5\r\n";
    corpus.refused_posts("Expect", &[fields], "hello");
}

fn too_large(corpus: &mut Corpus) {
    let target = format!("/api/{}", "x".repeat(70_000));
    corpus.refused("limits", head("GET", &target, "") + SMUGGLED);
    let long = format!("X: {}\r\n", "y".repeat(70_000));
    corpus.refused("limits", get(&long) + SMUGGLED);
    corpus.refused("limits", get(&"X: y\r\n".repeat(300)) + SMUGGLED);
}
