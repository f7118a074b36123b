//! Section 9, access log and metrics: what they tell, and what they never do.

use crate::support::{OK, get, pair, request};
use harness::upstream::Deaf;
use harness::{Peer, Proxy, Upstream};
use serde_json::Value;

const FIELDS: [&str; 11] = [
    "time",
    "method",
    "route",
    "path",
    "status",
    "error",
    "octets_up",
    "octets_down",
    "first_octet_us",
    "total_us",
    "reused",
];

fn names_only(line: &Value) {
    for key in line.as_object().unwrap().keys() {
        let known = FIELDS.contains(&key.as_str()) || key == "message";
        assert!(known, "{key} in {line}");
    }
}

#[test]
fn an_exchange_is_one_json_object_on_a_line() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(request("POST", "/api/a/b?secret=query", "Content-Length: 5\r\n") + "hello");
    let mut service = upstream.accept();
    service.read_request();
    service.send("HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\nanswer!");
    assert_eq!(client.read_response("POST").status(), 201);
    client.send(get("/api/again"));
    service.read_head();
    service.send(OK);
    client.read_response("GET");
    let lines = proxy.wait_for_access(2);
    let first = &lines[0];
    names_only(first);
    assert_eq!(first["method"], "POST");
    assert_eq!(first["route"], "/api/");
    assert_eq!(first["path"], "/api/a/b");
    assert_eq!(first["status"], 201);
    assert_eq!(first["octets_up"], 5);
    assert_eq!(first["octets_down"], 7);
    assert_eq!(first["reused"], false);
    assert!(first["error"].is_null(), "{first}");
    let (head, total) = (first["first_octet_us"].as_u64(), first["total_us"].as_u64());
    assert!(head.unwrap() <= total.unwrap(), "{first}");
    let time = first["time"].as_str().unwrap();
    assert!(time.len() >= 20 && time.ends_with('Z'), "{time}");
    assert_eq!(lines[1]["reused"], true);
    assert_eq!(lines[1]["path"], "/api/again");
}

#[test]
fn a_refusal_and_a_failure_are_told_with_their_type() {
    let deaf = Deaf::new();
    let proxy = Proxy::to_url(&deaf.url()).log("access").start();
    let mut client = proxy.client();
    for (octets, status) in [
        (get("/none?x=secret"), 404),
        (get("/api/git-receive-pack"), 403),
        (get("/api/x"), 502),
    ] {
        assert_eq!(client.ask(octets).status(), status);
    }
    let lines = proxy.wait_for_access(3);
    for (line, status) in lines.iter().zip([404, 403, 502]) {
        names_only(line);
        assert_eq!(line["status"], status);
        assert!(line["error"].is_string(), "{line}");
    }
    assert!(lines[0]["route"].is_null(), "{}", lines[0]);
    assert_eq!(lines[1]["route"], "/api/");
}

#[test]
fn neither_query_nor_field_nor_body_gets_into_the_log() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    let fields = "X-Odd: field-canary\r\nCookie: cookie-canary\r\nContent-Length: 11\r\n";
    client.send(request("POST", "/api/x?q=query-canary", fields) + "body-canary");
    let mut service = upstream.accept();
    service.read_request();
    service.send("HTTP/1.1 200 reason-canary\r\nX: answer-canary\r\nContent-Length: 0\r\n\r\n");
    client.read_response("POST");
    for octets in [
        "GET /api/../x?query-canary HTTP/1.1\r\nHost: host-canary\r\n\r\n",
        "GET /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: value-canary\r\n\r\n",
    ] {
        let answer = proxy.client().ask(octets);
        assert_eq!(answer.status(), 400);
        let text = answer.text();
        assert!(
            !text.contains("canary"),
            "no octet of the request comes back: {text}"
        );
    }
    proxy.wait_for_access(3);
    let log = proxy.log();
    assert!(!log.contains("canary"), "{log}");
}

#[test]
fn a_path_cannot_break_its_line() {
    let (_upstream, proxy) = pair();
    let mut client = proxy.client();
    client.ask(get("/none/\"quoted\"{}%0a%1b"));
    let mut odd = b"GET /none/\x1b[31m\xff HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    odd.extend_from_slice(get("/none/last").as_bytes());
    client.send(odd);
    client.read_response("GET");
    let lines = proxy.wait_for_access(2);
    assert_eq!(lines[0]["path"], "/none/\"quoted\"{}%0a%1b");
    assert!(
        !proxy.log().contains('\u{1b}'),
        "no control octets in the log"
    );
}

