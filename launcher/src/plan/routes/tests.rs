use super::*;
use crate::manifest::TokenRef;
use crate::plan::testing::{gate, route};

/// The two routes of a preset, with the second door if the gate is said to own a repository.
fn github(is_owned: bool) -> Vec<Route> {
    let preset = |path: &str, upstream: &str| Route {
        origin: "bottles.dev.tokens[0]".to_owned(),
        token_ref: TokenRef::Variable("GH_PAT".to_owned()),
        ..route(path, upstream)
    };
    vec![
        Route {
            deny: vec!["POST /user/keys".to_owned()],
            second_door: match is_owned {
                true => vec!["POST /graphql".to_owned(), "POST /user/keys".to_owned()],
                false => Vec::new(),
            },
            ..preset("/gh-api/", "https://api.github.com")
        },
        Route {
            auth_scheme: Some("Basic".to_owned()),
            auth_user: Some("x-access-token".to_owned()),
            ..preset("/gh-git/", "https://github.com")
        },
    ]
}

fn made(routes: &[Route], gate: Option<&GitGate>) -> String {
    let slots = slots::slots(routes);
    let mut errors = Vec::new();
    let planned = planned(routes, &slots, None, &mut errors);
    assert_eq!(errors, []);
    let text = file(routes, &planned, gate).expect("JSON");
    is_taken_by_the_engine(&text, routes.len());
    text
}

/// The engine itself reads every file that these tests make.
fn is_taken_by_the_engine(text: &str, count: usize) {
    let tokens = engine::config::TokenSource::of(|_name| Some("t0ken".into()));
    match engine::config::parse_routes(text.as_bytes(), &tokens) {
        Ok(loaded) => {
            assert!(loaded.warnings.is_empty(), "{text}");
            assert_eq!(loaded.table.routes().len(), count, "{text}");
        }
        Err(problems) => panic!("{}: {text}", problems[0]),
    }
}

#[test]
fn the_file_is_this_octet_for_octet() {
    let mut routes = github(false);
    routes.push(Route {
        auth_scheme: None,
        auth_header: Some("x-api-key".to_owned()),
        token_ref: TokenRef::File("~/k".to_owned()),
        methods: Some(vec!["GET".to_owned()]),
        strip_query: vec!["key".to_owned()],
        upgrade: vec!["websocket".to_owned()],
        accept_encoding: Some("identity".to_owned()),
        ..route("/x/", "http://x.example:8080/base")
    });
    let expected = r#"{
  "routes": [
    {
      "path": "/gh-api/",
      "upstream": "https://api.github.com",
      "auth_scheme": "Bearer",
      "token_env": "CRED_PROXY_TOKEN_0",
      "deny": [
        "POST /user/keys"
      ]
    },
    {
      "path": "/gh-git/",
      "upstream": "https://github.com",
      "auth_scheme": "Basic",
      "token_env": "CRED_PROXY_TOKEN_0",
      "auth_user": "x-access-token"
    },
    {
      "path": "/x/",
      "upstream": "http://x.example:8080/base",
      "token_env": "CRED_PROXY_TOKEN_1",
      "auth_header": "x-api-key",
      "methods": [
        "GET"
      ],
      "strip_query": [
        "key"
      ],
      "upgrade": [
        "websocket"
      ],
      "accept_encoding": "identity"
    }
  ]
}
"#;
    assert_eq!(made(&routes, None), expected);
    assert_eq!(made(&routes, None), made(&routes, None));
    assert_eq!(made(&[], None), "{\n  \"routes\": []\n}\n");
}

#[test]
fn where_the_gate_owns_a_repository_the_second_door_is_shut_and_pushes_are_shown_the_first() {
    let gate = gate("ssh://git@github.com/Me/App.git");
    let expected = r#"{
  "routes": [
    {
      "path": "/gh-api/",
      "upstream": "https://api.github.com",
      "auth_scheme": "Bearer",
      "token_env": "CRED_PROXY_TOKEN_0",
      "deny": [
        "POST /user/keys",
        "POST /graphql"
      ]
    },
    {
      "path": "/gh-git/",
      "upstream": "https://github.com",
      "auth_scheme": "Basic",
      "token_env": "CRED_PROXY_TOKEN_0",
      "auth_user": "x-access-token",
      "push_remotes": {
        "me/app": "git://git-gate/app.git"
      }
    }
  ]
}
"#;
    assert_eq!(made(&github(true), Some(&gate)), expected);
}

#[test]
fn a_gate_of_another_forge_takes_no_push() {
    let other = gate("ssh://git@git.example.org/me/app.git");
    let routes = github(false);
    assert_eq!(made(&routes, Some(&other)), made(&routes, None));
    let ssh_name = gate("ssh://git@ssh.github.com:443/me/app.git");
    assert!(made(&routes, Some(&ssh_name)).contains("\"me/app\": \"git://git-gate/app.git\""));
}

#[test]
fn npms_registry_is_the_hosts_or_an_error_that_does_not_show_it() {
    let routes = [Route {
        upstream: Upstream::NpmRegistryOfHost,
        ..route("/npm/", "")
    }];
    let slots = slots::slots(&routes);
    let ask = |answer: Option<Result<String, String>>| {
        let mut errors = Vec::new();
        let planned = planned(&routes, &slots, answer.as_ref(), &mut errors);
        match errors.first() {
            None => Ok(planned[0].upstream.clone()),
            Some(error) => Err(error.to_string()),
        }
    };
    let place = "bottles.dev.cred_proxy.routes[/npm/]";
    let remedy = "write the registry as \"url\"";
    let good = "https://r.example/x/";
    assert_eq!(ask(Some(Ok(good.to_owned()))).as_deref(), Ok(good));
    assert_eq!(
        ask(Some(Err("there is no npm".to_owned()))),
        Err(format!(
            "{place}: npm's registry is not known: there is no npm; {remedy}"
        ))
    );
    assert_eq!(
        ask(None),
        Err(format!("{place}: npm's registry is not known; {remedy}"))
    );
    for bad in [
        "undefined",
        "https://u:p@r.example/",
        "https://r\n/",
        "",
        "ftp://r/",
    ] {
        assert_eq!(
            ask(Some(Ok(bad.to_owned()))),
            Err(format!(
                "{place}: what npm on the host says is no plain URL; {remedy}"
            ))
        );
    }
}
