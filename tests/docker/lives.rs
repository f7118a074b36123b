//! Bottles that live side by side, lose a sidecar, and end; and how long that takes.

use std::time::{Duration, Instant};

use harness::docker::Inventory;
use harness::origin::Origin;
use rustix::process::Signal;
use serde_json::json;

use crate::setting::{Setting, bearer};

/// Far above the goal of three seconds each, which is told and not asserted: a machine that
/// does ten things at once is slow.
const AGES: Duration = Duration::from_secs(60);

fn serving(setting: &Setting, agent: serde_json::Value) -> Origin {
    let service = Origin::on(
        setting.outer.listener(),
        Some(setting.tls()),
        |_, answer| answer.whole("200 OK", &[], b"fine"),
    );
    let routes = json!({ "routes": [bearer("/api/", &service.url())] });
    setting
        .host
        .manifest(setting.image, json!({ "cred_proxy": routes }), agent);
    service
}

const CALL: [&str; 3] = ["curl", "-sS", "http://cred-proxy:9099/api/"];

#[test]
fn two_bottles_of_one_agent_live_in_one_directory() {
    let Some(setting) = Setting::new("docker: two bottles") else {
        return;
    };
    let service = serving(&setting, json!({ "workdir": "bind" }));
    let one = setting.host.start();
    let two = setting.host.start();
    assert_ne!(one.slug(), two.slug());
    one.ask(&["sh", "-c", "echo shared >file"]);
    assert_eq!(two.ask(&["cat", "file"]), "shared\n");
    assert_eq!(
        (one.ask(&CALL), two.ask(&CALL)),
        ("fine".to_owned(), "fine".to_owned())
    );
    let slug = one.slug().to_owned();
    assert_eq!(one.stop().code(), 128 + Signal::TERM.as_raw());
    let list = setting.host.run(&["list"]).stdout;
    assert!(list.contains(two.slug()) && !list.contains(&slug), "{list}");
    assert_eq!(two.ask(&CALL), "fine");
    assert_eq!(two.stop().code(), 128 + Signal::TERM.as_raw());
    let left = Inventory::of_agent(setting.engine, setting.host.agent());
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(service.requests().len(), 3);
}

#[test]
fn a_sidecar_that_dies_is_seen_and_told() {
    let Some(setting) = Setting::new("docker: a dead sidecar") else {
        return;
    };
    let _service = serving(&setting, json!({ "workdir": "none" }));
    let bottle = setting.host.start();
    setting
        .engine
        .ask(&["kill", &bottle.container("cred-proxy")]);
    let told = bottle.told().wait("word of it", |lines| {
        let is_told = |line: &&String| line.contains("cred-proxy ended");
        lines.iter().find(is_told).cloned()
    });
    assert!(
        told.is_some_and(|line| line.contains("137")),
        "{}",
        bottle.told().text()
    );
    assert!(!bottle.exec(&CALL).status.success());
    assert_eq!(bottle.stop().code(), 128 + Signal::TERM.as_raw());
    let left = Inventory::of_agent(setting.engine, setting.host.agent());
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn a_start_and_an_end_take_seconds() {
    let Some(setting) = Setting::new("docker: figures") else {
        return;
    };
    let _service = serving(&setting, json!({ "workdir": "bind" }));
    // Images are made by the first.
    setting.host.start().stop();
    let begun = Instant::now();
    let bottle = setting.host.start();
    let start = begun.elapsed();
    let begun = Instant::now();
    bottle.stop();
    let end = begun.elapsed();
    eprintln!("a bottle starts in {start:.2?}, ends in {end:.2?} (goal: 3 s each)");
    assert!(start < AGES && end < AGES, "{start:?} {end:?}");
    let size = setting
        .engine
        .lines(&["images", "--format", "{{.Repository}} {{.Size}}"]);
    let ours = size.iter().filter(|line| line.starts_with("bottle/"));
    eprintln!("{}", ours.cloned().collect::<Vec<_>>().join("\n"));
}

/// What an image of the engine may take, in octets.
const IMAGE_OCTETS: u64 = 12 << 20;

/// Of the engine as it is built for these tests, without symbols: twice what a release takes.
#[test]
fn the_sidecars_image_is_small() {
    let test = "docker: the image's size";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    let Some(strip) = harness::require::program(test, "strip") else {
        return;
    };
    let _service = serving(&setting, json!({ "workdir": "none" }));
    let engine = setting.host.path("cred-proxy").display().to_string();
    let strip = harness::program::Program::new(strip, setting.host.folder());
    let built = harness::binary::cred_proxy();
    let stripped = strip.args(["-o", &engine]).arg(built).run();
    assert_eq!(stripped.code(), 0, "{stripped:#?}");
    let agent = setting.host.agent();
    let start = ["start", agent, "--yes", "--engine", &engine, "--", "cat"];
    let mut running = setting.host.bottle(&start).start();
    running.tell("the agent runs");
    assert_eq!(running.line(), "the agent runs");
    let filters = [
        &format!("label=bottle.agent={agent}"),
        "label=bottle.role=cred-proxy",
    ];
    let list = ["ps", "--filter", filters[0], "--filter", filters[1]];
    let image = [&list[..], &["--format", "{{.Image}}"]].concat();
    let image = setting.engine.ask(&image);
    let size = ["image", "inspect", "--format", "{{.Size}}", &image];
    let size: u64 = setting.engine.ask(&size).parse().expect("octets");
    assert_eq!(running.finish().code(), 0);
    setting.engine.ask(&["rmi", &image]);
    let program = std::fs::metadata(&engine).expect("a file").len();
    eprintln!("{image} takes {size} octets, {program} of them its program");
    assert!(size >= program, "{size}, {program}");
    assert!(size <= IMAGE_OCTETS, "{size}");
}

#[test]
fn an_agent_may_take_an_interrupt_for_itself() {
    let Some(setting) = Setting::new("docker: an interrupt") else {
        return;
    };
    setting.manifest(&[]);
    let script = "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done";
    let arguments = setting.host.start_arguments(&["sh", "-c", script]);
    let mut running = setting.host.bottle(&arguments).start();
    assert_eq!(running.line(), "ready");
    running.signal(Signal::INT);
    assert_eq!(running.line(), "caught");
    let ended = running.finish();
    assert_eq!(ended.code(), 5, "{ended:#?}");
    let left = Inventory::of_agent(setting.engine, setting.host.agent());
    assert!(left.is_empty(), "{left:#?}");
}
