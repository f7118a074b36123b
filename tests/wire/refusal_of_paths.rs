//! Section 2: which paths have a route, and which are refused whatever the route.

use crate::support::{
    get, pair, passes, prove_nothing_left, refused, refused_with, rejected, request,
};
use harness::proxy::{TOKEN_ENV, bearer};
use harness::{Proxy, TOKEN, Upstream};
use serde_json::json;

#[test]
fn a_path_without_a_route_is_answered_with_404() {
    let (upstream, proxy) = pair();
    for path in [
        "/", "/other/x", "/api", "/apix", "/API/x", "/ap", "//api/x", "/%61pi/x",
    ] {
        refused(&proxy, &upstream, get(path), 404);
    }
    refused(&proxy, &upstream, get("/api?x=/api/"), 404);
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn no_routes_at_all_are_legal_and_everything_is_404() {
    let upstream = Upstream::plain();
    let proxy = Proxy::builder().routes(r#"{"routes": []}"#).start();
    let line = proxy.boot_line();
    assert!(
        line.contains("no routes") || line.contains("0 routes"),
        "{line}"
    );
    for path in ["/", "/api/x"] {
        refused(&proxy, &upstream, get(path), 404);
    }
}

#[test]
fn a_dot_segment_is_refused_however_it_is_written() {
    let (upstream, proxy) = pair();
    for suffix in [
        "..",
        ".",
        "../x",
        "./x",
        "x/..",
        "x/.",
        "x/../y",
        "x/./y",
        "%2e%2e/x",
        "%u002e%u002E/x",
        "%2E%2E/x",
        ".%2e/x",
        "%2e/x",
        "x/%2e%2e",
        "%252e%252e/x",
        "%25252e%25252e/x",
        "..%2fx",
        "x%2f..%2fy",
        "x%252f..%252fy",
        "..%5cx",
        "x%5c..%5cy",
        "x%255c%2e%2e",
        "..;a=b/x",
        "x/..;a",
        ".;/x",
        "..%3ba/x",
        "%2e%2e%3b/x",
        "x/..?q",
        "x/%2e?q",
    ] {
        refused(&proxy, &upstream, get(&format!("/api/{suffix}")), 400);
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn a_dot_segment_cannot_climb_into_a_route() {
    let (upstream, proxy) = pair();
    for path in ["/other/../api/x", "/api/../api/x", "/./api/x"] {
        refused_with(&proxy, &upstream, get(path), &[400, 404], false);
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn octets_that_no_target_may_hold_are_refused() {
    let (upstream, proxy) = pair();
    for octet in [0x01, 0x08, 0x0b, 0x1f, b'\\', b'#', 0x7f, 0x80, 0xc3, 0xff] {
        for (before, after) in [("/api/a", "b"), ("/api/a?b", "c")] {
            let mut octets = format!("GET {before}").into_bytes();
            octets.push(octet);
            octets.extend_from_slice(after.as_bytes());
            octets.extend_from_slice(b" HTTP/1.1\r\nHost: a\r\n\r\n");
            refused(&proxy, &upstream, octets, 400);
        }
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn whatever_else_a_path_holds_is_forwarded_as_it_came() {
    let (upstream, proxy) = pair();
    for suffix in [
        "@scope%2Fname",
        "@scope%2fname",
        "a//b",
        "...",
        "....",
        ".hidden",
        "..x",
        "x..",
        "a..b",
        ".well-known/x",
        "a%20b",
        "%41",
        "a;b=c",
        "x?q=../..",
        "x?",
        "x??y",
        "?q=1",
        "",
        "a%",
        "a%zz",
        "a'()*!$&,=:@",
        "a|b",
        "a\"b",
        "x?a=%2e%2e/&b=/../",
        "x?redirect=http://h/../..",
    ] {
        let seen = passes(&proxy, &upstream, get(&format!("/api/{suffix}")));
        assert_eq!(seen, format!("/{suffix}"));
    }
}

#[test]
fn the_longest_path_wins_and_each_keeps_its_base() {
    let upstream = Upstream::plain();
    let url = upstream.url();
    let proxy = Proxy::builder()
        .route(bearer("/a/", &format!("{url}/one")))
        .route(bearer("/a/b/c/", &format!("{url}/three/")))
        .route(bearer("/a/b/", &format!("{url}/two/deep")))
        .token(TOKEN_ENV, TOKEN)
        .start();
    for (path, seen) in [
        ("/a/", "/one/"),
        ("/a/x", "/one/x"),
        ("/a/b", "/one/b"),
        ("/a/b/", "/two/deep/"),
        ("/a/b/x?y", "/two/deep/x?y"),
        ("/a/b/c/x", "/three/x"),
        ("/a/b/c", "/two/deep/c"),
    ] {
        assert_eq!(passes(&proxy, &upstream, get(path)), seen, "{path}");
    }
    // Read otherwise it is the longer route's, which may be the stricter one.
    refused(&proxy, &upstream, get("/a/%62/x"), 400);
}

#[test]
fn the_root_can_be_a_route() {
    let upstream = Upstream::plain();
    let proxy = Proxy::builder()
        .route(bearer("/", &upstream.url()))
        .token(TOKEN_ENV, TOKEN)
        .start();
    assert_eq!(passes(&proxy, &upstream, get("/")), "/");
    assert_eq!(passes(&proxy, &upstream, get("/x/y?z")), "/x/y?z");
}

#[test]
fn an_absolute_target_is_routed_by_its_path() {
    let (upstream, proxy) = pair();
    for (target, seen) in [
        ("http://other.example/api/x?y=1", "/x?y=1"),
        ("http://127.0.0.1:1/api/x", "/x"),
        ("HTTP://other.example/api/", "/"),
        ("https://other.example/api/x%2F", "/x%2F"),
    ] {
        assert_eq!(passes(&proxy, &upstream, get(target)), seen, "{target}");
    }
    refused(&proxy, &upstream, get("http://other.example/other"), 404);
    refused(&proxy, &upstream, get("http://other.example"), 404);
    refused(&proxy, &upstream, get("http://other.example/api/../x"), 400);
    for target in [
        "http:///api/x",
        "http://user@h/api/x",
        "ftp://h/api/x",
        "http:/api/x",
    ] {
        refused_with(&proxy, &upstream, get(target), &[400, 404], false);
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn an_authority_as_target_is_for_connect_only() {
    let (upstream, proxy) = pair();
    for target in ["proxy.test:80", "127.0.0.1:80", "h:443"] {
        rejected(&proxy, &upstream, get(target), 400);
    }
    for target in [upstream.authority(), "api.github.com:443".to_owned()] {
        let octets = request("CONNECT", &target, "");
        refused(&proxy, &upstream, octets, 501);
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn a_query_name_that_the_route_strips_is_answered_with_400() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .with(json!({"strip_query": ["key", "access_token"]}))
        .start();
    for query in [
        "key=stolen",
        "a=b&key=stolen",
        "a=b;key=stolen",
        "k%65y=stolen",
        "key",
        "access_token=stolen&x",
        "access%5Ftoken=stolen",
        "key%3Dx=1&key=2",
    ] {
        refused(&proxy, &upstream, get(&format!("/api/x?{query}")), 400);
    }
    prove_nothing_left(&proxy, &upstream);
    for query in ["", "keys=1", "akey=1", "a=key", "x?y=key"] {
        let target = format!("/x?{query}");
        let seen = passes(&proxy, &upstream, get(&format!("/api{target}")));
        assert_eq!(seen, target);
    }
}
