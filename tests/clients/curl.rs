//! curl, the client that agents' shells know best: what passes.

use std::path::Path;

use harness::agent::{AGENTS_OWN, assert_only_ours};
use harness::model_server::{ModelServer, PLAIN};
use harness::origin::Origin;
use harness::program::Program;
use harness::received::BodyFraming;
use harness::wiretap::Wiretap;
use harness::{Authority, Proxy, require};
use tempfile::tempdir;

use crate::{NAME, ours, proxy_to};

/// `printf 'hello, gzip\n' | gzip -n`.
const HELLO_GZIP: [u8; 32] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7,
    0x51, 0x48, 0xaf, 0xca, 0x2c, 0xe0, 0x02, 0x00, 0x86, 0x1f, 0x82, 0xa4, 0x0c, 0x00, 0x00, 0x00,
];

/// curl with credentials of the agent's own in every place an agent would put them.
pub(crate) fn curl(home: &Path) -> Program {
    Program::new("curl", home)
        .args(["-q", "--silent", "--show-error"])
        .args(["--oauth2-bearer", AGENTS_OWN])
        .args(["--header", &format!("X-Api-Key: {AGENTS_OWN}")])
        .args(["--cookie", &format!("session={AGENTS_OWN}")])
}

/// A service that answers with the method, the target and the size of the body.
pub(crate) fn echo(authority: &Authority) -> Origin {
    let tls = authority.server_config(&[NAME]);
    Origin::start(Some(tls), |request, answer| {
        let (method, target) = (&request.method, &request.target);
        let text = format!("{method} {target} {}\n", request.body.len());
        answer.whole("200 OK", &[("content-type", "text/plain")], text.as_bytes())
    })
}

pub(crate) fn wired(origin: &Origin, authority: &Authority) -> (Proxy, Wiretap) {
    let proxy = proxy_to("/api/", origin, authority).start();
    let wiretap = Wiretap::before(&proxy);
    (proxy, wiretap)
}

