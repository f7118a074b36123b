use super::*;
use crate::policy::{CredentialForm, Secret};

fn token(token: &str) -> Credential {
    let token = Secret::new(token.as_bytes().to_vec());
    Credential::render("authorization", &CredentialForm::Bare, &token).expect("usable")
}

fn route(path: &str, upstream: &str) -> Route {
    let upstream = UpstreamUrl::parse(upstream).expect("an upstream");
    Route::new(path.to_owned(), upstream, token("t"))
}

fn table(paths: &[&str]) -> RouteTable {
    let routes = paths.iter().map(|path| route(path, "https://h")).collect();
    RouteTable::new(routes).expect("paths differ")
}

fn found<'t>(table: &'t RouteTable, path: &str) -> Option<&'t str> {
    table.find(path.as_bytes()).map(|route| route.path.as_str())
}

#[test]
fn the_longest_prefix_wins() {
    let table = table(&["/a/", "/a/b/", "/a/b/c/d/", "/a/c/", "/b/", "/a-b/", "/a!/"]);
    for (path, expected) in [
        ("/a/", Some("/a/")),
        ("/a/x", Some("/a/")),
        ("/a/b", Some("/a/")),
        ("/a/b/", Some("/a/b/")),
        ("/a/b/c/", Some("/a/b/")),
        ("/a/b/c/d", Some("/a/b/")),
        ("/a/b/c/d/e", Some("/a/b/c/d/")),
        ("/a/b/c/e", Some("/a/b/")),
        ("/a/bb/", Some("/a/")),
        ("/a/c/~", Some("/a/c/")),
        ("/a/~", Some("/a/")),
        ("/b/\u{7f}", Some("/b/")),
        ("/a-b/x", Some("/a-b/")),
        ("/a", None),
        ("/a-", None),
        ("/b", None),
        ("/c/", None),
        ("/A/", None),
        ("//a/", None),
        ("/%61/", None),
        ("", None),
        ("/", None),
        ("~", None),
    ] {
        assert_eq!(found(&table, path), expected, "{path}");
    }
}

#[test]
fn a_table_may_be_empty_or_take_everything() {
    assert_eq!(found(&table(&[]), "/"), None);
    let everything = table(&["/", "/a/"]);
    assert_eq!(found(&everything, "/x"), Some("/"));
    assert_eq!(found(&everything, "/a"), Some("/"));
    assert_eq!(found(&everything, "/a/"), Some("/a/"));
}

#[test]
fn a_thousand_routes_are_searched_as_if_one_by_one() {
    let mut paths: Vec<String> = (0..700).map(|n| format!("/r{n}/")).collect();
    paths.extend((0..200).map(|n| format!("/r{n}/deep/{}/", n % 7)));
    paths.extend((1..=100).map(|depth| "/n".repeat(depth) + "/"));
    let names: Vec<&str> = paths.iter().map(String::as_str).collect();
    let table = table(&names);
    assert_eq!(table.routes().len(), 1000);
    let asked = paths.iter().flat_map(|path| {
        let shorter = path.trim_end_matches('/').to_owned();
        [
            path.clone(),
            format!("{path}x"),
            shorter.clone(),
            shorter + "0/",
            path.replace('r', "q"),
        ]
    });
    for path in asked {
        let prefixes = names.iter().copied().filter(|name| path.starts_with(name));
        let expected = prefixes.max_by_key(|name| name.len());
        assert_eq!(found(&table, &path), expected, "{path}");
    }
}

#[test]
fn a_path_that_is_there_twice_is_named() {
    let routes = vec![
        route("/a/", "https://h"),
        route("/b/", "https://h"),
        route("/a/", "https://i"),
    ];
    let duplicate = RouteTable::new(routes).err().expect("a duplicate");
    assert_eq!(duplicate.to_string(), "two routes have the path `/a/`");
}

#[test]
fn a_pool_is_shared_by_one_origin_with_one_credential_only() {
    let make = || {
        let mut routes = vec![
            route("/0/", "https://h"),
            route("/1/", "https://H:443/base"),
            route("/2/", "https://h"),
            route("/3/", "https://h:444"),
            route("/4/", "http://h:443"),
            route("/5/", "https://i"),
            route("/6/", "https://h"),
            route("/7/", "https://h"),
        ];
        routes[2].credential = token("other");
        routes[6].credential = Credential::unset("authorization", "V");
        routes[7].credential = Credential::unset("authorization", "V");
        RouteTable::new(routes).expect("paths differ")
    };
    let (table, reloaded) = (make(), make());
    let keys: Vec<PoolKey> = table.routes().iter().map(|route| route.pool_key).collect();
    assert_eq!(keys[0], keys[1]);
    let distinct: std::collections::BTreeSet<PoolKey> = keys.iter().copied().collect();
    assert_eq!(distinct.len(), 7);
    assert!(
        reloaded
            .routes()
            .iter()
            .all(|route| !distinct.contains(&route.pool_key))
    );
}

#[test]
fn a_location_is_covered_by_its_own_route_first_then_by_the_longest_base_path() {
    let table = RouteTable::new(vec![
        route("/root/", "https://h"),
        route("/api/", "https://h/api"),
        route("/v4/", "https://h/api/v4"),
        route("/port/", "https://h:8443"),
        route("/plain/", "http://h"),
        route("/other/", "https://i/x"),
        route("/v6/", "https://[::1]"),
    ]);
    let table = table.expect("paths differ");
    let covered = |own: &str, scheme, host: &str, port, path: &str| {
        let own = table.find(own.as_bytes()).expect("a route");
        let found = table.covering(own, scheme, host.as_bytes(), port, path.as_bytes());
        found.map(|route| route.path.clone())
    };
    use Scheme::{Http, Https};
    for (own, scheme, host, port, path, expected) in [
        ("/other/", Https, "h", 443, "/", Some("/root/")),
        ("/other/", Https, "h", 443, "", Some("/root/")),
        ("/other/", Https, "H", 443, "/api/v4/x", Some("/v4/")),
        ("/other/", Https, "h", 443, "/api/v4", Some("/v4/")),
        ("/other/", Https, "h", 443, "/api/v40", Some("/api/")),
        ("/other/", Https, "h", 443, "/apix", Some("/root/")),
        ("/root/", Https, "h", 443, "/api/v4/x", Some("/root/")),
        ("/api/", Https, "h", 443, "/api/v4/x", Some("/api/")),
        ("/api/", Https, "h", 443, "/x", Some("/root/")),
        ("/root/", Https, "h", 8443, "/", Some("/port/")),
        ("/root/", Http, "h", 80, "/", Some("/plain/")),
        ("/root/", Http, "h", 443, "/", None),
        ("/root/", Https, "i", 443, "/x/y", Some("/other/")),
        ("/root/", Https, "i", 443, "/y", None),
        ("/root/", Https, "[::1]", 443, "/", Some("/v6/")),
        ("/root/", Https, "::1", 443, "/", Some("/v6/")),
        ("/root/", Https, "hh", 443, "/", None),
        ("/root/", Https, "", 443, "/", None),
    ] {
        let context = format!("{own} {host}:{port}{path}");
        assert_eq!(
            covered(own, scheme, host, port, path).as_deref(),
            expected,
            "{context}"
        );
    }
}
