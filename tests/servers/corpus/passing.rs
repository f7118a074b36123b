//! Odd requests that are no attack, or one that rewriting takes the sting from: they pass.

use super::Fate::{Ends, Forwarded, Refused};
use super::{Corpus, SMUGGLED, chunked, get, head, post, sized};

const CONNECTION: &[&str] = &[
    "Connection: host, authorization, via, te, cookie\r\n",
    "Connection: transfer-encoding\r\n",
    "Connection: X-Hop, , x-other,\r\nX-Hop: 1\r\n",
    "Connection: \"close\"\r\n",
    "Proxy-Connection: close\r\nKeep-Alive: timeout=5\r\n",
    "Connection: keep-alive\r\nConnection: content-length\r\n",
    "Connection:\r\n",
];

const UPGRADES: &[&str] = &[
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
    "Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "Upgrade: h2c\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: cGxhY2Vob2xkZXIgbm9uY2U=\r\n",
    "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
];

const FIELDS: &[&str] = &[
    "X:\r\n",
    "X: \t y \t\r\n",
    "!#$%&'*+.^`|~: 2\r\n9: 3\r\n",
    "X: a\u{85}Transfer-Encoding: chunked\r\n",
    "X: \u{a0}\u{ff}\r\n",
    "X: c\r\nx: a\r\nX: b\r\n",
    "From: a@b\r\nFrom: c@d\r\n",
    "Via: 1.0 fred, 1.1 p\r\n",
    "TE: trailers, deflate\r\n",
    "Range: bytes=0-0\r\n",
    "Accept: */*;q=0, \"GET /api/evil HTTP/1.1\"\r\n",
    "Cookie: a=b; Transfer-Encoding=chunked\r\n",
    "X-Forwarded-Host: evil\r\nForwarded: host=evil\r\n",
    "X-HTTP-Method-Override: POST\r\n",
    "Max-Forwards: 10\r\n",
    "Content-Type: a/b; c=\"\\\"\"\r\n",
];

const TARGETS: &[&str] = &[
    "/api/",
    "/api/?",
    "/api/?q=/../x",
    "/api/x//y",
    "/api/a:80",
    "/api/http://evil.test/",
    "/api/x%2Fy",
    "/api/x%20HTTP/1.1",
    "/api/~!$&'()*+,;=:@",
    "/api/x?a=b&a=c;d?e",
    "http://one.test/api/x",
    "HTTP://one.test:80/api/x?q",
    "https://one.test/api/x",
];

/// What real clients send: the seeds of the fuzz targets, their path up to the service's,
/// and a body where the seed has none.
const CLIENTS: &[(&str, &str, usize)] = &[
    (
        include_str!("../../../fuzz/seeds/request_head/codex-websocket"),
        "/openai/",
        0,
    ),
    (
        include_str!("../../../fuzz/seeds/request_head/git-get-info-refs"),
        "/git/",
        0,
    ),
    (
        include_str!("../../../fuzz/seeds/request_head/npm-get-scoped"),
        "/npm/",
        0,
    ),
    (
        include_str!("../../../fuzz/seeds/request_head/python-post-messages"),
        "/anthropic/",
        98,
    ),
    (
        include_str!("../../../fuzz/seeds/request_head/claude-absolute-form"),
        "/anthropic/",
        0,
    ),
    (
        include_str!("../../../fuzz/seeds/request_head/credentials-of-every-name"),
        "/",
        0,
    ),
];

