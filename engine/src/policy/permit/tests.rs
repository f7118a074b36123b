mod evasions;

use super::*;
use crate::limits::Limits;
use crate::message::HeadStorage;
use crate::message::{HeadLimits, HeadScan};
use crate::policy::{Credential, CredentialForm};
use crate::route::{RouteTable, UpstreamUrl};

const OWN: &[u8] = b"cred-proxy-5f3a";

fn credential() -> Credential {
    let form = CredentialForm::Scheme("Bearer".to_owned());
    let token = Secret::new(b"s3cret".to_vec());
    Credential::render("authorization", &form, &token).expect("usable")
}

fn route(edit: impl FnOnce(&mut Route)) -> RouteTable {
    let upstream = UpstreamUrl::parse("https://h/base").expect("an upstream");
    let mut route = Route::new("/gh/".to_owned(), upstream, credential());
    edit(&mut route);
    RouteTable::new(vec![route]).expect("one path")
}

/// `request`: a request line without version, and field lines.
fn decide_on<'t>(table: &'t RouteTable, request: &str) -> Result<Permit<'t>, Denial> {
    let (line, fields) = request.split_once('\n').unwrap_or((request, ""));
    let fields: String = fields.lines().map(|line| format!("{line}\r\n")).collect();
    let block = format!("{line} HTTP/1.1\r\nHost: proxy\r\n{fields}\r\n").into_bytes();
    let mut storage = HeadStorage {
        block,
        ..HeadStorage::default()
    };
    let limits = HeadLimits::request(&Limits::default());
    let end = HeadScan::default()
        .scan(&storage.block, &limits)
        .expect("well-formed");
    storage.block.truncate(end.expect("a whole head"));
    let head = RequestHead::parse(storage).expect("well-formed");
    let target = RequestTarget::of(&head).expect("well-formed");
    let raw_path = match target {
        RequestTarget::Origin { path, .. } | RequestTarget::Absolute { path, .. } => path,
        RequestTarget::Authority | RequestTarget::Asterisk => b"/gh/",
    };
    let path = DecodedPath::of(raw_path)?;
    let route = table.find(raw_path).ok_or(Denial::NoRoute)?;
    decide(route, &head, &target, &path, OWN)
}

fn answer(table: &RouteTable, request: &str) -> Option<Denial> {
    decide_on(table, request).err()
}

#[test]
fn a_permit_holds_the_route_and_its_credential() {
    let table = route(|_| {});
    let permit = decide_on(&table, "GET /gh/repos?page=2\nVia: 1.1 other").expect("allowed");
    assert_eq!(permit.route().path, "/gh/");
    let (field_name, secret) = permit.credential();
    let mut value = Vec::new();
    secret.write_into(&mut value);
    assert_eq!(
        (field_name, &value[..]),
        ("authorization", &b"Bearer s3cret"[..])
    );
}

#[test]
fn each_denial_wins_over_those_after_it() {
    let all_wrong = route(|route| {
        route.methods = vec!["GET".to_owned(), "HEAD".to_owned()];
        route.deny = vec![DenyRule::parse("* /x/**").expect("a rule")];
        route.strip_query = vec!["token".to_owned()];
        route.credential = Credential::unset("authorization", "TOKEN_0");
    });
    let allow = || "GET, HEAD".to_owned();
    let loops = "Via: 1.1 cred-proxy-5f3a\nExpect: tea";
    for (request, denial) in [
        (
            format!("TRACE /gh/x/git-receive-pack?token\n{loops}"),
            Denial::Trace { allow: allow() },
        ),
        (
            format!("POST /gh/x/git-receive-pack?token\n{loops}"),
            Denial::Push { remote: None },
        ),
        (
            format!("POST /gh/x/y?token\n{loops}"),
            Denial::Method { allow: allow() },
        ),
        (
            format!("GET /gh/x/y?token\n{loops}"),
            Denial::Rule {
                rule: "* /x/**".to_owned(),
            },
        ),
        (
            format!("GET /gh/y?token\n{loops}"),
            Denial::Query {
                name: "token".to_owned(),
            },
        ),
        (format!("GET /gh/y\n{loops}"), Denial::Loop),
        ("GET /gh/y\nExpect: tea".to_owned(), Denial::Expectation),
        (
            "GET /gh/y".to_owned(),
            Denial::CredentialUnset {
                variable: "TOKEN_0".to_owned(),
            },
        ),
    ] {
        assert_eq!(answer(&all_wrong, &request), Some(denial), "{request}");
    }
    assert_eq!(
        answer(&route(|_| {}), "CONNECT h:443"),
        Some(Denial::Connect)
    );
    assert_eq!(answer(&route(|_| {}), "GET /gh"), Some(Denial::NoRoute));
}

