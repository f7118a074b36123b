//! git and npm in a local bottle, led to their routes by nothing but what the roles wrote.

use std::fs;

use harness::TOKEN;
use harness::agent::assert_only_ours;
use harness::connect_proxy::{ConnectProxy, Manner};
use harness::git_server::{GitServer, add_commits, basic};
use harness::npm_registry::NpmRegistry;
use harness::test_programs::verdaccio;
use harness::upstream::listen;
use serde_json::json;

use crate::setting::{TOKEN_NAME, bearer, each};

#[test]
fn git_works_by_a_preset_and_pushes_are_refused() {
    each("local: git", |setting| {
        // The one way to a service by its name: an outbound proxy that brings every name to ours.
        let tls = setting
            .authority
            .server_config(&["github.com", "api.github.com"]);
        let forge = GitServer::on(listen(), tls, TOKEN);
        let way = ConnectProxy::on(listen(), Manner::Tunnel(forge.origin().address()));
        setting.user.export("HTTPS_PROXY", way.url(""));
        let repository = forge.create("owner/repo");
        add_commits(&repository, "main", 2, "work");
        let bottle = json!({
            "tokens": [{ "kind": "github", "token_ref": TOKEN_NAME }],
            "cred_proxy": { "routes": [bearer("/nobody/", "https://nobody.invalid")] },
        });
        setting.manifest_of(bottle, "none");
        let bottle = setting.start();
        // Else a request would go to the real one: none is made before this is sure, by a name
        // that nobody has.
        let nobody = ["curl", "-sS", "http://cred-proxy:9099/nobody/"];
        bottle.ask(&nobody);
        let asked = way.wait_for_head();
        assert!(
            asked
                .start_line()
                .starts_with("CONNECT nobody.invalid:443 "),
            "{asked:?}"
        );
        assert!(!bottle.ask(&["env"]).contains(&way.url("")));

        let clone = "cd && git clone --quiet https://github.com/owner/repo.git \
            && cd repo && git log --format=%s%an && git remote -v";
        let cloned = bottle.ask(&["sh", "-c", clone]);
        assert!(cloned.contains("Forge"), "{cloned}");
        add_commits(&repository, "main", 1, "more");
        let fetch = "cd ~/repo && git fetch --quiet && git rev-list --count origin/main";
        assert_eq!(bottle.ask(&["sh", "-c", fetch]), "3\n");
        let push = "cd ~/repo && git push origin HEAD:refs/heads/other";
        let refused = bottle.exec(&["sh", "-c", push]);
        assert!(!refused.status.success(), "{refused:#?}");
        assert!(refused.stderr.contains("403"), "{refused:#?}");
        let write = "curl -sS -o /dev/null -w '%{http_code}' -X POST -d '{}' \
            http://cred-proxy:9099/gh-api/user/keys";
        assert_eq!(bottle.ask(&["sh", "-c", write]), "403");
        assert_only_ours(&forge.origin().requests(), "authorization", &basic(TOKEN));
        let to_forge =
            |head: &harness::Head| head.start_line().starts_with("CONNECT github.com:443 ");
        assert!(way.heads().iter().skip(1).all(to_forge));
    });
}

#[test]
fn npm_installs_by_the_file_of_its_role_and_no_token() {
    let test = "local: npm";
    let Some(verdaccio) = verdaccio(test) else {
        return;
    };
    each(test, |setting| {
        let registry = NpmRegistry::on(listen(), "127.0.0.1", setting.tls(), &verdaccio);
        let content = "from behind the route";
        registry.publish("plainpkg", "2.1.0", content, &setting.authority.pem_file());
        let published = registry.origin().requests().len();
        setting.user.export(TOKEN_NAME, registry.token());
        let mut route = bearer("/npm/", &registry.origin().url());
        route["role"] = "npm-registry".into();
        setting.manifest(&[route], "bind");
        let script = "npm install --no-update-notifier --no-fund --no-audit plainpkg >&2 \
            && node --print \"require('plainpkg')\" && cat ~/.npmrc";
        let said = setting.user.agent_does(&["sh", "-c", script]);
        assert_eq!(said.code(), 0, "{said:#?}");
        assert!(said.stdout.starts_with(content), "{said:#?}");
        assert!(!said.stdout.contains(registry.token()), "{said:#?}");
        let module = setting.user.path("work/node_modules/plainpkg/index.js");
        assert!(
            fs::read_to_string(module)
                .expect("a module")
                .contains(content)
        );
        let requests = registry.origin().requests().split_off(published);
        assert!(
            requests.len() >= 2,
            "the package and its archive: {requests:#?}"
        );
        let ours = format!("Bearer {}", registry.token());
        assert_only_ours(&requests, "authorization", &ours);
    });
}
