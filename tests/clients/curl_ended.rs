//! curl: what is refused, breaks off, or is ended by the user.

use harness::answer::After;
use harness::origin::Origin;
use harness::wiretap::Wiretap;
use harness::{Authority, Peer, Proxy, Upstream, require};
use serde_json::json;
use tempfile::tempdir;

use crate::curl::{curl, echo, wired};
use crate::{NAME, proxy_to};

#[test]
fn a_broken_off_download_fails_visibly() {
    let Some(_) = require::program("curl: a broken download", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let tls = authority.server_config(&[NAME]);
    let origin = Origin::start(Some(tls), |_, answer| {
        answer.begin_chunked("200 OK", &[])?;
        answer.chunk(b"half")?;
        Ok(After::Cut)
    });
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path()).arg(wiretap.url("/api/x")).run();
    // 18: the transfer ended early. 56: the connection broke.
    let code = got.status.code();
    assert!(matches!(code, Some(18 | 56)), "{got:#?}");
    assert_eq!(got.stdout, "half");
}

#[test]
fn a_curl_that_is_killed_ends_the_services_stream() {
    let Some(_) = require::program("curl: killed", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let upstream = Upstream::tls(authority.server_config(&[NAME]));
    let proxy = Proxy::to_url(&upstream.url_of(NAME))
        .env("SSL_CERT_FILE", authority.pem_file())
        .start();
    let url = format!("http://{}/api/x", proxy.address());
    let mut running = curl(home.path()).args(["--no-buffer", &url]).start();
    let mut service = upstream.accept();
    service.read_request();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    service.send_chunk("words that cost money\n");
    assert_eq!(running.line(), "words that cost money");
    running.kill();
    service.wait_for_close();
}

#[test]
fn a_refused_upload_is_explained_although_nobody_read_it() {
    let Some(_) = require::program("curl: a refused upload", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let rule = "PUT /**";
    let proxy = proxy_to("/api/", &origin, &authority)
        .with(json!({ "deny": [rule] }))
        .start();
    let wiretap = Wiretap::before(&proxy);
    let got = curl(home.path())
        .args(["--header", "Expect:", "--upload-file", "-"])
        .arg(wiretap.url("/api/x"))
        .run_with(&vec![b'x'; 8 << 20]);
    assert!(got.stdout.contains(rule), "{got:#?}");
    assert_eq!(origin.connections(), 0, "nothing may leave");
}

#[test]
fn a_tunnel_is_not_opened_for_anybody() {
    let Some(_) = require::program("curl: CONNECT", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .args([
            "--proxy",
            &wiretap.url(""),
            "--write-out",
            "%{http_connect}",
        ])
        .arg(format!("https://{NAME}:{}/", origin.port()))
        .run();
    assert_eq!(got.stdout, "501", "{got:#?}");
    assert!(!got.status.success(), "{got:#?}");
    assert_eq!(origin.connections(), 0, "nothing may leave");
}

#[test]
fn a_path_without_a_route_is_explained_in_one_sentence() {
    let Some(_) = require::program("curl: 404", "curl") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let origin = echo(&authority);
    let (_proxy, wiretap) = wired(&origin, &authority);
    let got = curl(home.path())
        .args(["--fail-with-body", "--include"])
        .arg(wiretap.url("/elsewhere/x"))
        .run();
    assert_eq!(got.status.code(), Some(22), "{got:#?}");
    let (head, sentence) = got
        .stdout
        .split_once("\r\n\r\n")
        .expect("a head and a body");
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 404 "), "{got:#?}");
    assert!(
        head.contains("\r\nproxy-status: cred-proxy; error="),
        "{got:#?}"
    );
    assert!(head.contains("\r\nx-should-retry: false"), "{got:#?}");
    assert!(!sentence.trim().is_empty(), "{got:#?}");
    assert_eq!(origin.connections(), 0, "nothing may leave");
}
