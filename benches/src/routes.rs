//! Routes as an operator writes them, with tokens that open nothing.

use engine::policy::{Credential, CredentialForm, DenyRule, Secret};
use engine::route::{Route, RouteTable, UpstreamUrl};

/// Prefix and upstream of the routes that the recorded clients take.
const SERVICES: [(&str, &str); 5] = [
    ("/anthropic/", "https://api.anthropic.com"),
    ("/openai/", "https://api.openai.com"),
    ("/npm/", "https://packages.example.org"),
    ("/git/github.com/", "https://github.com"),
    ("/", "https://example.org/base"),
];

/// What an operator forbids on a forge: some rules, of which none concerns the traffic.
const DENY: [&str; 8] = [
    "DELETE /repos/*/*",
    "* /admin/**",
    "PUT /repos/*/*/pulls/*/merge",
    "POST /repos/*/*/releases",
    "* /user/keys/**",
    "* /orgs/*/members/**",
    "PATCH /repos/*/*/branches/*/protection",
    "DELETE /projects/*/**",
];

/// The routes that the recorded clients take, without a rule.
pub fn services() -> RouteTable {
    table(
        SERVICES
            .iter()
            .map(|(path, upstream)| route(path, upstream)),
    )
}

/// The same, each with rules and a query name that must not pass.
pub fn guarded_services() -> RouteTable {
    table(SERVICES.iter().map(|(path, upstream)| {
        let mut route = route(path, upstream);
        let rule = |text: &&str| DenyRule::parse(text).expect("a well-formed rule");
        route.deny = DENY.iter().map(rule).collect();
        route.strip_query = vec!["access_token".to_owned()];
        route
    }))
}

/// So many routes side by side, none within another, but each with the same beginning:
/// a search cannot tell them apart by their first octets.
pub fn tenants(count: usize) -> RouteTable {
    table((0..count).map(|n| route(&tenant_path(n), "https://api.example.org")))
}

/// The prefix of the `n`th of [`tenants`].
pub fn tenant_path(n: usize) -> String {
    format!("/tenants/tenant-{n:04}/api/")
}

fn table(routes: impl Iterator<Item = Route>) -> RouteTable {
    let table = RouteTable::new(routes.collect());
    table.unwrap_or_else(|duplicate| panic!("{duplicate}"))
}

fn route(path: &str, upstream: &str) -> Route {
    let upstream = UpstreamUrl::parse(upstream).expect("a well-formed upstream");
    let form = CredentialForm::Scheme("Bearer".to_owned());
    // As long as the tokens of such services are.
    let token = Secret::new(vec![b'x'; 108]);
    let Ok(credential) = Credential::render("authorization", &form, &token) else {
        panic!("letters are a usable token");
    };
    Route::new(path.to_owned(), upstream, credential)
}
