//! The built-in agent: `bottle start claude` without any manifest, with the real client,
//! before a scripted model.

use harness::TOKEN;
use harness::agent::assert_only_ours;
use harness::connect_proxy::{ConnectProxy, Manner};
use harness::model_server::{MESSAGES, ModelServer};
use harness::test_programs::claude_code;
use serde_json::Value;

use crate::setting::Setting;

/// The image that the built-in agent runs in. Where it is not here, one is made that has the
/// client too: the template's own begins with an image of a registry.
struct Image {
    name: String,
    made: Option<&'static harness::docker::Engine>,
}

impl Image {
    fn of_template(setting: &Setting, test: &str) -> Option<Image> {
        let plan = ["start", "claude", "--dry-run", "--format", "json"];
        let plan = setting.host.run(&plan);
        let plan: Value = serde_json::from_str(&plan.stdout).expect("JSON");
        let name = plan["image"]["name"].as_str().expect("a name").to_owned();
        let engine = setting.engine;
        if engine.run(&["image", "inspect", &name]).status.success() {
            return Some(Image { name, made: None });
        }
        let client = claude_code(test)?.join("bin/claude").display().to_string();
        let container = engine.ask(&["create", setting.image, "true"]);
        let program = format!("{}:/usr/bin/claude", container.trim());
        engine.ask(&["cp", "--follow-link", &client, &program]);
        let label = "LABEL bottle.test=image";
        engine.ask(&["commit", "--change", label, container.trim(), &name]);
        engine.ask(&["rm", container.trim()]);
        Some(Image {
            name,
            made: Some(engine),
        })
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if let Some(engine) = self.made {
            let _gone = engine.run(&["image", "rm", "--force", &self.name]);
        }
    }
}

#[test]
fn the_built_in_agent_works_over_the_reverse_route() {
    let test = "docker: Claude Code";
    let Some(mut setting) = Setting::new(test) else {
        return;
    };
    let Some(_image) = Image::of_template(&setting, test) else {
        return;
    };
    let tls = setting.authority.server_config(&["api.anthropic.com"]);
    let model = ModelServer::on(setting.outer.listener(), tls);
    // The one way to the model by its name: an outbound proxy that leads to ours.
    let way = Manner::Tunnel(model.origin().address());
    let way = ConnectProxy::on(setting.outer.listener(), way);
    setting.host.export("HTTPS_PROXY", way.url(""));
    setting.host.export("CLAUDE_CODE_OAUTH_TOKEN", TOKEN);
    let words = "start claude --yes -- claude -p hello --output-format json";
    let words: Vec<&str> = words.split(' ').collect();
    let mut agent = setting.host.bottle(&words).start();
    for _event in MESSAGES {
        model.release();
    }
    let result: Value = serde_json::from_str(&agent.line()).expect("JSON");
    let ended = agent.finish();
    assert_eq!(ended.code(), 0, "{ended:#?}");
    assert_eq!(result["result"], "onetwo", "{result:#}");
    assert_eq!(result["is_error"], false, "{result:#}");
    let requests = model.origin().requests();
    assert_only_ours(&requests, "authorization", &format!("Bearer {TOKEN}"));
    let calls = requests.iter().filter(|request| request.method == "POST");
    assert_eq!(calls.count(), 1, "{requests:#?}");
    let leaks = setting.leaks();
    leaks.stream("what was said").feed(ended.stdout.as_bytes());
    leaks.stream("what was told").feed(ended.stderr.as_bytes());
    leaks.assert_none();
}
