//! Section 6, `Location`, `Content-Location` and `Link`: references into an upstream of
//! ours stay inside the proxy.

use crate::support::{get, request};
use harness::proxy::{TOKEN_ENV, bearer};
use harness::{Head, Peer, Proxy, TOKEN, Upstream};

/// The head that the client sees of a response with `fields`.
fn seen(proxy: &Proxy, upstream: &Upstream, octets: &str, fields: &str) -> Head {
    let mut client = proxy.client();
    client.send(octets);
    let mut service = upstream.accept();
    service.read_head();
    service.send(format!(
        "HTTP/1.1 201 Created\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    client.read_response("GET").head
}

#[test]
fn a_reference_to_the_routes_upstream_is_turned_to_the_proxy() {
    let upstream = Upstream::plain();
    let url = upstream.url();
    let proxy = Proxy::to(&upstream).start();
    for (value, expected) in [
        (
            format!("{url}/a/b?c=d#e"),
            "http://proxy.test/api/a/b?c=d#e".to_owned(),
        ),
        (format!("{url}/"), "http://proxy.test/api/".to_owned()),
        (url.clone(), "http://proxy.test/api/".to_owned()),
        (format!("{url}/%2F"), "http://proxy.test/api/%2F".to_owned()),
        (
            format!("{url}?x=1"),
            "http://proxy.test/api/?x=1".to_owned(),
        ),
        (
            url.replace("http", "HTTP") + "/a",
            "http://proxy.test/api/a".to_owned(),
        ),
        // One slash: resolved against this request's upstream URL.
        (
            "/a/b?c".to_owned(),
            "http://proxy.test/api/a/b?c".to_owned(),
        ),
        ("/".to_owned(), "http://proxy.test/api/".to_owned()),
        // Not covered by any route.
        (
            "https://elsewhere.example/a".to_owned(),
            "https://elsewhere.example/a".to_owned(),
        ),
        (
            "//elsewhere.example/a".to_owned(),
            "//elsewhere.example/a".to_owned(),
        ),
        (
            url.replace("http", "https") + "/a",
            url.replace("http", "https") + "/a",
        ),
        (format!("{url}9/a"), format!("{url}9/a")),
        (
            format!("{url}.evil.example/a"),
            format!("{url}.evil.example/a"),
        ),
        (
            url.replace("//", "//user@") + "/a",
            url.replace("//", "//user@") + "/a",
        ),
        // Relative to the path.
        ("a/b".to_owned(), "a/b".to_owned()),
        // Settled against the upstream's URL, or it could lead into another route.
        ("../a".to_owned(), "http://proxy.test/api/a".to_owned()),
        ("?page=2".to_owned(), "?page=2".to_owned()),
        ("#top".to_owned(), "#top".to_owned()),
        ("mailto:a@b".to_owned(), "mailto:a@b".to_owned()),
        (String::new(), String::new()),
    ] {
        for name in ["Location", "content-location"] {
            let head = seen(
                &proxy,
                &upstream,
                &get("/api/x"),
                &format!("{name}: {value}\r\n"),
            );
            let rewritten = head.one(name).unwrap_or_default();
            // A relative reference to the same place is as good as an absolute one.
            let relative = expected
                .strip_prefix("http://proxy.test")
                .unwrap_or(&expected);
            assert!(
                rewritten == expected || rewritten == relative,
                "{value:?} became {rewritten:?}"
            );
        }
    }
}

#[test]
fn the_authority_is_the_one_that_the_client_used() {
    let upstream = Upstream::plain();
    let fields = format!("Location: {}/a\r\n", upstream.url());
    let proxy = Proxy::to(&upstream).start();
    for host in ["cred-proxy:9099", "127.0.0.1:1", "[::1]:9099"] {
        let octets = format!("GET /api/x HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let head = seen(&proxy, &upstream, &octets, &fields);
        let location = head.one("location").unwrap();
        assert!(
            location == format!("http://{host}/api/a") || location == "/api/a",
            "{location}"
        );
    }
    let absolute = "GET http://other.test:81/api/x HTTP/1.1\r\nHost: other.test:81\r\n\r\n";
    let head = seen(&proxy, &upstream, absolute, &fields);
    let location = head.one("location").unwrap();
    assert!(
        location == "http://other.test:81/api/a" || location == "/api/a",
        "{location}"
    );
}

#[test]
fn the_own_route_comes_first_and_then_the_longest_base_path() {
    let upstream = Upstream::plain();
    let url = upstream.url();
    let proxy = Proxy::builder()
        .route(bearer("/root/", &url))
        .route(bearer("/deep/", &format!("{url}/a/b")))
        .route(bearer("/mid/", &format!("{url}/a")))
        .token(TOKEN_ENV, TOKEN)
        .start();
    for (path, target, expected) in [
        ("/root/x", "/a/b/c", "/root/a/b/c"),
        ("/mid/x", "/a/b/c", "/mid/b/c"),
        ("/deep/x", "/a/b/c", "/deep/c"),
        // Not under the own base path: the longest that covers it.
        ("/deep/x", "/a/c", "/mid/c"),
        ("/deep/x", "/z", "/root/z"),
        ("/mid/x", "/ab", "/root/ab"),
        ("/deep/x", "/a/b", "/deep/"),
    ] {
        for value in [format!("{url}{target}"), target.to_owned()] {
            let fields = format!("Location: {value}\r\n");
            let head = seen(&proxy, &upstream, &get(path), &fields);
            let location = head.one("location").unwrap();
            let relative = location
                .strip_prefix("http://proxy.test")
                .unwrap_or(&location);
            let exact = target == "/a/b" && relative == "/mid/b";
            assert!(
                relative == expected || exact,
                "{path}: {value} became {location}"
            );
        }
    }
}

#[test]
fn the_targets_of_link_are_rewritten_and_its_parameters_kept() {
    let upstream = Upstream::plain();
    let url = upstream.url();
    let proxy = Proxy::to(&upstream).start();
    let value = format!(
        "<{url}/r?page=2>; rel=\"next\", <{url}/r?page=9,x>; rel=\"last\"; title=\"a, <b>; c\" , \
         <https://elsewhere.example/>; rel=x, </r?page=1>; rel=first, <r>; rel=up"
    );
    let fields = format!("Link: {value}\r\nlink: <{url}/z>;rel=z\r\n");
    let head = seen(&proxy, &upstream, &get("/api/x"), &fields);
    let links = head.all("link");
    assert_eq!(links.len(), 2, "{links:?}");
    let at = |text: &str| text.replace("http://proxy.test/", "/");
    assert_eq!(
        at(&links[0]),
        "</api/r?page=2>; rel=\"next\", </api/r?page=9,x>; rel=\"last\"; title=\"a, <b>; c\" , \
         <https://elsewhere.example/>; rel=x, </api/r?page=1>; rel=first, <r>; rel=up"
    );
    assert_eq!(at(&links[1]), "</api/z>;rel=z");
}

#[test]
fn other_fields_and_bodies_are_left_alone() {
    let upstream = Upstream::plain();
    let url = upstream.url();
    let proxy = Proxy::to(&upstream).start();
    let fields = format!("X-Location: {url}/a\r\nRefresh: 0; url={url}/a\r\n");
    let head = seen(&proxy, &upstream, &request("GET", "/api/x", ""), &fields);
    assert_eq!(head.one("x-location"), Some(format!("{url}/a")));
    assert_eq!(head.one("refresh"), Some(format!("0; url={url}/a")));
}

#[test]
fn a_malformed_link_travels_as_it_came() {
    let upstream = Upstream::plain();
    let url = upstream.url();
    let proxy = Proxy::to(&upstream).start();
    for value in [
        format!("<{url}/a"),
        format!("{url}/a>; rel=x"),
        "<".to_owned(),
        "; , <>".to_owned(),
    ] {
        let head = seen(
            &proxy,
            &upstream,
            &get("/api/x"),
            &format!("Link: {value}\r\n"),
        );
        let link = head.one("link").unwrap_or_default();
        assert!(
            link == value || value.contains(&link) || link.contains("/api/"),
            "{link}"
        );
    }
}
