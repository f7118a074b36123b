//! The git gate in a bottle: the only way git leaves it.

use std::sync::OnceLock;

use harness::gated::Gated;
use harness::gitleaks::gitleaks;
use harness::inventory::files_below;
use serde_json::{Value, json};

use crate::setting::Setting;

/// The image of the gate's tools, built once for these tests.
const IMAGE: &str = "bottle-test-gate";

/// A bottle with a gate that leads to an upstream outside.
pub(crate) struct Gate {
    // Goes first: its upstream stands in the outside of the other.
    pub(crate) gated: Gated,
    pub(crate) setting: Setting,
}

impl Gate {
    /// All of it, or a skip told under the name of `test`.
    pub(crate) fn new(test: &str) -> Option<Gate> {
        let setting = Setting::new(test)?;
        let gated = Gated::at(test, setting.outer.address())?;
        let gate = Gate { gated, setting };
        gate.build_image(test)?;
        gate.manifest(gate.gated.manifest(&gate.setting.host));
        Some(gate)
    }

    /// The agent's image has git and ssh, so this needs no network.
    fn build_image(&self, test: &str) -> Option<()> {
        static BUILT: OnceLock<()> = OnceLock::new();
        let scanner = gitleaks(test)?.display().to_string();
        BUILT.get_or_init(|| {
            let base = ["build-gate", "--base", self.setting.image];
            let all = [&base[..], &["--scanner", &scanner, "--image", IMAGE]].concat();
            let said = self.setting.host.run(&all);
            assert_eq!(said.code(), 0, "{said:#?}");
            assert!(
                said.stderr.contains("it scans with gitleaks 8."),
                "{said:#?}"
            );
        });
        Some(())
    }

    /// Writes the manifest with this `git_gate`, and no route.
    pub(crate) fn manifest(&self, git_gate: Value) {
        let mut git_gate = git_gate;
        git_gate["image"] = IMAGE.into();
        let bottle = json!({ "git_gate": git_gate });
        let agent = json!({ "workdir": "none" });
        self.setting
            .host
            .manifest(self.setting.image, bottle, agent);
    }
}

#[test]
fn an_agent_clones_and_pushes_by_a_key_that_it_never_sees() {
    let Some(gate) = Gate::new("docker: git gate") else {
        return;
    };
    let host = &gate.setting.host;
    gate.gated.is_worked_on(host);
    gate.gated.hides_its_key(host);
    assert!(files_below(&host.path("state/bottle")).is_empty());
}

#[test]
fn the_gate_is_held_as_a_sidecar_and_its_key_is_in_nothing_that_docker_tells() {
    let Some(gate) = Gate::new("docker: gate's container") else {
        return;
    };
    let host = &gate.setting.host;
    let bottle = host.start();
    let told = bottle.inspect("git-gate");
    assert_eq!(told["Config"]["User"], "65532:65532");
    assert_eq!(told["HostConfig"]["ReadonlyRootfs"], true);
    assert_eq!(told["HostConfig"]["CapDrop"], json!(["ALL"]));
    assert_eq!(told["HostConfig"]["Privileged"], false);
    assert_eq!(told["State"]["Health"]["Status"], "healthy");
    let networks = told["NetworkSettings"]["Networks"].as_object();
    assert_eq!(networks.map(serde_json::Map::len), Some(2));
    let listed = host.run(&["list"]);
    assert!(listed.stdout.contains("healthy"), "{listed:#?}");
    let log = host.run(&["logs", bottle.slug(), "git-gate"]);
    assert_eq!(log.code(), 0, "{log:#?}");

    let key = std::fs::read_to_string(gate.gated.sshd.identity()).expect("a key");
    let line = key.lines().find(|line| line.len() > 60).expect("a line");
    for object in bottle.containers() {
        let inspected = gate.setting.engine.ask(&["inspect", &object]);
        assert!(!inspected.contains(line), "{object}");
    }
    // The network that leads outside is not the agent's, and nor is the gate's place on it.
    let outer = bottle.address("git-gate", "egress").to_string();
    let tried = bottle.exec(&["curl", "-m", "2", "-sS", &format!("http://{outer}:9418/")]);
    assert_ne!(tried.code(), 0, "{tried:#?}");
    let ended = bottle.stop();
    assert!(!ended.stderr.contains("remove the rest"), "{ended:#?}");
}

#[test]
fn a_start_whose_upstream_can_not_be_trusted_or_reached_says_so_and_leaves_nothing() {
    let Some(mut gate) = Gate::new("docker: gate's refusals") else {
        return;
    };
    let mut wrong = gate.gated.manifest(&gate.setting.host);
    wrong["repos"]["app"]["host_key"] = gate.gated.sshd.other_host_key().into();
    gate.manifest(wrong);
    let refused = gate.setting.host.agent_does(&["true"]);
    assert_eq!(refused.code(), 1, "{refused:#?}");
    assert!(refused.stderr.contains("host key"), "{refused:#?}");

    gate.manifest(gate.gated.manifest(&gate.setting.host));
    gate.gated.sshd.stop();
    let refused = gate.setting.host.agent_does(&["true"]);
    assert_eq!(refused.code(), 1, "{refused:#?}");
    assert!(refused.stderr.contains("app: "), "{refused:#?}");
    assert!(gate.setting.host.slugs().is_empty());
    assert!(files_below(&gate.setting.host.path("state/bottle")).is_empty());
}

#[test]
fn without_its_image_the_command_that_makes_it_is_named() {
    let Some(gate) = Gate::new("docker: gate's image") else {
        return;
    };
    let mut elsewhere = gate.gated.manifest(&gate.setting.host);
    elsewhere["image"] = "no-such-gate".into();
    let bottle = json!({ "git_gate": elsewhere });
    let agent = json!({ "workdir": "none" });
    let host = &gate.setting.host;
    host.manifest(gate.setting.image, bottle, agent);
    let refused = host.agent_does(&["true"]);
    assert_eq!(refused.code(), 1, "{refused:#?}");
    assert!(
        refused.stderr.contains("`bottle build-gate`"),
        "{refused:#?}"
    );
}