pub(super) fn add(corpus: &mut Corpus) {
    for (family, sections) in [
        ("Connection", CONNECTION),
        ("upgrades", UPGRADES),
        ("fields that pass", FIELDS),
    ] {
        for fields in sections {
            corpus.passes(family, get(fields));
            let fields = format!("{fields}Content-Length: {}\r\n", SMUGGLED.len());
            corpus.passes(family, post(&fields, SMUGGLED));
        }
    }
    for target in TARGETS {
        corpus.passes("targets that pass", head("GET", target, ""));
    }
    let octets = head("GET", "http://one.test/api/x", "").replace("Host: a", "Host: two.test");
    corpus.passes("absolute-form against Host", octets);
    let octets = "GET /api/x HTTP/1.0\r\n\r\n".to_owned() + SMUGGLED;
    corpus.add("framing in 1.0", octets, &[Forwarded("GET"), Ends]);
    let octets = format!("\r\n{}", get(""));
    corpus.add("bare LF", octets, &[Forwarded("GET")]);
    let long = format!("X: {}\r\n", "y".repeat(6000));
    corpus.passes("limits", get(&long));
    corpus.passes(
        "limits",
        sized("POST", &"GET / HTTP/1.1\r\n\r\n".repeat(400)),
    );
    for (seed, path, body) in CLIENTS {
        let octets = seed.replacen(path, "/api/", 1) + &"x".repeat(*body);
        corpus.passes("real clients", octets);
    }
    methods(corpus);
    expectations(corpus);
    pipelines(corpus);
    truncations(corpus);
}

fn methods(corpus: &mut Corpus) {
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        corpus.passes("methods", head(method, "/api/bare", ""));
        corpus.passes(
            "methods",
            head(method, "/api/zero", "Content-Length: 0\r\n"),
        );
    }
}

fn expectations(corpus: &mut Corpus) {
    for value in ["100-continue", "100-Continue"] {
        let fields = format!("Expect: {value}\r\nContent-Length: {}\r\n", SMUGGLED.len());
        corpus.passes("Expect", post(&fields, SMUGGLED));
        let fields = format!("Expect: {value}\r\nTransfer-Encoding: chunked\r\n");
        corpus.passes("Expect", post(&fields, "5\r\nhello\r\n0\r\n\r\n"));
    }
    for method in ["GET", "HEAD"] {
        let fields = "Expect: 100-continue\r\n";
        corpus.passes("Expect", head(method, "/api/expect", fields));
    }
}

fn pipelines(corpus: &mut Corpus) {
    let five = get("").repeat(5);
    corpus.add("pipelining", five, &[Forwarded("GET"); 5]);
    let mixed = head("HEAD", "/api/1", "")
        + &sized("POST", SMUGGLED)
        + &head("HEAD", "/api/2", "")
        + &chunked("PUT", "2;a\r\nab\r\n0\r\nX: y\r\n\r\n")
        + &get("Connection: keep-alive\r\n");
    let fates = ["HEAD", "POST", "HEAD", "PUT", "GET"].map(Forwarded);
    corpus.add("pipelining", mixed, &fates);
    let spaced = format!("{}\r\n{}", get(""), sized("POST", "\r\n\r\n"));
    corpus.add("pipelining", spaced, &["GET", "POST"].map(Forwarded));
    let ending = get("Connection: close\r\n") + SMUGGLED;
    corpus.add("pipelining", ending, &[Forwarded("GET"), Ends]);
    let ending = sized("POST", "hello") + &post("Content-Length: 5, 5\r\n", "hello") + SMUGGLED;
    let fates = [Forwarded("POST"), Refused, Ends];
    corpus.add("pipelining", ending, &fates);
    // One octet more, or less, than was announced.
    let more = post("Content-Length: 4\r\n", "hello") + SMUGGLED;
    let fates = [Forwarded("POST"), Refused];
    corpus.add("pipelining", more, &fates);
    let behind = chunked("POST", "0\r\n\r\n") + "0\r\n\r\n" + SMUGGLED;
    corpus.add("pipelining", behind, &[Forwarded("POST"), Refused, Ends]);
}

fn truncations(corpus: &mut Corpus) {
    corpus.cut("truncation", "GET /api/x HTTP/1.1\r\nHost: a\r\n");
    corpus.cut("truncation", post("Content-Length: 6\r\n", "hello"));
    corpus.cut("truncation", post("Content-Length: 100000\r\n", SMUGGLED));
    corpus.cut(
        "Expect",
        post("Expect: 100-continue\r\nContent-Length: 6\r\n", "hello"),
    );
    corpus.cut("truncation", get("Content-Length: 1\r\n"));
}