#[test]
fn a_push_is_refused_and_its_gate_named() {
    let gated = route(|route| {
        let remote = ("owner/repo".to_owned(), "git://gate/app.git".to_owned());
        route.push_remotes.extend([remote]);
    });
    let named = Denial::Push {
        remote: Some("git://gate/app.git".to_owned()),
    };
    for (request, denial) in [
        ("POST /gh/owner/repo.git/git-receive-pack", &named),
        (
            "GET /gh/owner/repo/info/refs?service=git-receive-pack",
            &named,
        ),
        (
            "GET http://x/gh/owner/repo/info/refs?service=git-receive-pack",
            &named,
        ),
        (
            "POST /gh/other/repo/git-receive-pack",
            &Denial::Push { remote: None },
        ),
    ] {
        assert_eq!(answer(&gated, request).as_ref(), Some(denial), "{request}");
    }
    assert_eq!(
        answer(&gated, "POST /gh/owner/repo.git/git-upload-pack"),
        None
    );
}

#[test]
fn a_method_is_what_any_service_would_take_it_for() {
    let no_delete = route(|route| route.methods.retain(|method| method != "DELETE"));
    let ruled = route(|route| route.deny = vec![DenyRule::parse("DELETE /**").expect("a rule")]);
    for request in [
        "DELETE /gh/x",
        "POST /gh/x\nX-HTTP-Method-Override: DELETE",
        "POST /gh/x\nX-HTTP-METHOD-OVERRIDE: delete",
        "POST /gh/x\nX_HTTP_Method_Override: DELETE",
        "POST /gh/x\nx-http-method: DELETE",
        "POST /gh/x\nx-method-override: PATCH\nx-method-override: DELETE",
        "POST /gh/x\nX.HTTP~Method-Override: DELETE",
        "POST /gh/x?_method=DELETE",
        "POST /gh/x?a=b&_METHOD=delete",
        "POST /gh/x?%5Fmethod=%2544ELETE",
        "POST /gh/x?.method=+DELETE",
        "POST /gh/x?_method=PATCH&_method=DELETE",
        "POST /gh/x%3F_method=DELETE",
        "POST /gh/x?_method=PATCH\nx-http-method: DELETE",
    ] {
        assert!(
            matches!(answer(&no_delete, request), Some(Denial::Method { .. })),
            "{request}"
        );
        assert!(
            matches!(answer(&ruled, request), Some(Denial::Rule { .. })),
            "{request}"
        );
    }
    for request in [
        "POST /gh/x\nX-HTTP-Method-Override: patch",
        "POST /gh/x?_method=patch",
        "POST /gh/x?method=DELETE&x_method=DELETE&q=_method",
    ] {
        assert_eq!(answer(&ruled, request), None, "{request}");
    }
    for request in [
        "get /gh/x",
        "PROPFIND /gh/x",
        "POST /gh/x\nX-HTTP-Method: TRACE",
    ] {
        assert!(
            matches!(answer(&ruled, request), Some(Denial::Method { .. })),
            "{request}"
        );
    }
    let nothing = route(|route| route.methods.clear());
    let denial = answer(&nothing, "OPTIONS /gh/x").expect("denied");
    assert_eq!(denial.allow(), Some(""));
}

#[test]
fn our_pseudonym_is_found_wherever_it_stands() {
    let table = route(|_| {});
    for via in [
        "Via: 1.1 cred-proxy-5f3a",
        "Via: 1.0 a, 1.1 cred-proxy-5f3a (engine), 1.1 b",
        "VIA: 1.1 a\nvia: HTTP/1.1 Cred-Proxy-5F3A",
        "Via: 1.0 \", 1.1 cred-proxy-5f3a",
        "Via: 1.0 a (,1.1\tcred-proxy-5f3a",
        "Via: 1.1 cred-proxy-5f3a:80",
    ] {
        assert_eq!(
            answer(&table, &format!("GET /gh/x\n{via}")),
            Some(Denial::Loop),
            "{via}"
        );
    }
    for via in [
        "Via: 1.1 cred-proxy-0000",
        "Via: 1.1 cred-proxy-5f3a0",
        "X: cred-proxy-5f3a",
    ] {
        assert_eq!(answer(&table, &format!("GET /gh/x\n{via}")), None, "{via}");
    }
}

#[test]
fn only_100_continue_may_be_expected() {
    let table = route(|_| {});
    for (fields, denied) in [
        ("Expect: 100-continue", false),
        ("expect: 100-Continue, 100-continue", false),
        ("Expect:", false),
        ("Expect: 100-continue\nExpect: tea", true),
        ("Expect: 100-continue, tea", true),
        ("Expect: 100-continue;q=1", true),
        ("Expect: 200-ok", true),
    ] {
        let denial = answer(&table, &format!("PUT /gh/x\n{fields}"));
        assert_eq!(denial, denied.then_some(Denial::Expectation), "{fields}");
    }
}
