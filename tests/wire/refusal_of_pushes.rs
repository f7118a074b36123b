//! Section 3: a git push never leaves, however its address is written; a fetch does.

use crate::support::{assert_refusal, get, passes, prove_nothing_left, refused, request};
use harness::{Peer, Proxy, Upstream};
use serde_json::json;

fn post(target: &str) -> String {
    request("POST", target, "Content-Length: 0\r\n")
}

#[test]
fn a_push_is_refused_however_it_is_written() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    for suffix in [
        "o/r.git/git-receive-pack",
        "o/r/git-receive-pack",
        "git-receive-pack",
        "o/r.git/GIT-RECEIVE-PACK",
        "o/r.git/Git-Receive-Pack",
        "o/r.git/git%2Dreceive%2dpack",
        "o/r.git/%67%69%74-receive-pack",
        "o/r.git/git%252Dreceive-pack",
        "o/r.git/git%25252Dreceive-pack",
        "o/r.git//git-receive-pack",
        "o/r.git/git-receive-pack/",
        "o/r.git/git-receive-pack//",
        "o/r.git/git-receive-pack%2F",
        "o/r.git%2Fgit-receive-pack",
        "o/r.git/git-receive-pack;a=b",
        "o/r.git/git-receive-pack;a=b/",
        "o/r.git/git-receive-pack%3Ba",
        "o/r.git/git-receive-pack?a=b",
        "o/r.git/git-receive-pack?service=git-upload-pack",
    ] {
        let target = format!("/api/{suffix}");
        for octets in [post(&target), get(&target), request("PUT", &target, "")] {
            let answer = refused(&proxy, &upstream, octets, 403);
            assert!(answer.text().contains("SSH"), "{}", answer.text());
        }
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn the_discovery_of_a_push_is_refused_however_it_is_written() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    for suffix in [
        "info/refs?service=git-receive-pack",
        "info/refs?service=git-receive-pack&x=y",
        "info/refs?x=y&service=git-receive-pack",
        "info/refs?x=y;service=git-receive-pack",
        "info/refs?service=git-upload-pack&service=git-receive-pack",
        "info/refs?service=git-receive-pack&service=git-upload-pack",
        "info/refs?&&service=git-receive-pack",
        "info/refs?service=git%2Dreceive-pack",
        "info/refs?service=%67it-receive-pack",
        "info/refs?service=git%252Dreceive-pack",
        "info/refs?s%65rvice=git-receive-pack",
        "info/refs?%73ervice=git%2dreceive%2dpack",
        "info/refs?service=GIT-RECEIVE-PACK",
        "INFO/Refs?service=git-receive-pack",
        "info%2Frefs?service=git-receive-pack",
        "%69nfo/refs?service=git-receive-pack",
        "info//refs?service=git-receive-pack",
        "info/refs/?service=git-receive-pack",
        "info/refs//?service=git-receive-pack",
        "info/refs;a=b?service=git-receive-pack",
        "info;a/refs?service=git-receive-pack",
        "info%252Frefs?service=git-receive-pack",
    ] {
        let target = format!("/api/o/r.git/{suffix}");
        refused(&proxy, &upstream, get(&target), 403);
    }
    refused(
        &proxy,
        &upstream,
        get("/api/info/refs?service=git-receive-pack"),
        403,
    );
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn a_fetch_passes() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    for suffix in [
        "/o/r.git/info/refs?service=git-upload-pack",
        "/o/r.git/info/refs",
        "/o/r.git/info/refs?service=",
        "/o/r.git/git-upload-pack",
        "/o/r.git/git-receive-pack-x",
        "/o/r.git/xgit-receive-pack",
        "/git-receive-pack/issues",
        "/o/r.git/info/refs?xservice=git-receive-pack",
        "/o/r.git/info/refs?q=git-receive-pack",
        "/o/r.git/refs?service=git-receive-pack",
        "/search?service=git-receive-pack",
    ] {
        let seen = passes(&proxy, &upstream, get(&format!("/api{suffix}")));
        assert_eq!(seen, suffix);
    }
    let seen = passes(&proxy, &upstream, post("/api/o/r.git/git-upload-pack"));
    assert_eq!(seen, "/o/r.git/git-upload-pack");
}

#[test]
fn the_refusal_names_the_remote_of_the_gate_where_there_is_one() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .with(json!({"push_remotes": {"owner/app": "git://git-gate/app.git"}}))
        .start();
    for path in ["/api/owner/app.git", "/api/owner/app"] {
        for octets in [
            get(&format!("{path}/info/refs?service=git-receive-pack")),
            post(&format!("{path}/git-receive-pack")),
        ] {
            let text = refused(&proxy, &upstream, octets, 403).text();
            assert!(text.contains("git://git-gate/app.git"), "{text}");
        }
    }
    let octets = post("/api/owner/other.git/git-receive-pack");
    let text = refused(&proxy, &upstream, octets, 403).text();
    assert!(text.contains("SSH") && !text.contains("app.git"), "{text}");
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn a_push_with_its_body_is_refused_without_losing_the_answer() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream).start();
    let target = "/api/o/r.git/git-receive-pack";
    let body = "x".repeat(200_000);
    for fields in ["Content-Length: 200000\r\n", "Content-Length: 900000\r\n"] {
        let octets = format!("{}{body}", request("POST", target, fields));
        let mut client = proxy.client();
        // The end may come before the last octet.
        let _ = client.push(octets.as_bytes());
        assert_refusal(&client.read_response("POST"), 403);
    }
    let mut client = proxy.client();
    client.send(request("POST", target, "Transfer-Encoding: chunked\r\n"));
    client.send_chunk("0000");
    assert_refusal(&client.read_response("POST"), 403);
    prove_nothing_left(&proxy, &upstream);
}
