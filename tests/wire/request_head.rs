//! Section 4, the request head that the upstream receives, to the octet.

use crate::support::{OK, get, pair, passes, request, sent_upstream};
use harness::proxy::{TOKEN_ENV, bearer};
use harness::tcp_state::wait_until_read;
use harness::{Head, Peer, Proxy, TOKEN, Upstream};
use serde_json::json;

/// Compares a head with what it must be: this request line, then these lines as they
/// came and in this order, and these of the proxy's own, wherever Host and the framing
/// stand, credential and Via after all others. Nothing else, and no octet more.
fn assert_head(head: &Head, request_line: &str, kept: &[&[u8]], own: &[(&str, &str)]) {
    let text = head.octets();
    let mut lines: Vec<&[u8]> = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr(rest) {
        lines.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    assert_eq!(rest, b"");
    assert_eq!(lines.pop(), Some(&b""[..]), "the empty line");
    assert_eq!(lines.remove(0), request_line.as_bytes(), "{head:?}");
    let mut last_own = 0;
    for (name, value) in own {
        let at = lines.iter().rposition(|line| {
            let line = String::from_utf8_lossy(line);
            let (found, rest) = line.split_once(':').unwrap();
            found.eq_ignore_ascii_case(name) && rest == format!(" {value}")
        });
        let at = at.unwrap_or_else(|| panic!("{name}: {value} in {head:?}"));
        lines.remove(at);
        last_own = last_own.max(at);
    }
    assert!(last_own >= lines.len(), "own fields stand last: {head:?}");
    assert_eq!(lines, kept, "{head:?}");
}

fn memchr(octets: &[u8]) -> Option<usize> {
    octets.windows(2).position(|pair| pair == b"\r\n")
}

fn via_of(head: &Head) -> String {
    let via = head.all("via").pop().expect("Via");
    let tail = via.split_once(' ').expect("a version and a name").1;
    let random = tail.strip_prefix("cred-proxy-").expect("our pseudonym");
    let token = |c: char| c.is_ascii_alphanumeric() || c == '-';
    assert!(random.len() >= 6 && random.chars().all(token), "{via}");
    via
}

#[test]
fn a_bare_request_gets_host_credential_and_via_and_nothing_more() {
    let (upstream, proxy) = pair();
    let octets = "GET /api/x?y=%20 HTTP/1.1\r\nHost: a\r\n\r\n";
    let head = sent_upstream(&proxy, &upstream, octets);
    let via = via_of(&head);
    assert!(via.starts_with("1.1 "), "{via}");
    let own = [
        ("host", upstream.authority()),
        ("authorization", format!("Bearer {TOKEN}")),
        ("via", via),
    ];
    let own: Vec<(&str, &str)> = own.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_head(&head, "GET /x?y=%20 HTTP/1.1", &[], &own);
}

#[test]
fn every_line_that_is_not_removed_travels_as_it_came() {
    let (upstream, proxy) = pair();
    let octets: &[u8] = b"POST /api/v1/a%2Fb?q=1&r=%20 HTTP/1.1\r\n\
        User-Agent: agent/1 (x; y)\r\n\
        Host: agent-side:1234\r\n\
        X-Repeated: one\r\n\
        x-rEPEATED: two\r\n\
        Authorization: Bearer smuggled-one\r\n\
        Accept: text/html, */*;q=0.1\r\n\
        X-Repeated: one\r\n\
        Connection: keep-alive, X-Hop\r\n\
        X-Hop: 1\r\n\
        X-Obs-Text: caf\xe9 \xff\x80\r\n\
        Keep-Alive: timeout=5\r\n\
        Proxy-Connection: keep-alive\r\n\
        Proxy-Authorization: Basic c211Z2dsZWQ=\r\n\
        Proxy-Authenticate: Basic\r\n\
        TE: trailers\r\n\
        Trailer: X-Sum\r\n\
        Upgrade: h2c\r\n\
        Accept-Encoding: gzip, br\r\n\
        authorization: Basic c211Z2dsZWQ=\r\n\
        X-Api-Key: smuggled\r\n\
        api-key: smuggled\r\n\
        X-Goog-Api-Key: smuggled\r\n\
        X-Auth-Token: smuggled\r\n\
        Private-Token: smuggled\r\n\
        JOB-TOKEN: smuggled\r\n\
        Cookie: a=smuggled\r\n\
        Cookie: b=smuggled\r\n\
        X-Forwarded-For: 10.0.0.1\r\n\
        Content-Type: application/json\r\n\
        Content-Length: 2\r\n\
        Max-Forwards: 10\r\n\
        Forwarded: for=x\r\n\
        Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n\
        !#$%&'*+-.^_`|~09az: ~\r\n\
        X-Inner: a  b\tc\r\n\
        connection: close , , X-Other-Hop\r\n\
        x-other-hop: 2\r\n\
        \r\n{}";
    let head = sent_upstream(&proxy, &upstream, octets);
    let kept: [&[u8]; 13] = [
        b"User-Agent: agent/1 (x; y)",
        b"X-Repeated: one",
        b"x-rEPEATED: two",
        b"Accept: text/html, */*;q=0.1",
        b"X-Repeated: one",
        b"X-Obs-Text: caf\xe9 \xff\x80",
        b"Accept-Encoding: gzip, br",
        b"X-Forwarded-For: 10.0.0.1",
        b"Content-Type: application/json",
        b"Max-Forwards: 10",
        b"Forwarded: for=x",
        b"Date: Tue, 15 Nov 1994 08:12:31 GMT",
        b"!#$%&'*+-.^_`|~09az: ~",
    ];
    let kept: Vec<&[u8]> = kept.into_iter().chain([&b"X-Inner: a  b\tc"[..]]).collect();
    let own = [
        ("host", upstream.authority()),
        ("content-length", "2".to_owned()),
        ("authorization", format!("Bearer {TOKEN}")),
        ("via", via_of(&head)),
    ];
    let own: Vec<(&str, &str)> = own.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_head(&head, "POST /v1/a%2Fb?q=1&r=%20 HTTP/1.1", &kept, &own);
}

#[test]
fn a_value_keeps_its_octets_whatever_stands_around_it() {
    let (upstream, proxy) = pair();
    let fields = "A:1\r\nB: 2\r\nC:  3  \r\nD:\t4\t\r\nE:\r\nF: \r\n";
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", fields));
    for (name, value) in [
        ("a", "1"),
        ("b", "2"),
        ("c", "3"),
        ("d", "4"),
        ("e", ""),
        ("f", ""),
    ] {
        assert_eq!(head.all(name), [value], "{head:?}");
    }
}

#[test]
fn no_credential_of_the_agent_survives_underscores_or_case() {
    let (upstream, proxy) = pair();
    let names = [
        "authorization",
        "AUTHORIZATION",
        "x-api-key",
        "X_API_KEY",
        "x_api-key",
        "api-key",
        "api_key",
        "x-goog-api-key",
        "X_Goog_Api_Key",
        "x-auth-token",
        "x_auth_token",
        "private-token",
        "PRIVATE_TOKEN",
        "job-token",
        "job_token",
        "cookie",
        "Cookie",
        "proxy-authorization",
        "proxy_authorization",
    ];
    let fields: String = names
        .iter()
        .map(|name| format!("{name}: smuggled-{name}\r\n"))
        .collect();
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", &fields));
    let left: Vec<String> = head
        .field_lines()
        .into_iter()
        .filter(|line| line.contains("smuggled") && !line.starts_with("proxy_"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(head.all("authorization"), [format!("Bearer {TOKEN}")]);
}

#[test]
fn connection_cannot_remove_what_frames_routes_or_authenticates() {
    let (upstream, proxy) = pair();
    for named in [
        "content-length",
        "host",
        "authorization",
        "via",
        "transfer-encoding",
        "close, host",
        "Content-Length, Host, Authorization, Via, Transfer-Encoding",
    ] {
        let fields = format!("Connection: {named}\r\nContent-Length: 5\r\nX: y\r\n");
        let mut client = proxy.client();
        client.send(request("POST", "/api/x", &fields) + "hello");
        let mut service = upstream.accept();
        let (head, body) = service.read_request();
        assert_eq!(body, b"hello", "{named}");
        assert_eq!(head.one("host"), Some(upstream.authority()), "{named}");
        assert_eq!(head.all("authorization"), [format!("Bearer {TOKEN}")]);
        assert_eq!(head.all("via").len(), 1, "{named}");
        assert_eq!(head.one("x").as_deref(), Some("y"));
        assert!(!head.has("connection"), "{head:?}");
        service.send(OK);
        assert_eq!(client.read_response("POST").status(), 200);
    }
    let fields = "Connection: transfer-encoding, content-length\r\nTransfer-Encoding: chunked\r\n";
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", fields) + "5\r\nhello\r\n0\r\n\r\n");
    let mut service = upstream.accept();
    assert_eq!(service.read_request().1, b"hello");
    service.send(OK);
    assert_eq!(client.read_response("POST").status(), 200);
}

#[test]
fn the_fields_that_connection_names_are_removed_over_all_its_lines() {
    let (upstream, proxy) = pair();
    let fields = "X-One: 1\r\nConnection: x-one,X-TWO\r\nX-Two: 2\r\nx-three: 3\r\n\
        Connection: ,, x-three ,\r\nX-Four: 4\r\nX-One: again\r\n";
    let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", fields));
    for gone in ["connection", "x-one", "x-two", "x-three"] {
        assert!(!head.has(gone), "{gone} in {head:?}");
    }
    assert_eq!(head.one("x-four").as_deref(), Some("4"));
}

#[test]
fn via_tells_the_version_that_came_and_follows_those_before() {
    let (upstream, proxy) = pair();
    let head = sent_upstream(&proxy, &upstream, "GET /api/x HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(head.start_line(), "GET /x HTTP/1.1");
    assert!(via_of(&head).starts_with("1.0 cred-proxy-"), "{head:?}");
    let octets = request("GET", "/api/x", "Via: 1.0 fred, 1.1 p.example\r\n");
    let head = sent_upstream(&proxy, &upstream, octets);
    let via = head.all("via").join(", ");
    assert!(
        via.starts_with("1.0 fred, 1.1 p.example, 1.1 cred-proxy-"),
        "{via}"
    );
}

#[test]
fn a_base_path_stands_before_the_suffix() {
    let upstream = Upstream::plain();
    for (base, suffix, seen) in [
        ("", "", "/"),
        ("/", "", "/"),
        ("/base", "", "/base/"),
        ("/base/", "", "/base/"),
        ("/base/", "x", "/base/x"),
        ("/b%2Fc", "x/y?z", "/b%2Fc/x/y?z"),
        ("/a/b/c/", "?z", "/a/b/c/?z"),
    ] {
        let url = format!("{}{base}", upstream.url());
        let proxy = Proxy::to_url(&url).start();
        let target = passes(&proxy, &upstream, get(&format!("/api/{suffix}")));
        assert_eq!(target, seen, "{base} and {suffix}");
    }
}

#[test]
fn the_route_may_choose_the_encodings_that_the_upstream_may_use() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .with(json!({"accept_encoding": "identity"}))
        .start();
    let fields = "Accept-Encoding: gzip\r\nX: y\r\naccept-encoding: br\r\n";
    for fields in [fields, ""] {
        let head = sent_upstream(&proxy, &upstream, request("GET", "/api/x", fields));
        assert_eq!(head.all("accept-encoding"), ["identity"], "{head:?}");
    }
}

#[test]
fn a_named_upstream_keeps_its_name_and_port_in_host() {
    let upstream = Upstream::plain();
    let proxy = Proxy::builder()
        .route(bearer("/api/", &upstream.url_of("localhost")))
        .token(TOKEN_ENV, TOKEN)
        .start();
    let head = sent_upstream(&proxy, &upstream, get("/api/x"));
    let port = upstream.address().port();
    assert_eq!(head.one("host"), Some(format!("localhost:{port}")));
}

#[test]
fn a_request_cut_anywhere_is_put_together() {
    let (upstream, proxy) = pair();
    let fields = "X: y\r\nTransfer-Encoding: chunked\r\n";
    let octets = request("POST", "/api/x?y", fields) + "5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n";
    let mut client = proxy.client();
    client.send(&octets);
    let mut service = upstream.accept();
    let whole = service.answer(OK);
    assert_eq!(whole.1, b"hello");
    client.read_response("POST");
    for octet in octets.as_bytes() {
        client.send([*octet]);
    }
    assert_eq!(service.answer(OK), whole, "octet by octet");
    client.read_response("POST");
    for cut in (1..octets.len()).step_by(4) {
        let (one, other) = octets.split_at(cut);
        client.send(one);
        wait_until_read(client.socket());
        client.send(other);
        assert_eq!(service.answer(OK), whole, "cut at {cut}");
        client.read_response("POST");
    }
}
