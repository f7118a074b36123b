//! npm in a bottle: led to the route by nothing but the file that the role wrote.

use std::fs;

use harness::npm_registry::NpmRegistry;
use harness::program::Program;
use harness::test_programs::verdaccio;
use serde_json::json;

use crate::setting::{Setting, TOKEN_NAME, bearer};

/// This machine's npm in the agent's network, asking the agent's resolver: the agent's image
/// would be three times as large with an npm of its own.
const IN_THE_BOTTLE: &str = "mount --bind resolv.conf /etc/resolv.conf && exec npm \"$@\"";

#[test]
fn npm_installs_by_the_file_of_its_role_and_no_token() {
    let test = "docker: npm";
    let Some(mut setting) = Setting::new(test) else {
        return;
    };
    let Some(verdaccio) = verdaccio(test) else {
        return;
    };
    if !rustix::process::geteuid().is_root() {
        return harness::require::skip(test, "only root can enter a bottle's network");
    }
    let host = setting.outer.address().to_string();
    let registry = NpmRegistry::on(setting.outer.listener(), &host, setting.tls(), &verdaccio);
    let content = "from behind the route";
    registry.publish("plainpkg", "2.1.0", content, &setting.authority.pem_file());
    let published = registry.origin().requests().len();
    setting.host.export(TOKEN_NAME, registry.token());
    let mut route = bearer("/npm/", &registry.origin().url());
    route["role"] = "npm-registry".into();
    let bottle = json!({ "cred_proxy": { "routes": [route] } });
    let agent = json!({ "workdir": "none" });
    setting.host.manifest(setting.image, bottle, agent);
    let bottle = setting.host.start();

    let home = tempfile::tempdir().expect("a folder");
    let settings = bottle.ask(&["cat", "/home/agent/.npmrc"]);
    assert!(!settings.contains(registry.token()), "{settings}");
    fs::write(home.path().join(".npmrc"), settings).expect("a file");
    let resolver = bottle.ask(&["cat", "/etc/resolv.conf"]);
    fs::write(home.path().join("resolv.conf"), resolver).expect("a file");
    let process = bottle.inspect("agent")["State"]["Pid"].to_string();
    let quiet = ["update_notifier", "fund", "audit"];
    let enter = Program::new("nsenter", home.path()).args(["--target", &process, "--net"]);
    let enter = enter.args(["unshare", "--mount", "sh", "-c", IN_THE_BOTTLE, "npm"]);
    let enter = quiet.iter().fold(enter, |enter, what| {
        enter.env(format!("npm_config_{what}"), "false")
    });
    let installed = enter.args(["install", "plainpkg"]).run();
    assert_eq!(installed.code(), 0, "{installed:#?}");
    let module = home.path().join("node_modules/plainpkg/index.js");
    let module = fs::read_to_string(module).expect("a module");
    assert!(module.contains(content), "{module}");
    let requests = registry.origin().requests().split_off(published);
    assert!(
        requests.len() >= 2,
        "the package and its archive: {requests:#?}"
    );
    let ours = format!("Bearer {}", registry.token());
    harness::agent::assert_only_ours(&requests, "authorization", &ours);
    bottle.stop();
}