#[test]
fn a_get_arrives_with_our_credential_only() {
    let Some(_) = require::program("curl: a GET", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .arg("--include")
        .arg(wiretap.url("/api/a%2Fb/c?q=1&q=%20"))
        .run();
    assert!(got.status.success(), "{got:#?}");
    assert!(got.stdout.starts_with("HTTP/1.1 200 OK\r\n"), "{got:#?}");
    assert!(
        got.stdout.ends_with("GET /a%2Fb/c?q=1&q=%20 0\n"),
        "{got:#?}"
    );
    let requests = origin.requests();
    assert_only_ours(&requests, "authorization", &ours());
    let host = format!("{NAME}:{}", origin.port());
    assert_eq!(requests[0].only("host"), host);
    assert_eq!(requests[0].only("accept"), "*/*");
    assert!(requests[0].only("user-agent").starts_with("curl/"));
}

#[test]
fn two_gets_of_one_curl_share_a_connection_on_both_sides() {
    let Some(_) = require::program("curl: two GETs", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .args([wiretap.url("/api/1"), wiretap.url("/api/2")])
        .args(["--write-out", "%{num_connects}\n"])
        .run();
    assert_eq!(got.stdout, "GET /1 0\n1\nGET /2 0\n0\n", "{got:#?}");
    assert_only_ours(&origin.requests(), "authorization", &ours());
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_large_post_waits_for_the_services_100_continue() {
    let Some(_) = require::program("curl: Expect", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let body = vec![b'x'; 2 << 20];
    let got = curl(home.path())
        .args(["--verbose", "--expect100-timeout", "600"])
        .args(["--header", "Expect: 100-continue", "--data-binary", "@-"])
        .arg(wiretap.url("/api/post"))
        .run_with(&body);
    assert_eq!(got.stdout, "POST /post 2097152\n", "{got:#?}");
    assert!(got.stderr.contains("< HTTP/1.1 100 Continue"), "{got:#?}");
    let requests = origin.requests();
    assert_only_ours(&requests, "authorization", &ours());
    assert_eq!(requests[0].only("expect"), "100-continue");
    assert_eq!(requests[0].framing, BodyFraming::ContentLength(2 << 20));
    assert!(requests[0].body == body, "another body arrived");
}

#[test]
fn a_head_keeps_the_length_and_gets_no_body() {
    let Some(_) = require::program("curl: HEAD", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .arg("--head")
        .arg(wiretap.url("/api/head"))
        .run();
    assert!(got.status.success(), "{got:#?}");
    let head = got.stdout.to_ascii_lowercase();
    assert!(head.contains("\r\ncontent-length: 13\r\n"), "{got:#?}");
    assert!(head.ends_with("\r\n\r\n"), "{got:#?}");
    assert_eq!(origin.requests()[0].method, "HEAD");
    assert_only_ours(&origin.requests(), "authorization", &ours());
}

#[test]
fn an_http_1_0_client_gets_a_body_that_ends_with_the_connection() {
    let Some(_) = require::program("curl: HTTP/1.0", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let tls = authority.server_config(&[NAME]);
    let origin = Origin::start(Some(tls), |_, answer| {
        answer.begin_chunked("200 OK", &[])?;
        answer.chunk(b"one ")?;
        answer.chunk(b"two\n")?;
        answer.end_chunked()
    });
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .args(["--http1.0", "--include"])
        .arg(wiretap.url("/api/x"))
        .run();
    assert!(got.status.success(), "{got:#?}");
    assert!(got.stdout.ends_with("\r\n\r\none two\n"), "{got:#?}");
    let head = got.stdout.to_ascii_lowercase();
    assert!(!head.contains("transfer-encoding"), "{got:#?}");
    assert_eq!(origin.requests()[0].version, "HTTP/1.1");
    assert_only_ours(&origin.requests(), "authorization", &ours());
}

#[test]
fn an_upload_of_unknown_length_arrives_chunked_and_whole() {
    let Some(_) = require::program("curl: -T", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let body: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
    let got = curl(home.path())
        .args(["--expect100-timeout", "600", "--upload-file", "-"])
        .arg(wiretap.url("/api/file"))
        .run_with(&body);
    assert_eq!(got.stdout, "PUT /file 2800000\n", "{got:#?}");
    let requests = origin.requests();
    assert_only_ours(&requests, "authorization", &ours());
    let framing = &requests[0].framing;
    assert!(matches!(framing, BodyFraming::Chunked(1..)), "{framing:?}");
    assert!(requests[0].body == body, "another body arrived");
}

#[test]
fn redirects_to_the_service_stay_inside_the_proxy() {
    let Some(_) = require::program("curl: redirects", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let tls = authority.server_config(&[NAME]);
    let origin = Origin::start(Some(tls), |request, answer| {
        let absolute = format!("https://{}/second?page=2", request.only("host"));
        match request.target.as_str() {
            "/first" => answer.whole("302 Found", &[("location", &absolute)], b""),
            "/second?page=2" => answer.whole("307 Temporary", &[("location", "/third")], b""),
            "/third" => answer.whole("302 Found", &[("location", "fourth")], b""),
            target => answer.whole("200 OK", &[], target.as_bytes()),
        }
    });
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .args(["--location", "--write-out", "\n%{url_effective}"])
        .arg(wiretap.url("/api/first"))
        .run();
    let end = format!("/fourth\n{}", wiretap.url("/api/fourth"));
    assert_eq!(got.stdout, end, "{got:#?}");
    assert_eq!(origin.requests().len(), 4);
    assert_only_ours(&origin.requests(), "authorization", &ours());
}

#[test]
fn a_redirect_to_elsewhere_is_the_clients_own_affair() {
    let Some(_) = require::program("curl: a redirect elsewhere", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let tls = authority.server_config(&[NAME]);
    let elsewhere = "https://elsewhere.example/x";
    let origin = Origin::start(Some(tls), move |_, answer| {
        answer.whole("302 Found", &[("location", elsewhere)], b"")
    });
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .args(["--write-out", "%{redirect_url}"])
        .arg(wiretap.url("/api/x"))
        .run();
    assert_eq!(got.stdout, elsewhere, "{got:#?}");
    assert_eq!(origin.requests().len(), 1, "the proxy follows no redirect");
}

#[test]
fn a_compressed_body_passes_octet_for_octet() {
    let Some(_) = require::program("curl: gzip", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let tls = authority.server_config(&[NAME]);
    let origin = Origin::start(Some(tls), |_, answer| {
        answer.whole("200 OK", &[("content-encoding", "gzip")], &HELLO_GZIP)
    });
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .arg("--compressed")
        .arg(wiretap.url("/api/x"))
        .run();
    assert_eq!(got.stdout, "hello, gzip\n", "{got:#?}");
    assert!(wiretap.to_client().ends_with(&HELLO_GZIP));
    let asked = origin.requests()[0].only("accept-encoding").to_owned();
    assert!(asked.contains("gzip"), "{asked}");
}

#[test]
fn each_event_of_a_stream_arrives_before_the_next_one_leaves() {
    let Some(_) = require::program("curl: -N", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let model = ModelServer::start(authority.server_config(&[NAME]));
    let (_proxy, wiretap) = wired(model.origin(), &authority);
    let mut running = curl(home.path())
        .arg("--no-buffer")
        .arg(wiretap.url("/api/events"))
        .start();
    for (_, text) in PLAIN {
        model.release();
        assert_eq!(running.line(), format!("data: {text}"));
        assert_eq!(running.line(), "");
    }
    let ended = running.finish();
    assert!(ended.status.success(), "{ended:#?}");
    assert_only_ours(&model.origin().requests(), "authorization", &ours());
}

#[test]
fn a_curl_that_takes_us_for_its_proxy_is_routed_by_the_path() {
    let Some(_) = require::program("curl: --proxy", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .args(["--proxy", &wiretap.url("")])
        .args(["--proxy-user", &format!("agent:{AGENTS_OWN}")])
        .arg("http://whatever.example/api/x")
        .run();
    assert_eq!(got.stdout, "GET /x 0\n", "{got:#?}");
    let requests = origin.requests();
    assert_only_ours(&requests, "authorization", &ours());
    assert_eq!(
        requests[0].only("host"),
        format!("{NAME}:{}", origin.port())
    );
    for field in ["proxy-authorization", "proxy-connection", "connection"] {
        assert!(requests[0].all(field).is_empty(), "{requests:#?}");
    }
}

#[test]
fn a_curl_that_offers_http_2_is_answered_in_1_1() {
    let Some(_) = require::program("curl: --http2", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .args(["--http2", "--write-out", "%{http_version}"])
        .arg(wiretap.url("/api/x"))
        .run();
    assert_eq!(got.stdout, "GET /x 0\n1.1", "{got:#?}");
    let requests = origin.requests();
    assert_only_ours(&requests, "authorization", &ours());
    for field in ["upgrade", "http2-settings", "connection"] {
        assert!(requests[0].all(field).is_empty(), "{requests:#?}");
    }
}
