//! Section 3, the rest: methods, the deny list, loops, expectations; section 2,
//! credentials that are not there.

use crate::support::{
    OK, assert_refusal, get, pair, passes, prove_nothing_left, refused, refused_with, request,
};
use harness::proxy::bearer;
use harness::{Peer, Proxy, Response, Upstream};
use serde_json::json;

fn allowed(answer: &Response) -> Vec<String> {
    let allow = answer.head.one("allow").expect("a 405 has Allow");
    let mut methods: Vec<String> = allow.split(',').map(|m| m.trim().to_owned()).collect();
    methods.sort();
    methods
}

#[test]
fn trace_would_reflect_the_credential_and_is_refused() {
    let (upstream, proxy) = pair();
    let answer = refused(&proxy, &upstream, request("TRACE", "/api/x", ""), 405);
    let default = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    assert_eq!(allowed(&answer), default);
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn trace_is_refused_even_where_the_route_lists_it() {
    let upstream = Upstream::plain();
    let started = Proxy::to(&upstream)
        .with(json!({"methods": ["GET", "TRACE"]}))
        .try_start();
    // Such a list may be a configuration error as well.
    match started {
        Err(finished) => assert_eq!(finished.code(), 2, "{finished:?}"),
        Ok(proxy) => {
            refused(&proxy, &upstream, request("TRACE", "/api/x", ""), 405);
        }
    }
}

#[test]
fn a_method_that_the_route_does_not_list_is_refused_with_those_it_does() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .with(json!({"methods": ["GET", "POST"]}))
        .route(bearer("/all/", &upstream.url()))
        .start();
    for method in ["PUT", "DELETE", "PATCH", "PROPFIND", "get", "Get", "X"] {
        let answer = refused(&proxy, &upstream, request(method, "/api/x", ""), 405);
        assert_eq!(allowed(&answer), ["GET", "POST"], "{method}");
    }
    for method in ["PROPFIND", "MKCOL", "post", "PURGE"] {
        refused(&proxy, &upstream, request(method, "/all/x", ""), 405);
    }
    prove_nothing_left(&proxy, &upstream);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "POST", "GET"] {
        passes(
            &proxy,
            &upstream,
            request(method, "/all/x", "Content-Length: 0\r\n"),
        );
    }
}

#[test]
fn an_empty_list_of_methods_does_not_mean_all() {
    let upstream = Upstream::plain();
    let started = Proxy::to(&upstream)
        .with(json!({"methods": []}))
        .try_start();
    match started {
        Err(finished) => assert_eq!(finished.code(), 2, "{finished:?}"),
        Ok(proxy) => {
            refused(&proxy, &upstream, get("/api/x"), 405);
        }
    }
}

#[test]
fn a_route_may_list_other_methods() {
    let upstream = Upstream::plain();
    let proxy = Proxy::to(&upstream)
        .with(json!({"methods": ["PROPFIND"]}))
        .start();
    passes(&proxy, &upstream, request("PROPFIND", "/api/x", ""));
    refused(&proxy, &upstream, get("/api/x"), 405);
}

#[test]
fn a_denied_address_is_refused_and_the_rule_named() {
    let upstream = Upstream::plain();
    let rules = [
        "POST /repos/*/*/merges",
        "DELETE /repos/**",
        "GET /user/keys",
    ];
    let proxy = Proxy::to(&upstream).with(json!({"deny": rules})).start();
    for (method, suffix, rule) in [
        ("POST", "repos/o/r/merges", rules[0]),
        ("POST", "repos/o/r/merges?x=y", rules[0]),
        ("POST", "%72epos/o/r/merge%73", rules[0]),
        ("POST", "repos/o/r%2Fmerges", rules[0]),
        // One segment for a service that does not decode it, and two for another.
        ("POST", "repos/o%2Fx/r/merges", rules[0]),
        ("POST", "repos/o/r%252Fx/merges", rules[0]),
        ("DELETE", "repos/o", rules[1]),
        ("DELETE", "repos/o/r/git/refs/heads/main", rules[1]),
        ("GET", "user/keys", rules[2]),
        ("GET", "user%2Fkeys", rules[2]),
        ("GET", "user/%6beys", rules[2]),
        ("GET", "user/%256beys", rules[2]),
    ] {
        let octets = request(method, &format!("/api/{suffix}"), "");
        let text = refused(&proxy, &upstream, octets, 403).text();
        assert!(text.contains(rule), "{text:?} names {rule:?}");
    }
    prove_nothing_left(&proxy, &upstream);
    for (method, suffix) in [
        ("GET", "repos/o/r/merges"),
        ("POST", "repos/o/merges"),
        ("POST", "repos/o/r/s/merges"),
        ("POST", "repos/o/r/merges/x"),
        ("DELETE", "users/o"),
        ("GET", "user/keys/1"),
        ("GET", "user"),
    ] {
        passes(
            &proxy,
            &upstream,
            request(method, &format!("/api/{suffix}"), "Content-Length: 0\r\n"),
        );
    }
}

