//! The routes of every script, and what the oracle knows of them.

use engine::policy::{Credential, CredentialForm, DenyRule, Secret};
use engine::route::{Route, RouteTable, UpstreamUrl};

/// A route as the oracle sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) path: &'static str,
    pub(crate) authority: &'static str,
    pub(crate) base_path: &'static str,
    pub(crate) field: &'static str,
    pub(crate) value: &'static str,
    /// What must not be found anywhere on the client's side.
    pub(crate) token: &'static str,
    pub(crate) accept_encoding: Option<&'static str>,
    pub(crate) upgrade: Option<&'static str>,
}

/// Longer paths first. The third shares its origin with the first, with another credential.
pub(crate) const ROUTES: [Known; 3] = [
    Known {
        path: "/a/deep/",
        authority: "a.example",
        base_path: "",
        field: "authorization",
        value: "Basic dXNlcjpUb2tlbi1EZWVw",
        token: "Token-Deep",
        accept_encoding: Some("identity"),
        upgrade: Some("websocket"),
    },
    Known {
        path: "/a/",
        authority: "a.example",
        base_path: "/base",
        field: "authorization",
        value: "Bearer Token-Bearer",
        token: "Token-Bearer",
        accept_encoding: None,
        upgrade: None,
    },
    Known {
        path: "/k/",
        authority: "k.example:8080",
        base_path: "/v1/x",
        field: "x-api-key",
        value: "Token-Key",
        token: "Token-Key",
        accept_encoding: None,
        upgrade: None,
    },
];

/// The engine's table of them.
pub(crate) fn table() -> RouteTable {
    let [deep, bearer, key] = &ROUTES;
    let bearer_form = CredentialForm::Scheme("Bearer".to_owned());
    let basic_form = CredentialForm::Basic {
        user: "user".to_owned(),
    };
    let mut guarded = route(deep, "https", &basic_form);
    guarded.deny = DenyRule::parse("DELETE /x/**").into_iter().collect();
    guarded.strip_query = vec!["secret".to_owned()];
    guarded.upgrade = deep.upgrade.map(str::to_owned).into_iter().collect();
    guarded.accept_encoding = deep.accept_encoding.map(str::to_owned);
    let table = RouteTable::new(vec![
        guarded,
        route(bearer, "https", &bearer_form),
        route(key, "http", &CredentialForm::Bare),
    ]);
    table.unwrap_or_else(|duplicate| panic!("{duplicate}"))
}

fn route(known: &Known, scheme: &str, form: &CredentialForm) -> Route {
    let upstream = format!("{scheme}://{}{}", known.authority, known.base_path);
    let token = Secret::new(known.token.into());
    let credential = Credential::render(known.field, form, &token);
    let (Ok(upstream), Ok(credential)) = (UpstreamUrl::parse(&upstream), credential) else {
        panic!("{known:?} is a valid route");
    };
    Route::new(known.path.to_owned(), upstream, credential)
}

/// The route of a path.
pub(crate) fn of(path: &[u8]) -> Option<&'static Known> {
    ROUTES
        .iter()
        .find(|route| path.starts_with(route.path.as_bytes()))
}