#[test]
fn each_level_tells_what_its_name_says() {
    for (level, ok, refused, failed) in [
        ("off", 0, 0, 0),
        ("error", 0, 0, 1),
        ("access", 1, 1, 1),
        ("debug", 1, 1, 1),
    ] {
        let upstream = Upstream::plain();
        let deaf = Deaf::new();
        let proxy = Proxy::to(&upstream)
            .route(harness::proxy::bearer("/deaf/", &deaf.url()))
            .log(level)
            .start();
        let mut client = proxy.client();
        client.send(get("/api/x"));
        let mut service = upstream.accept();
        service.read_head();
        service.send(OK);
        client.read_response("GET");
        assert_eq!(client.ask(get("/none")).status(), 404);
        assert_eq!(client.ask(get("/deaf/x")).status(), 502);
        drop(client);
        let pid_log = proxy.terminate_with_log();
        let lines: Vec<Value> = pid_log.lines().filter_map(harness::proxy::access).collect();
        let count = |status: u64| lines.iter().filter(|line| line["status"] == status).count();
        assert_eq!(
            (count(200), count(404), count(502)),
            (ok, refused, failed),
            "{level}: {pid_log}"
        );
    }
}

#[test]
fn a_non_empty_debug_variable_is_the_debug_level() {
    for (value, lines) in [("1", 1), ("", 0)] {
        let upstream = Upstream::plain();
        let proxy = Proxy::to(&upstream)
            .log("")
            .env("CRED_PROXY_DEBUG", value)
            .start();
        assert_eq!(proxy.client().ask(get("/none")).status(), 404);
        let log = proxy.terminate_with_log();
        let seen = log.lines().filter_map(harness::proxy::access).count();
        assert_eq!(seen, lines, "{log}");
    }
}

fn metrics_of(proxy: &Proxy) -> String {
    let mut client = proxy.client_of(proxy.admin_address());
    let answer = client.ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(answer.status(), 200);
    answer.text()
}

#[test]
fn the_admin_address_counts_what_happens() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--admin")
        .arg("127.0.0.1:0")
        .start();
    let mut client = proxy.client();
    client.send(request("POST", "/api/x", "Content-Length: 5\r\n") + "hello");
    let mut service = upstream.accept();
    service.read_request();
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nanswer!");
    client.read_response("POST");
    client.send(get("/api/x"));
    service.read_head();
    service.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    client.read_response("GET");
    assert_eq!(client.ask(get("/none")).status(), 404);
    client.send(get("/api/under-way"));
    service.read_head();
    let text = metrics_of(&proxy);
    for line in [
        "cred_proxy_requests_total{route=\"/api/\",class=\"2xx\"} 1",
        "cred_proxy_requests_total{route=\"/api/\",class=\"4xx\"} 1",
        "cred_proxy_requests_total{route=\"\",class=\"4xx\"} 1",
        "cred_proxy_body_bytes_total{route=\"/api/\",direction=\"up\"} 5",
        "cred_proxy_body_bytes_total{route=\"/api/\",direction=\"down\"} 7",
        "cred_proxy_in_flight 1",
        "cred_proxy_pool_hits_total 2",
        "cred_proxy_first_octet_seconds_count 2",
        "cred_proxy_first_octet_seconds_bucket",
        "# TYPE cred_proxy_requests counter",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
    let errors = text
        .lines()
        .any(|line| line.starts_with("cred_proxy_errors_total{type="));
    assert!(errors, "{text}");
    service.send(OK);
    client.read_response("GET");
}

#[test]
fn the_admin_address_serves_nothing_else_and_no_proxying() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .arg("--admin")
        .arg("127.0.0.1:0")
        .start();
    let admin = proxy.admin_address();
    assert_ne!(admin, proxy.address());
    for target in ["/", "/api/x", "/metricsx"] {
        let answer = proxy.client_of(admin).ask(get(target));
        assert_eq!(answer.status(), 404, "{target}");
    }
    assert_eq!(proxy.client().ask(get("/metrics")).status(), 404);
    upstream.assert_untouched();
}
