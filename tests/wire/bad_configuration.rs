//! Section 2, every bad line of a routes file: exit 2, and one clear line for each
//! problem, which names the route by index and the key.

use harness::Proxy;
use serde_json::{Value, json};

/// The lines that a start with this routes file ends with.
fn problems(routes: impl std::fmt::Display) -> Vec<String> {
    let finished = Proxy::builder()
        .routes(routes)
        .token("A_TOKEN", "the-value-of-a-token")
        .run("");
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    assert!(!finished.stderr.contains("panicked"), "{finished:?}");
    finished.stderr.lines().map(str::to_owned).collect()
}

fn good() -> Value {
    json!({"path": "/good/", "upstream": "https://h", "auth_scheme": "Bearer", "token_env": "A_TOKEN"})
}

/// The second of two routes, with `keys` over a good one's; null takes a key away.
fn second_with(keys: Value) -> Value {
    let mut route = good();
    route["path"] = json!("/second/");
    let object = route.as_object_mut().unwrap();
    for (key, value) in keys.as_object().unwrap() {
        if value.is_null() {
            object.remove(key);
        } else {
            object.insert(key.clone(), value.clone());
        }
    }
    json!({"routes": [good(), route]})
}

/// One problem, which names route 1 and `key`.
fn is_one_problem_with(key: &str, keys: Value) {
    let lines = problems(second_with(keys.clone()));
    assert_eq!(lines.len(), 1, "{keys}: {lines:?}");
    let line = &lines[0];
    assert!(line.contains('1') && line.contains(key), "{keys}: {line:?}");
}

#[test]
fn a_file_that_is_not_there_or_no_json() {
    let finished = Proxy::builder()
        .bare()
        .env("CRED_PROXY_ROUTES", "/nowhere/routes.json")
        .run("");
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(
        finished.stderr.contains("/nowhere/routes.json"),
        "{finished:?}"
    );
    for text in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "\"x\"",
        "{\"routes\": {}}",
        "{\"routes\": null}",
        "{\"routes\": []} x",
        "{\"routes\": [], \"routes\": []}",
        "{\"routes\": [1]}",
    ] {
        let lines = problems(text);
        assert_eq!(lines.len(), 1, "{text:?}: {lines:?}");
    }
}

#[test]
fn an_unknown_key_is_no_typing_error_to_be_ignored() {
    is_one_problem_with("tokenenv", json!({"tokenenv": "X"}));
    is_one_problem_with("Deny", json!({"Deny": []}));
    let lines = problems(json!({"routes": [good()], "extra": 1}));
    assert!(lines.len() == 1 && lines[0].contains("extra"), "{lines:?}");
}

#[test]
fn a_missing_key() {
    is_one_problem_with("path", json!({"path": null}));
    is_one_problem_with("upstream", json!({"upstream": null}));
    is_one_problem_with("token", json!({"token_env": null}));
    is_one_problem_with("auth_scheme", json!({"auth_scheme": null}));
}

#[test]
fn a_key_that_stands_there_twice() {
    let text = r#"{"routes": [{"path": "/a/", "path": "/b/", "upstream": "https://h",
        "auth_scheme": "Bearer", "token_env": "A_TOKEN"}]}"#;
    let lines = problems(text);
    assert!(lines.len() == 1 && lines[0].contains("path"), "{lines:?}");
}

#[test]
fn a_value_of_the_wrong_type() {
    for key in ["path", "upstream", "auth_scheme", "token_env"] {
        for value in [json!(1), json!(true), json!([]), json!({})] {
            is_one_problem_with(key, json!({key: value}));
        }
    }
    for key in ["auth_header", "auth_user", "accept_encoding"] {
        let scheme = if key == "auth_user" {
            "Basic"
        } else {
            "Bearer"
        };
        is_one_problem_with(key, json!({key: 1, "auth_scheme": scheme}));
    }
    for key in ["methods", "deny", "strip_query", "upgrade"] {
        for value in [json!("x"), json!([1]), json!({})] {
            is_one_problem_with(key, json!({key: value}));
        }
    }
    for value in [json!([]), json!("x"), json!({"o/r": 1})] {
        is_one_problem_with("push_remotes", json!({"push_remotes": value}));
    }
}

