//! Node's own `fetch`.

use std::path::Path;

use harness::agent::{AGENTS_OWN, assert_only_ours};
use harness::model_server::{ModelServer, PLAIN};
use harness::origin::Origin;
use harness::program::Program;
use harness::received::BodyFraming;
use harness::wiretap::Wiretap;
use harness::{Authority, Peer, Proxy, Upstream, require};
use tempfile::tempdir;

use crate::{NAME, ours, proxy_to};

/// The script in `agents/`, doing what the first argument says.
fn fetch(home: &Path, doing: &str, url: &str) -> Program {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/agents/fetch.mjs");
    Program::new("node", home).args([script, doing, url, AGENTS_OWN])
}

#[test]
fn two_fetches_in_a_row_use_one_connection_to_the_service() {
    let Some(_) = require::program("node: GET", "node") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let tls = authority.server_config(&[NAME]);
    let origin = Origin::start(Some(tls), |request, answer| {
        answer.whole("200 OK", &[], request.target.as_bytes())
    });
    // Node may open a second connection to the proxy, but all lead to one worker's pool.
    let proxy = proxy_to("/api/", &origin, &authority)
        .arg("--threads")
        .arg("1")
        .start();
    let wiretap = Wiretap::before(&proxy);
    let got = fetch(home.path(), "get", &wiretap.url("/api/x?y=%C3%A4")).run();
    assert_eq!(got.stdout, "200 /x?y=%C3%A4\n".repeat(2), "{got:#?}");
    assert_only_ours(&origin.requests(), "authorization", &ours());
    assert_eq!(origin.connections(), 1);
}

#[test]
fn each_piece_of_a_streamed_post_arrives_before_the_next_one_leaves() {
    let Some(_) = require::program("node: POST", "node") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let tls = authority.server_config(&[NAME]);
    let origin = Origin::start(Some(tls), |request, answer| {
        answer.whole("201 Created", &[], &request.body)
    });
    let proxy = proxy_to("/api/", &origin, &authority).start();
    let wiretap = Wiretap::before(&proxy);
    let mut agent = fetch(home.path(), "post", &wiretap.url("/api/upload")).start();
    let mut sent = String::new();
    for piece in ["one", "two", "three"] {
        agent.tell(piece);
        sent += piece;
        origin.wait_for("the next piece", |requests| {
            requests
                .iter()
                .any(|request| request.body == sent.as_bytes())
        });
    }
    let ended = agent.finish();
    assert_eq!(ended.stdout, "201 onetwothree\n", "{ended:#?}");
    let requests = origin.requests();
    assert_only_ours(&requests, "authorization", &ours());
    assert_eq!(requests[0].framing, BodyFraming::Chunked(3));
}

#[test]
fn each_event_of_a_stream_arrives_before_the_next_one_leaves() {
    let Some(_) = require::program("node: events", "node") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let model = ModelServer::start(authority.server_config(&[NAME]));
    let proxy = proxy_to("/api/", model.origin(), &authority).start();
    let wiretap = Wiretap::before(&proxy);
    let mut agent = fetch(home.path(), "events", &wiretap.url("/api/events")).start();
    assert_eq!(agent.line(), "open text/event-stream");
    for (_, text) in PLAIN {
        model.release();
        assert_eq!(agent.line(), format!("event data: {text}"));
    }
    assert_eq!(agent.line(), "end 0");
    let ended = agent.finish();
    assert!(ended.status.success(), "{ended:#?}");
    assert_only_ours(&model.origin().requests(), "authorization", &ours());
}

#[test]
fn a_fetch_that_is_aborted_ends_the_services_stream() {
    let Some(_) = require::program("node: an abort", "node") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let upstream = Upstream::tls(authority.server_config(&[NAME]));
    let proxy = Proxy::to_url(&upstream.url_of(NAME))
        .env("SSL_CERT_FILE", authority.pem_file())
        .start();
    let url = format!("http://{}/api/x", proxy.address());
    let mut agent = fetch(home.path(), "leave", &url).start();
    let mut service = upstream.accept();
    service.read_request();
    service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    service.send_chunk("words that cost money");
    assert_eq!(agent.line(), "words that cost money");
    service.wait_for_close();
    let ended = agent.finish();
    assert!(ended.status.success(), "{ended:#?}");
}
