use super::*;
use crate::route::Route;

fn tokens() -> TokenSource {
    TokenSource::of(|name| match name {
        "T" => Some("s3cret".into()),
        "BROKEN" => Some("s3c ret".into()),
        "NEWLINE" => Some("s3cret\n".into()),
        "EMPTY" => Some("".into()),
        _ => None,
    })
}

fn load(text: &str) -> Result<LoadedRoutes, Vec<String>> {
    parse_routes(text.as_bytes(), &tokens())
        .map_err(|problems| problems.iter().map(Problem::to_string).collect())
}

/// A file with one good route, of which `edit` changes or adds keys.
fn with(edit: &str) -> String {
    let key = edit.split(':').next().unwrap_or_default();
    let complete = [
        r#""path": "/a/""#,
        r#""upstream": "https://h""#,
        r#""auth_scheme": "Bearer""#,
        r#""token_env": "T""#,
    ];
    let kept = complete
        .into_iter()
        .filter(|pair| !pair.starts_with(key) || key.is_empty());
    let pairs: Vec<&str> = kept
        .chain([edit])
        .filter(|pair| pair.contains(": "))
        .collect();
    format!(r#"{{"routes": [{{{}}}]}}"#, pairs.join(", "))
}

fn value(route: &Route) -> (String, String) {
    let value = route.credential.value_for_test().expect("set");
    (route.credential.field_name().to_owned(), value)
}

#[test]
fn four_keys_make_a_route() {
    let loaded = load(&with("")).expect("complete");
    let [route] = loaded.table.routes() else {
        panic!("one route")
    };
    assert_eq!(
        (route.path.as_str(), route.upstream.authority()),
        ("/a/", "h")
    );
    assert_eq!(
        value(route),
        ("authorization".to_owned(), "Bearer s3cret".to_owned())
    );
    assert_eq!(
        route.methods,
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    );
    assert!(route.deny.is_empty() && route.strip_query.is_empty() && route.upgrade.is_empty());
    assert!(route.accept_encoding.is_none() && route.push_remotes.is_empty());
    assert!(loaded.warnings.is_empty());
}

#[test]
fn no_routes_are_legal() {
    let loaded = load(r#"{"routes": []}"#).expect("legal");
    assert!(loaded.table.routes().is_empty());
}

#[test]
fn every_optional_key_is_read() {
    let loaded = load(
        r#"{"routes": [{
            "path": "/git/", "upstream": "https://github.com", "auth_scheme": "basic",
            "auth_user": "oauth2", "token_env": "T", "methods": ["GET", "POST"],
            "deny": ["DELETE /repos/*/*", "* /admin/**"], "strip_query": ["access_token"],
            "upgrade": ["WebSocket"], "accept_encoding": "identity",
            "push_remotes": {"Owner/Repo.git": "git://git-gate/app.git"}
        }]}"#,
    );
    let loaded = loaded.expect("complete");
    let [route] = loaded.table.routes() else {
        panic!("one route")
    };
    assert_eq!(value(route).1, "Basic b2F1dGgyOnMzY3JldA==");
    assert_eq!(route.methods, ["GET", "POST"]);
    assert_eq!(route.deny.len(), 2);
    assert_eq!(
        (&route.strip_query[0][..], &route.upgrade[0][..]),
        ("access_token", "websocket")
    );
    assert_eq!(route.accept_encoding.as_deref(), Some("identity"));
    assert_eq!(route.push_remotes["owner/repo"], "git://git-gate/app.git");
}

