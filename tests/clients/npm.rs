//! npm with a private registry behind a route.

use std::fs;
use std::path::Path;

use harness::agent::{AGENTS_OWN, assert_only_ours};
use harness::npm_registry::{NpmRegistry, npm, said, write_package};
use harness::program::Program;
use harness::proxy::{TOKEN_ENV, bearer};
use harness::test_programs::verdaccio;
use harness::wiretap::Wiretap;
use harness::{Authority, Builder, Finished, Proxy};
use serde_json::json;
use tempfile::tempdir;

use crate::NAME;

const SCOPED: &str = "@agents/scoped";
const PLAIN: &str = "plainpkg";

fn proxy(registry: &NpmRegistry, authority: &Authority) -> Builder {
    let url = format!("https://{NAME}:{}", registry.origin().port());
    Proxy::builder()
        .route(bearer("/npm/", &url))
        .token(TOKEN_ENV, registry.token())
        .env("SSL_CERT_FILE", authority.pem_file())
}

/// npm as an agent has it: the registry is the proxy, the token a placeholder.
fn agents_npm(home: &Path, wiretap: &Wiretap) -> Program {
    let place = format!("//{}/npm/:_authToken={AGENTS_OWN}", wiretap.address());
    npm(home, &wiretap.url("/npm/"), &place)
}

fn bearer_of(registry: &NpmRegistry) -> String {
    format!("Bearer {}", registry.token())
}

#[test]
fn scoped_and_unscoped_packages_install_through_the_route() {
    let Some(verdaccio) = verdaccio("npm: install") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let registry = NpmRegistry::start(authority.server_config(&[NAME]), &verdaccio);
    registry.publish(SCOPED, "1.0.0", "a scoped package", &authority.pem_file());
    registry.publish(PLAIN, "2.1.0", "a plain package", &authority.pem_file());
    let published = registry.origin().requests().len();
    let proxy = proxy(&registry, &authority).start();
    let wiretap = Wiretap::before(&proxy);

    let installed = agents_npm(home.path(), &wiretap)
        .args(["install", SCOPED, PLAIN])
        .run();
    assert!(installed.status.success(), "{installed:#?}");
    let loaded = Program::new("node", home.path())
        .args([
            "--print",
            "require('@agents/scoped') + ', ' + require('plainpkg')",
        ])
        .run();
    assert_eq!(
        loaded.stdout, "a scoped package, a plain package\n",
        "{loaded:#?}"
    );

    let requests = &registry.origin().requests()[published..];
    assert_only_ours(requests, "authorization", &bearer_of(&registry));
    let mut targets: Vec<&str> = requests
        .iter()
        .map(|request| request.target.as_str())
        .collect();
    targets.sort_unstable();
    let expected = [
        "/@agents%2fscoped",
        "/@agents/scoped/-/scoped-1.0.0.tgz",
        "/plainpkg",
        "/plainpkg/-/plainpkg-2.1.0.tgz",
    ];
    assert_eq!(targets, expected, "as npm wrote them, tarballs included");

    // Once more from the lock file, which names the tarballs only.
    let installed = registry.origin().requests().len();
    fs::remove_dir_all(home.path().join("cache")).expect("npm's cache");
    let again = agents_npm(home.path(), &wiretap).arg("ci").run();
    assert!(again.status.success(), "{again:#?}");
    let requests = &registry.origin().requests()[installed..];
    assert_only_ours(requests, "authorization", &bearer_of(&registry));
    let tarballs = requests
        .iter()
        .all(|request| request.target.ends_with(".tgz"));
    assert!(tarballs && requests.len() == 2, "{requests:#?}");
}

#[test]
fn the_registry_gives_nothing_to_an_agent_that_goes_past_the_proxy() {
    let Some(verdaccio) = verdaccio("npm: no token") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let registry = NpmRegistry::start(authority.server_config(&[NAME]), &verdaccio);
    registry.publish(PLAIN, "1.0.0", "a plain package", &authority.pem_file());
    let direct = format!("https://{NAME}:{}/", registry.origin().port());
    let refused = npm(home.path(), &direct, "")
        .env("npm_config_cafile", authority.pem_file())
        .args(["install", PLAIN])
        .run();
    assert!(!refused.status.success(), "{refused:#?}");
    assert!(said(&refused).contains("E401"), "{refused:#?}");
}

#[test]
fn a_package_is_published_through_the_route() {
    let Some(verdaccio) = verdaccio("npm: publish") else {
        return;
    };
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let registry = NpmRegistry::start(authority.server_config(&[NAME]), &verdaccio);
    let proxy = proxy(&registry, &authority).start();
    let wiretap = Wiretap::before(&proxy);
    write_package(home.path(), SCOPED, "3.0.0", "of the agent");
    let published = agents_npm(home.path(), &wiretap).arg("publish").run();
    assert!(published.status.success(), "{published:#?}");
    let seen = agents_npm(home.path(), &wiretap)
        .args(["view", SCOPED, "version"])
        .run();
    assert_eq!(seen.stdout.trim(), "3.0.0", "{seen:#?}");
    assert_only_ours(
        &registry.origin().requests(),
        "authorization",
        &bearer_of(&registry),
    );
}

/// A proxy that denies what `rule` says, and an agent's npm that runs into it.
fn denied(rule: &str, verdaccio: &Path, arguments: &[&str]) -> (Finished, Vec<String>) {
    let (authority, home) = (Authority::new(), tempdir().unwrap());
    let registry = NpmRegistry::start(authority.server_config(&[NAME]), verdaccio);
    let proxy = proxy(&registry, &authority)
        .with(json!({ "deny": [rule] }))
        .start();
    let wiretap = Wiretap::before(&proxy);
    write_package(home.path(), PLAIN, "1.0.0", "of the agent");
    let refused = agents_npm(home.path(), &wiretap).args(arguments).run();
    assert!(!refused.status.success(), "{refused:#?}");
    let method = rule.split(' ').next().unwrap_or_default();
    let arrived = registry.origin().requests();
    let passed = arrived.iter().any(|request| request.method == method);
    assert!(!passed, "the rule let it pass: {arrived:#?}");
    let mut attempts = wiretap.request_lines();
    attempts.retain(|line| line.starts_with(method));
    (refused, attempts)
}

#[test]
fn npm_prints_the_reason_of_a_refusal_and_tries_once() {
    let Some(verdaccio) = verdaccio("npm: a refusal") else {
        return;
    };
    let rule = "GET /forbidden";
    let (refused, attempts) = denied(rule, &verdaccio, &["install", "forbidden"]);
    assert_eq!(attempts.len(), 1, "{attempts:#?}");
    // What follows the second dash is the sentence of the answer's JSON.
    let said = said(&refused);
    let reason = said
        .lines()
        .find_map(|line| line.split_once("/npm/forbidden - "));
    let (before, reason) = reason.unwrap_or_else(|| panic!("no reason in {refused:#?}"));
    assert!(before.contains("403 Forbidden - GET"), "{before}");
    assert!(reason.contains(rule), "the rule is not named: {reason}");
}

#[test]
fn a_denied_publish_does_not_leave_and_is_tried_once() {
    let Some(verdaccio) = verdaccio("npm: a denied publish") else {
        return;
    };
    let (refused, attempts) = denied("PUT /**", &verdaccio, &["publish"]);
    assert_eq!(attempts.len(), 1, "{attempts:#?}");
    assert!(
        said(&refused).contains("403 Forbidden - PUT"),
        "{refused:#?}"
    );
}
