//! Both sides of a boundary: what passes here, the engine takes, and the other way round.

use super::*;
use engine::config::{TokenSource, parse_routes};
use serde_json::{Value, json};

/// Whether the engine takes a route with this key.
fn engine_takes(key: &str, value: &Value) -> bool {
    let mut route =
        json!({"path": "/a/", "upstream": "https://h", "auth_scheme": "Basic", "token_env": "T"});
    route[key] = value.clone();
    let text = json!({ "routes": [route] }).to_string();
    parse_routes(text.as_bytes(), &TokenSource::of(|_name| None)).is_ok()
}

/// Octets that mean something somewhere, at every place of a text, and instead of it.
fn mutations(seeds: &[&str]) -> Vec<String> {
    let odd = [
        "", "/", "//", ".", "..", "*", "**", " ", "%", "%2e", "%2F", "%00", "\\", ";", "?", "#",
        "@", ":", "[", "]", "a", "Z", "0", "-", "_", "~", "\"", "'", "\n", "\0", "\u{7f}", "ä",
    ];
    let mut all = Vec::new();
    for seed in seeds {
        let places = seed.char_indices().map(|(at, _)| at).chain([seed.len()]);
        for at in places {
            all.extend(odd.map(|odd| format!("{}{odd}{}", &seed[..at], &seed[at..])));
            let after = seed[at..].chars().next().map_or(at, |c| at + c.len_utf8());
            all.extend(odd.map(|odd| format!("{}{odd}{}", &seed[..at], &seed[after..])));
        }
    }
    all.sort();
    all.dedup();
    all
}

#[track_caller]
fn assert_agree(key: &str, in_list: bool, seeds: &[&str], ours: impl Fn(&str) -> bool) {
    let texts = mutations(seeds);
    let mut taken = 0;
    for text in &texts {
        let value = if in_list { json!([text]) } else { json!(text) };
        let theirs = engine_takes(key, &value);
        taken += usize::from(theirs);
        assert_eq!(ours(text), theirs, "{key}: {text:?}");
    }
    assert!(taken > 0 && taken < texts.len(), "{key}: {taken} taken");
}

#[test]
fn a_path_is_one_to_both() {
    assert_agree("path", false, &["/a/", "/gh-api/v1/", "/a/.b/"], |text| {
        route_path(text).is_ok()
    });
}

#[test]
fn an_upstream_is_one_to_both() {
    let seeds = [
        "https://api.example.org",
        "HTTP://h:8080/",
        "https://[::1]:9/x",
        "https://127.0.0.1/a%2Fb",
        "https://h/%252e;x/b",
        "https://0x7f.1",
        "https://h:65535",
    ];
    assert_agree("upstream", false, &seeds, |text| {
        UpstreamUrl::parse(text).is_ok()
    });
}

#[test]
fn a_rule_is_one_to_both() {
    let seeds = [
        "DELETE /repos/*/*",
        "* /admin/**",
        "GET /",
        "* /**",
        "PUT /a/",
    ];
    assert_agree("deny", true, &seeds, |text| deny_rule(text).is_ok());
    let at_bound = format!("* {}", "/*".repeat(crate::limits::RULE_SEGMENTS));
    let past_bound = format!("{at_bound}/*");
    for (text, taken) in [(at_bound, true), (past_bound, false)] {
        assert_eq!(engine_takes("deny", &json!([text])), taken);
        assert_eq!(deny_rule(&text).is_ok(), taken);
    }
}

#[test]
fn a_word_is_one_to_both() {
    assert_agree("auth_user", false, &["x-access-token"], |text| {
        basic_user(text).is_ok()
    });
    assert_agree("accept_encoding", false, &["gzip, br"], |text| {
        accept_encoding(text).is_ok()
    });
    assert_agree("methods", true, &["GET", "TRACE", "CONNECT"], |text| {
        method(text).is_ok()
    });
    assert_agree("strip_query", true, &["access_token"], |text| {
        query_name(text).is_ok()
    });
    let protocols = ["websocket", "h2c", "HTTP", "HTTP/2.0"];
    assert_agree("upgrade", true, &protocols, |text| protocol(text).is_ok());
    let fields = [
        "x-api-key",
        "Host",
        "transfer_encoding",
        "via",
        "te",
        "http2-settings",
    ];
    assert_agree("auth_header", false, &fields, |text| {
        credential_field(text).is_ok()
    });
    assert_agree("auth_scheme", false, &["Bearer", "token"], |text| {
        scheme(text).is_ok()
    });
}