#[test]
fn a_credential_is_rendered_as_its_keys_say() {
    let row = |field: &str, value: &str| (field.to_owned(), value.to_owned());
    for (edit, expected) in [
        (
            r#""auth_scheme": "token""#,
            row("authorization", "token s3cret"),
        ),
        (
            r#""auth_scheme": "Basic""#,
            row("authorization", "Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0"),
        ),
        (
            r#""auth_scheme": "Basic", "auth_user": """#,
            row("authorization", "Basic OnMzY3JldA=="),
        ),
        (r#""auth_header": "X-Auth""#, row("x-auth", "Bearer s3cret")),
        (
            r#""auth_scheme":"", "auth_header": "x-api-key""#,
            row("x-api-key", "s3cret"),
        ),
    ] {
        let text = with(edit).replace(r#""auth_scheme":"", "#, "");
        let loaded = load(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(value(&loaded.table.routes()[0]), expected, "{edit}");
    }
}

#[test]
fn an_empty_list_of_methods_allows_nothing() {
    let loaded = load(&with(r#""methods": []"#)).expect("legal");
    assert!(loaded.table.routes()[0].methods.is_empty());
}

#[test]
fn a_token_that_is_missing_is_a_warning_that_never_shows_it() {
    let after = "; the route answers 500 until there is a token";
    for (edit, reason) in [
        (r#""token_env": "UNSET""#, "UNSET is unset or empty"),
        (r#""token_env": "EMPTY""#, "EMPTY is unset or empty"),
        (
            r#""token_env": "BROKEN""#,
            "BROKEN has an octet outside visible ASCII",
        ),
        (
            r#""token_env": "NEWLINE""#,
            "NEWLINE has an octet outside visible ASCII",
        ),
    ] {
        let loaded = load(&with(edit)).expect("legal");
        let warnings: Vec<String> = loaded.warnings.iter().map(Problem::to_string).collect();
        assert_eq!(warnings, [format!("routes[0]: {reason}{after}")]);
        assert!(!loaded.table.routes()[0].credential.is_set());
    }
    let text = with("").replace(r#""token_env": "T""#, r#""token_file": "/nowhere/token""#);
    let loaded = load(&text).expect("legal");
    let warning = loaded.warnings[0].to_string();
    assert!(
        warning.starts_with("routes[0]: /nowhere/token cannot be read: "),
        "{warning}"
    );
}

#[test]
fn a_file_is_read_up_to_its_limit() {
    let path = std::env::temp_dir().join(format!("routes-{}.json", std::process::id()));
    let padded = |length: usize| with("") + &" ".repeat(length - with("").len());
    std::fs::write(&path, padded(limits::ROUTES_FILE_OCTETS)).expect("written");
    assert!(load_routes(&path, &tokens()).is_ok());
    std::fs::write(&path, padded(limits::ROUTES_FILE_OCTETS + 1)).expect("written");
    let problems = load_routes(&path, &tokens()).err().expect("too long");
    std::fs::remove_file(&path).expect("removed");
    let line = format!("{}: is longer than 1048576 octets", path.display());
    assert_eq!(problems[0].to_string(), line);
    let problems = load_routes(&path, &tokens()).err().expect("gone");
    assert!(problems[0].to_string().contains(": cannot be read: "));
}

#[test]
fn every_problem_of_every_route_is_found() {
    let text = r#"{"version": 1, "routes": [
        {"path": "/a/", "upstream": "h", "auth_scheme": "", "token_env": ""},
        7,
        {"pfad": "/b/", "path": "/a/", "path": "/c/"}
    ]}"#;
    assert_eq!(
        load(text).err().expect("problems"),
        [
            r#"routes file: key "version" is unknown; there are routes"#,
            r#"routes[0].upstream: it does not begin with `https://` or `http://`; write it like "https://api.example.org""#,
            r#"routes[0].auth_scheme: must be the one word before the token, like "Bearer""#,
            r#"routes[0].token_env: must be the name of an environment variable, like "CRED_PROXY_TOKEN_0""#,
            "routes[1]: must be an object, not a number",
            r#"routes[2]: key "pfad" is unknown; there are path, upstream, auth_scheme, token_env, auth_header, auth_user, token_file, methods, deny, strip_query, upgrade, accept_encoding, push_remotes"#,
            r#"routes[2]: key "path" is there twice; keep one"#,
            "routes[2].path: is the path of routes[0] too; each route needs its own",
            r#"routes[2].upstream: is missing; write it like "https://api.example.org""#,
            r#"routes[2].auth_scheme: is missing; write the word before the token, like "Bearer""#,
            "routes[2].token_env: is missing; write the variable that holds the token, or token_file",
        ]
    );
}

#[test]
fn each_problem_is_told_in_one_line() {
    for (text, line) in [
        (
            "".to_owned(),
            "routes file: is no JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "{,}".to_owned(),
            "routes file: is no JSON: key must be a string at line 1 column 2",
        ),
        (
            "[]".to_owned(),
            "routes file: must be an object, not an array",
        ),
        (
            "{}".to_owned(),
            "routes file.routes: is missing; write [] for no routes",
        ),
        (
            r#"{"routes": {}}"#.to_owned(),
            "routes file.routes: must be an array, not an object",
        ),
        (
            r#"{"routes": [], "routes": []}"#.to_owned(),
            r#"routes file: key "routes" is there twice; keep one"#,
        ),
        (
            r#"{"routes": ["s3cret"]}"#.to_owned(),
            "routes[0]: must be an object, not a string",
        ),
        (
            with(r#""a\nb": 1"#),
            r#"routes[0]: key "a\nb" is unknown; there are path, upstream, auth_scheme, token_env, auth_header, auth_user, token_file, methods, deny, strip_query, upgrade, accept_encoding, push_remotes"#,
        ),
        (
            with(r#""deny": [], "deny": []"#),
            r#"routes[0]: key "deny" is there twice; keep one"#,
        ),
        (
            with(r#""path":"#),
            r#"routes[0].path: is missing; write the prefix that the agent calls, like "/gh-api/""#,
        ),
        (
            with(r#""path": 1"#),
            "routes[0].path: must be a string, not a number",
        ),
        (
            with(r#""path": "a/""#),
            r#"routes[0].path: must begin and end with `/`, like "/gh-api/""#,
        ),
        (
            with(r#""path": "/a""#),
            r#"routes[0].path: must begin and end with `/`, like "/gh-api/""#,
        ),
        (
            with(r#""path": """#),
            r#"routes[0].path: must begin and end with `/`, like "/gh-api/""#,
        ),
        (
            with(r#""path": "/a b/""#),
            "routes[0].path: may have letters, digits and -._~!$&'()*+,=:@ between its slashes; take others out",
        ),
        (
            with(r#""path": "/a%20b/""#),
            "routes[0].path: may have letters, digits and -._~!$&'()*+,=:@ between its slashes; take others out",
        ),
        (
            with(r#""path": "/a?b/""#),
            "routes[0].path: may have letters, digits and -._~!$&'()*+,=:@ between its slashes; take others out",
        ),
        (
            with(r#""path": "/a\\/""#),
            "routes[0].path: may have letters, digits and -._~!$&'()*+,=:@ between its slashes; take others out",
        ),
        (
            with(r#""path": "/ä/""#),
            "routes[0].path: may have letters, digits and -._~!$&'()*+,=:@ between its slashes; take others out",
        ),
        (
            with(r#""path": "//""#),
            "routes[0].path: has a segment that is empty or only dots; take it out",
        ),
        (
            with(r#""path": "/a//b/""#),
            "routes[0].path: has a segment that is empty or only dots; take it out",
        ),
        (
            with(r#""path": "/a/.../""#),
            "routes[0].path: has a segment that is empty or only dots; take it out",
        ),
        (
            with(r#""path": "/a/../""#),
            "routes[0].path: has a segment that is empty or only dots; take it out",
        ),
        (
            with(r#""upstream": null"#),
            "routes[0].upstream: must be a string, not null",
        ),
        (
            with(r#""upstream": "https://u:s3cret@h""#),
            r#"routes[0].upstream: there must be no user or password; write it like "https://api.example.org""#,
        ),
        (
            with(r#""upstream": "https://h/?t=s3cret""#),
            r#"routes[0].upstream: there must be no query; write it like "https://api.example.org""#,
        ),
        (
            with(r#""auth_scheme":"#),
            r#"routes[0].auth_scheme: is missing; write the word before the token, like "Bearer""#,
        ),
        (
            with(r#""auth_scheme": ["Bearer"]"#),
            "routes[0].auth_scheme: must be a string, not an array",
        ),
        (
            with(r#""auth_scheme": "Bearer s3cret""#),
            r#"routes[0].auth_scheme: must be the one word before the token, like "Bearer""#,
        ),
        (
            with(r#""auth_scheme": "Bearer\r\nX:""#),
            r#"routes[0].auth_scheme: must be the one word before the token, like "Bearer""#,
        ),
        (
            with(r#""token_env":"#),
            "routes[0].token_env: is missing; write the variable that holds the token, or token_file",
        ),
        (
            with(r#""token_env": true"#),
            "routes[0].token_env: must be a string, not a boolean",
        ),
        (
            with(r#""token_env": """#),
            r#"routes[0].token_env: must be the name of an environment variable, like "CRED_PROXY_TOKEN_0""#,
        ),
        (
            with(r#""token_env": "A=B""#),
            r#"routes[0].token_env: must be the name of an environment variable, like "CRED_PROXY_TOKEN_0""#,
        ),
        (
            with(r#""token_file": "/x""#),
            "routes[0].token_file: stands beside token_env; keep one of them",
        ),
        (
            with(r#""token_env":"#)
                .replace(r#""auth_scheme""#, r#""token_file": "", "auth_scheme""#),
            r#"routes[0].token_file: must be the path of a file, like "/run/secrets/token""#,
        ),
        (
            with(r#""auth_header": """#),
            r#"routes[0].auth_header: must be a field name, like "x-api-key""#,
        ),
        (
            with(r#""auth_header": "a b""#),
            r#"routes[0].auth_header: must be a field name, like "x-api-key""#,
        ),
        (
            with(r#""auth_header": "Host""#),
            "routes[0].auth_header: is a field that the proxy makes itself; name the one the service reads",
        ),
        (
            with(r#""auth_header": "Transfer_Encoding""#),
            "routes[0].auth_header: is a field that the proxy makes itself; name the one the service reads",
        ),
        (
            with(r#""auth_user": "u""#),
            r#"routes[0].auth_user: is for "auth_scheme": "Basic"; write that, or leave the user out"#,
        ),
        (
            with(r#""auth_scheme": "Basic", "auth_user": "u:s3cret""#),
            r#"routes[0].auth_user: must be visible ASCII without `:`, like "x-access-token""#,
        ),
        (
            with(r#""methods": "GET""#),
            "routes[0].methods: must be an array, not a string",
        ),
        (
            with(r#""methods": ["GET", 1]"#),
            "routes[0].methods[1]: must be a string, not a number",
        ),
        (
            with(r#""methods": ["get"]"#),
            r#"routes[0].methods[0]: must be a method in capital letters, like "GET""#,
        ),
        (
            with(r#""methods": [""]"#),
            r#"routes[0].methods[0]: must be a method in capital letters, like "GET""#,
        ),
        (
            with(r#""methods": ["TRACE"]"#),
            "routes[0].methods[0]: would show the credential; TRACE cannot be allowed",
        ),
        (
            with(r#""methods": ["CONNECT"]"#),
            "routes[0].methods[0]: is for forward proxies; CONNECT cannot be allowed",
        ),
        (
            with(r#""methods": ["GET", "PUT", "GET"]"#),
            "routes[0].methods[2]: is there twice; keep one",
        ),
        (
            with(r#""deny": ["repos"]"#),
            r#"routes[0].deny[0]: it is not a method, a space and a path; write it like "DELETE /repos/*/*""#,
        ),
        (
            with(r#""deny": ["* /a*"]"#),
            r#"routes[0].deny[0]: `*` must be a whole segment, and `**` the last one; write it like "DELETE /repos/*/*""#,
        ),
        (
            with(r#""strip_query": ["a=b"]"#),
            r#"routes[0].strip_query[0]: must be a name without %&;=+#[], like "access_token""#,
        ),
        (
            with(r#""strip_query": [""]"#),
            r#"routes[0].strip_query[0]: must be a name without %&;=+#[], like "access_token""#,
        ),
        (
            with(r#""upgrade": ["a b"]"#),
            r#"routes[0].upgrade[0]: must be a protocol name, like "websocket""#,
        ),
        (
            with(r#""upgrade": true"#),
            "routes[0].upgrade: must be an array, not a boolean",
        ),
        (
            with(r#""accept_encoding": """#),
            r#"routes[0].accept_encoding: must be a list of codings, like "identity" or "gzip, br""#,
        ),
        (
            with(r#""accept_encoding": "a\r\nb: c""#),
            r#"routes[0].accept_encoding: must be a list of codings, like "identity" or "gzip, br""#,
        ),
        (
            with(r#""push_remotes": []"#),
            "routes[0].push_remotes: must be an object, not an array",
        ),
        (
            with(r#""push_remotes": {"o/r": 1}"#),
            "routes[0].push_remotes.o/r: must be a string, not a number",
        ),
        (
            with(r#""push_remotes": {"r": "x"}"#),
            r#"routes[0].push_remotes.r: must be a repository without slashes around it, like "owner/repo""#,
        ),
        (
            with(r#""push_remotes": {"/o/r": "x"}"#),
            r#"routes[0].push_remotes./o/r: must be a repository without slashes around it, like "owner/repo""#,
        ),
        (
            with(r#""push_remotes": {"o/r": "a\nb"}"#),
            r#"routes[0].push_remotes.o/r: must be a git remote, like "git://git-gate/app.git""#,
        ),
        (
            with(r#""push_remotes": {"o/r": "https://u:s3cret@h/x"}"#),
            "routes[0].push_remotes.o/r: is shown to the agent; take the password out",
        ),
        (
            with(r#""push_remotes": {"o/r": "x", "O/R.git": "y"}"#),
            "routes[0].push_remotes.O/R.git: is the repository of an earlier key; keep one",
        ),
        (
            with(r#""push_remotes": {"o/r": "x", "o/r": "x"}"#),
            r#"routes[0].push_remotes: key "o/r" is there twice; keep one"#,
        ),
    ] {
        let lines = load(&text)
            .err()
            .unwrap_or_else(|| panic!("no problem in {text}"));
        assert_eq!(lines.first().map(String::as_str), Some(line), "{text}");
        assert!(
            lines
                .iter()
                .all(|line| !line.contains("s3cret") && !line.contains('\n'))
        );
    }
}

#[test]
fn remotes_without_password_may_have_a_user() {
    for remote in [
        "git@github.com:o/r.git",
        "ssh://git@h/o/r",
        "git://gate:9418/app.git",
    ] {
        let loaded = load(&with(&format!(r#""push_remotes": {{"o/r": "{remote}"}}"#)));
        assert_eq!(
            loaded.expect("legal").table.routes()[0].push_remotes["o/r"],
            remote
        );
    }
}