#[test]
fn a_path_starts_and_ends_with_a_slash_and_is_no_riddle() {
    for path in [
        "", "x", "/x", "x/", "/x y/", "/x?/", "/x#/", "/x\\/", "/\u{e9}/", "/x\n/",
    ] {
        is_one_problem_with("path", json!({"path": path}));
    }
}

#[test]
fn the_same_path_twice() {
    let lines = problems(json!({"routes": [good(), good()]}));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("/good/") && lines[0].contains('1'),
        "{lines:?}"
    );
}

#[test]
fn an_upstream_is_a_plain_url_of_http() {
    for upstream in [
        "",
        "h",
        "//h",
        "ftp://h",
        "https:",
        "https://",
        "https:///x",
        "https://u@h",
        "https://u:p@h",
        "https://h?q",
        "https://h/x?q",
        "https://h#f",
        "https://h:99999",
        "https://h:x",
        "https://h h",
        "https://[::1",
        "https://h/a b",
        "https://h/../x",
        "https://h/%2e%2e/x",
        "https://h\\x",
        "https://\u{e9}.example",
        "https://h:0",
    ] {
        is_one_problem_with("upstream", json!({"upstream": upstream}));
    }
}

#[test]
fn a_credential_that_cannot_be_written() {
    is_one_problem_with("auth_scheme", json!({"auth_scheme": ""}));
    is_one_problem_with("auth_scheme", json!({"auth_scheme": "Bea rer"}));
    is_one_problem_with("auth_scheme", json!({"auth_scheme": "Bearer:"}));
    is_one_problem_with("token_env", json!({"token_env": ""}));
    is_one_problem_with(
        "auth_user",
        json!({"auth_scheme": "Basic", "auth_user": "a:b"}),
    );
    is_one_problem_with("auth_user", json!({"auth_user": "someone"}));
    is_one_problem_with("token_file", json!({"token_file": "/x"}));
    is_one_problem_with("token_file", json!({"token_env": null, "token_file": ""}));
    for field in [
        "",
        "a b",
        "a:b",
        "host",
        "Host",
        "connection",
        "content-length",
        "Transfer-Encoding",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "proxy-connection",
        "\u{e9}",
    ] {
        is_one_problem_with("auth_header", json!({"auth_header": field}));
    }
}

#[test]
fn a_rule_that_could_not_be_meant() {
    for methods in [
        json!([]),
        json!([""]),
        json!(["GET "]),
        json!(["G@T"]),
        json!(["CONNECT"]),
    ] {
        is_one_problem_with("methods", json!({"methods": methods}));
    }
    for rule in [
        "",
        "GET",
        "/x",
        "GET x",
        "GET  /x",
        "G@T /x",
        "GET /x /y",
        "GET /../x",
        "GET /**/x",
    ] {
        is_one_problem_with("deny", json!({"deny": [rule]}));
    }
    is_one_problem_with("strip_query", json!({"strip_query": [""]}));
    for protocols in [json!([""]), json!(["a b"])] {
        is_one_problem_with("upgrade", json!({"upgrade": protocols}));
    }
    for value in ["", "gzip\r\nX: y", "\u{e9}"] {
        if !value.is_empty() {
            is_one_problem_with("accept_encoding", json!({"accept_encoding": value}));
        }
    }
}

#[test]
fn every_problem_is_told_at_once() {
    let lines = problems(json!({"routes": [
        {"path": "x", "upstream": "ftp://h", "auth_scheme": "", "token_env": ""},
        good(),
        {"path": "/z/", "upstream": "https://h", "auth_scheme": "Bearer", "token_env": "A", "deny": ["x"]},
    ]}));
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(
        lines
            .iter()
            .all(|line| line.contains('0') || line.contains('2')),
        "{lines:?}"
    );
}

#[test]
fn a_value_of_a_bad_file_is_not_printed_where_it_could_be_a_secret() {
    let lines = problems(second_with(json!({"token": "the-value-of-a-token"})));
    assert!(
        !lines.concat().contains("the-value-of-a-token"),
        "{lines:?}"
    );
    let lines = problems(second_with(
        json!({"upstream": "https://me:the-value-of-a-token@h"}),
    ));
    assert!(
        !lines.concat().contains("the-value-of-a-token"),
        "{lines:?}"
    );
}
