//! Requests that some service would read as others than the policy might think.

use super::*;
use crate::limits;

#[test]
fn a_few_overrides_are_looked_at_and_more_refused() {
    let table = route(|_| {});
    let field = "X-HTTP-Method-Override: PATCH\n";
    let parameter = "_method=PATCH&";
    for fields in 0..=limits::METHOD_OVERRIDES_CEILING {
        let parameters = limits::METHOD_OVERRIDES_CEILING - fields;
        let request = |more: &str| {
            let (parameters, fields) = (parameter.repeat(parameters), field.repeat(fields));
            format!("POST /gh/x?{parameters}\n{fields}{more}")
        };
        assert_eq!(answer(&table, &request("")), None, "{fields}");
        let past_bound = answer(&table, &request(field));
        assert_eq!(past_bound, Some(Denial::Overrides), "{fields}");
    }
}

#[test]
fn no_field_may_name_another_path() {
    let table = route(|_| {});
    for name in [
        "X-Original-URL",
        "x_original_url",
        "X-Rewrite-Url",
        "X_REWRITE-URL",
        "X-Original-URI",
        "X.Original.URL",
    ] {
        let request = format!("GET /gh/x\n{name}: /admin");
        assert_eq!(
            answer(&table, &request),
            Some(Denial::PathField),
            "{request}"
        );
    }
    for name in ["X-Original-Host", "X-OriginalURL", "Original-URL", "URL"] {
        let request = format!("GET /gh/x\n{name}: /admin");
        assert_eq!(answer(&table, &request), None, "{request}");
    }
}

#[test]
fn no_path_may_begin_with_two_slashes_at_the_upstream() {
    let refused = Some(Denial::Path(PathRefused::Authority));
    let at_root = route(|route| route.upstream = UpstreamUrl::parse("https://h/").expect("one"));
    let below = route(|_| {});
    for suffix in ["/x/repos/o/r", "/", "%2Fx/o", "%252Fx", "%5Cx", ";a/x"] {
        let request = format!("DELETE /gh/{suffix}");
        assert_eq!(answer(&at_root, &request), refused, "{request}");
        assert_eq!(answer(&below, &request), None, "{request}");
    }
    for suffix in ["", "x//y", "x/", "@sc%2Fname", "a%2Fb", "?/"] {
        let request = format!("GET /gh/{suffix}");
        assert_eq!(answer(&at_root, &request), None, "{request}");
    }
}

/// Each longer route denies what the shorter ones allow.
fn nested_routes() -> RouteTable {
    let paths = ["/n/", "/n/repos/", "/n/repos/o/r/", "/n/Package/"];
    let routes = paths.map(|path| {
        let upstream = UpstreamUrl::parse("https://h/base").expect("an upstream");
        let mut route = Route::new(path.to_owned(), upstream, credential());
        if path != "/n/" {
            route.deny = vec![DenyRule::parse("DELETE /**").expect("a rule")];
        }
        route
    });
    RouteTable::new(routes.into()).expect("paths differ")
}

#[test]
fn no_path_evades_a_longer_route_by_how_it_is_written() {
    let table = nested_routes();
    for path in [
        "/n/%72epos/o/r",
        "/n/%2572epos/o/r",
        "/n//repos/o/r",
        "/n/repos%2Fo/r",
        "/n/repos%5Co/r",
        "/n/repos%2F",
        "/n/repos;x/o/r",
        "/n/;x/repos/o/r",
        "/n/%2Frepos/o/r",
        "/n/Repos/o/r",
        "/n/repos%20/o/r",
        "/n/package/x",
        "/n/repos//o/r/x",
        "/n/repos/%6f/r/x",
        "/n/repos/o%2Fr/x",
    ] {
        let refused = Some(Denial::Path(PathRefused::OtherRoute));
        assert_eq!(answer(&table, &format!("DELETE {path}")), refused, "{path}");
    }
    for path in [
        "/n/",
        "/n/repos",
        "/n/%72epos",
        "/n/reposx/y",
        "/n/users/o%2Fr",
        "/n/@sc%2Frepos",
        "/n/x/repos/o",
        "/n/x%2Frepos%2Fo",
        "/n/repos/o/r",
        "/n/repos/%61/b",
        "/n/repos/o%20/x%2Fr",
        "/n/repos/o/r/%2F",
    ] {
        assert_eq!(answer(&table, &format!("GET {path}")), None, "{path}");
    }
}

#[test]
fn what_clients_really_send_passes() {
    let guarded = route(|route| {
        route.upstream = UpstreamUrl::parse("https://h").expect("an upstream");
        let rules = ["DELETE /repos/*/*", "* /admin/**", "POST /projects/*/hooks"];
        route.deny = rules
            .map(|rule| DenyRule::parse(rule).expect("a rule"))
            .into();
        route.strip_query = vec!["private_token".to_owned()];
    });
    for request in [
        "GET /gh/@sc%2fname",
        "GET /gh/@sc/name/-/name-1.0.0.tgz",
        "PUT /gh/@sc%2Fname",
        "GET /gh/-/v1/search?text=a+b&size=20&from=0",
        "GET /gh/projects/group%2Fproject/repository/files/src%2Fa%20b.rs/raw?ref=main",
        "POST /gh/projects/group%2Fproject/issues",
        "GET /gh/projects/group%2Fproject/hooks",
        "GET /gh/o/r.git/info/refs?service=git-upload-pack",
        "POST /gh/o/r.git/git-upload-pack",
        "GET /gh/repos/o/r/contents/My%20File.v2.txt?ref=a/b",
        "GET /gh/repos/o/r/contents/C%23/x%3F.md",
        "DELETE /gh/repos/o/r/git/refs/heads/a.b",
        "DELETE /gh/repos/o/r/labels/good%20first%20issue",
        "GET /gh/repos/o/r/compare/v1.0...v2.0",
        "GET /gh/repos/o/r/pulls?state=open&labels[]=a&filter[x]=y&page=2",
        "GET /gh/search/issues?q=is%3Aopen+token%3Dx+%23tag+what%3F",
        "POST /gh/v1/messages?beta=true",
        "POST /gh/v1beta/models/gemini-pro:streamGenerateContent?alt=sse",
        "GET /gh/simple/zope.interface/",
        "GET /gh/golang.org/x/!big/@v/v1.0.0+incompatible.zip",
    ] {
        assert_eq!(answer(&guarded, request), None, "{request}");
    }
}

#[test]
fn a_request_made_to_be_slow_costs_a_pass_a_rule() {
    let slow = route(|route| {
        let rules = (0..10).map(|n| DenyRule::parse(&format!("DELETE /*/*/*/a{n}")));
        route.deny = rules.collect::<Result<_, _>>().expect("rules");
    });
    let path = "/;".repeat(8000);
    let overrides = "X-HTTP-Method: DELETE\n".repeat(limits::METHOD_OVERRIDES_CEILING);
    let request = format!("POST /gh{path}\n{overrides}");
    assert_eq!(answer(&slow, &request), None);
}