#[test]
fn a_request_that_has_been_here_before_is_refused() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    let via = service.read_head().one("via").expect("Via");
    service.send(OK);
    client.read_response("GET");
    service.close();
    let pseudonym = via.strip_prefix("1.1 ").expect("the received version");
    assert!(pseudonym.starts_with("cred-proxy-"), "{pseudonym}");
    for fields in [
        format!("Via: 1.1 {pseudonym}\r\n"),
        format!("via: 1.0 fred, 1.1 {pseudonym}, 1.1 other\r\n"),
        format!("Via: 1.1 other\r\nVia: HTTP/1.1 {pseudonym} (comment)\r\n"),
        format!("Via: 1.1 {}\r\n", pseudonym.to_uppercase()),
    ] {
        refused(&proxy, &upstream, request("GET", "/api/x", &fields), 508);
    }
    prove_nothing_left(&proxy, &upstream);
    for fields in [
        "Via: 1.1 cred-proxy-0000000000000000\r\n".to_owned(),
        format!("Via: 1.1 {pseudonym}x\r\n"),
        "Via: 1.1 cred-proxy\r\n".to_owned(),
        format!("X-Via: 1.1 {pseudonym}\r\n"),
    ] {
        passes(&proxy, &upstream, request("GET", "/api/x", &fields));
    }
}

#[test]
fn each_process_has_its_own_pseudonym_so_that_proxies_can_be_chained() {
    let upstream = Upstream::plain();
    let inner = Proxy::to(&upstream).start();
    let outer = Proxy::to_url(&format!("http://{}/api", inner.authority())).start();
    let mut client = outer.client();
    client.send(get("/api/x"));
    let mut service = upstream.accept();
    let via = service.read_head().all("via");
    assert_eq!(via.len(), 2, "{via:?}");
    assert_ne!(via[0], via[1]);
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}

#[test]
fn an_expectation_other_than_100_continue_is_refused() {
    let (upstream, proxy) = pair();
    for value in [
        "200-ok",
        "100-continued",
        "x=y",
        "100-continue, x",
        "continue",
    ] {
        let fields = format!("Expect: {value}\r\nContent-Length: 0\r\n");
        let octets = request("POST", "/api/x", &fields);
        refused_with(&proxy, &upstream, octets, &[417], false);
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn a_route_without_its_token_answers_500_and_names_the_variable_alone() {
    let upstream = Upstream::plain();
    let odd = "not-ascii-\u{e9}-at-all";
    let proxy = Proxy::to(&upstream)
        .route(json!({"path": "/unset/", "upstream": upstream.url(), "auth_scheme": "Bearer", "token_env": "THE_UNSET"}))
        .route(json!({"path": "/empty/", "upstream": upstream.url(), "auth_scheme": "Bearer", "token_env": "THE_EMPTY"}))
        .route(json!({"path": "/odd/", "upstream": upstream.url(), "auth_scheme": "Bearer", "token_env": "THE_ODD"}))
        .route(json!({"path": "/spaced/", "upstream": upstream.url(), "auth_scheme": "Bearer", "token_env": "THE_SPACED"}))
        .env("THE_EMPTY", "")
        .token("THE_ODD", odd)
        .token("THE_SPACED", "two words-of-token")
        .start();
    for (path, variable) in [
        ("/unset/x", "THE_UNSET"),
        ("/empty/x", "THE_EMPTY"),
        ("/odd/x", "THE_ODD"),
        ("/spaced/x", "THE_SPACED"),
    ] {
        let text = refused(&proxy, &upstream, get(path), 500).text();
        assert!(text.contains(variable), "{text:?} names {variable}");
    }
    for variable in ["THE_ODD", "THE_SPACED"] {
        proxy.wait_for_line("a warning", |line| line.contains(variable));
    }
    prove_nothing_left(&proxy, &upstream);
}

#[test]
fn a_refused_exchange_leaves_the_connection_usable() {
    let (upstream, proxy) = pair();
    let mut client = proxy.client();
    for (octets, status) in [
        (get("/none"), 404),
        (get("/api/../x"), 400),
        (request("TRACE", "/api/x", ""), 405),
        (get("/api/git-receive-pack"), 403),
    ] {
        let answer = client.ask(octets);
        assert_refusal(&answer, status);
        assert!(!answer.closes(), "{:?}", answer.head);
    }
    upstream.assert_untouched();
    client.send(get("/api/last"));
    let mut service = upstream.accept();
    assert_eq!(service.read_head().start_line(), "GET /last HTTP/1.1");
    service.send(OK);
    assert_eq!(client.read_response("GET").status(), 200);
}

#[test]
fn the_body_of_a_refused_request_is_never_read_as_a_request() {
    let (upstream, proxy) = pair();
    let smuggled = get("/api/smuggled");
    let length = smuggled.len();
    for octets in [
        request("POST", "/none", &format!("Content-Length: {length}\r\n")) + &smuggled,
        request("POST", "/none", "Transfer-Encoding: chunked\r\n")
            + &format!("{length:x}\r\n{smuggled}\r\n0\r\n\r\n"),
    ] {
        let mut client = proxy.client();
        let answer = client.ask(octets);
        assert_refusal(&answer, 404);
        if answer.closes() {
            client.wait_for_close();
        } else {
            assert_refusal(&client.ask(get("/none-either")), 404);
        }
    }
    prove_nothing_left(&proxy, &upstream);
}
