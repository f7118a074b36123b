//! Launchers that are ended at every step of a start: what they leave is found and removed,
//! and nothing else is.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use harness::Finished;
use harness::docker::{Container, Host, Inventory, Outer, Relay, engine};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::setting::{Setting, TOKEN_NAME, UP, bearer};

/// A user whose agent has one route and nothing to do.
fn user(setting: &Setting) -> Host {
    let mut host = Host::new(setting.engine);
    let route = bearer("/api/", &format!("https://{}:9", setting.outer.address()));
    let bottle = json!({ "cred_proxy": { "routes": [route] } });
    host.manifest(setting.image, bottle, json!({ "workdir": "copy" }));
    host.export(TOKEN_NAME, harness::TOKEN);
    host.write("work/file", "a file\n");
    host
}

/// A start through a relay, in which the launcher gets `signal` at the moment when the change
/// of index `at` has been made and it doesn't know yet. Gives its end, and all changes.
fn signalled(host: &mut Host, at: usize, signal: Signal) -> (Finished, Vec<String>) {
    let launcher = Arc::new(OnceLock::<u32>::new());
    let target = Arc::clone(&launcher);
    let relay = Relay::to(host.engine(), move |index, _| {
        if index == at {
            let process = i32::try_from(*target.wait()).ok().and_then(Pid::from_raw);
            let sent = kill_process(process.expect("a process"), signal);
            sent.expect("the launcher lives");
        }
        None
    });
    host.export("DOCKER_HOST", relay.host());
    let running = host.bottle(&host.start_arguments(&["cat", "file"])).start();
    launcher.set(running.pid()).expect("one launcher");
    let ended = running.finish();
    host.use_engine();
    (ended, relay.changes())
}

/// What of this user's there is: on the engine, and the names of the bottles in the state.
fn left(host: &Host) -> (Inventory, Vec<String>) {
    let state = fs::read_dir(host.path("state/bottle"))
        .into_iter()
        .flatten();
    let names = state.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    (
        Inventory::of_agent(host.engine(), host.agent()),
        names.collect(),
    )
}

fn assert_nothing(host: &Host, when: &str) {
    let (objects, states) = left(host);
    assert!(
        objects.is_empty() && states.is_empty(),
        "{when}: {objects:#?} {states:?}"
    );
}

/// The volumes of the user's containers, which no label names.
fn volumes(host: &Host) -> BTreeSet<String> {
    let (objects, _) = left(host);
    let ids = objects
        .containers
        .iter()
        .filter_map(|line| line.split(' ').next());
    let format = "{{range .Mounts}}{{.Name}} {{end}}";
    let told = ids.map(|id| host.engine().ask(&["inspect", "--format", format, id]));
    let told: Vec<String> = told.collect();
    told.iter()
        .flat_map(|names| names.split_whitespace())
        .map(str::to_owned)
        .collect()
}

/// Kills a launcher at this change, and has everything removed by its name.
fn kill_and_clean(host: &mut Host, at: usize) {
    let (ended, changes) = signalled(host, at, Signal::KILL);
    let step = format!("killed after {at}: {}", changes[at]);
    assert_eq!(ended.status.code(), None, "{step}: {ended:#?}");
    let (_, mut slugs) = left(host);
    slugs.extend(host.slugs());
    slugs.sort();
    slugs.dedup();
    let volumes = volumes(host);
    if let [slug] = &slugs[..] {
        let cleaned = host.run(&["cleanup", slug, "--yes"]);
        assert_eq!(cleaned.code(), 0, "{step}: {cleaned:#?}");
        assert!(cleaned.stderr.contains(slug), "{step}: {cleaned:#?}");
    }
    assert!(slugs.len() < 2, "{step}: {slugs:?}");
    assert_nothing(host, &step);
    let now = Inventory::of(host.engine(), None).volumes;
    let stayed: Vec<_> = volumes.intersection(&now).collect();
    assert!(stayed.is_empty(), "{step}: volumes {stayed:?}");
}

/// Does `work` with each number below `count`, a few at a time: a start mostly waits.
fn each(setting: &Setting, count: usize, work: impl Fn(&mut Host, usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut host = user(setting);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    work(&mut host, at);
                }
            });
        }
    });
}

/// Every change of a whole life, none of it disturbed; it is lived once for all tests. Images
/// are there afterwards.
fn undisturbed(setting: &Setting) -> &'static [String] {
    static CHANGES: OnceLock<Vec<String>> = OnceLock::new();
    CHANGES.get_or_init(|| live(setting))
}

fn live(setting: &Setting) -> Vec<String> {
    let mut host = user(setting);
    for _ in 0..2 {
        let (ended, changes) = signalled(&mut host, usize::MAX, Signal::KILL);
        assert_eq!(
            (ended.code(), ended.stdout.as_str()),
            (0, "a file\n"),
            "{ended:#?}"
        );
        assert_nothing(&host, "undisturbed");
        if !changes.iter().any(|change| change.contains("/build")) {
            assert!(changes.len() > 10, "{changes:#?}");
            eprintln!("{} changes: {}", changes.len(), changes.join(", "));
            return changes;
        }
    }
    panic!("an image is built twice");
}

#[test]
fn what_a_killed_launcher_leaves_is_found_and_removed() {
    let Some(setting) = Setting::new("docker: killed") else {
        return;
    };
    let changes = undisturbed(&setting);
    each(&setting, changes.len(), kill_and_clean);
}

#[test]
fn a_launcher_that_is_asked_to_end_removes_everything_itself() {
    let Some(setting) = Setting::new("docker: ended") else {
        return;
    };
    let changes = undisturbed(&setting);
    // The last ones are the removal, which the agent's own end has begun.
    let start = changes.iter().rposition(|change| change.contains("/start"));
    let start = start.expect("the agent's start");
    each(&setting, start.div_ceil(2), |host, half| {
        let at = half * 2;
        let signal = [Signal::TERM, Signal::INT, Signal::HUP][half % 3];
        let (ended, changes) = signalled(host, at, signal);
        let step = format!("{signal:?} after {at}: {}", changes[at]);
        assert_eq!(
            ended.status.code(),
            Some(128 + signal.as_raw()),
            "{step}: {ended:#?}"
        );
        assert_nothing(host, &step);
    });
}

#[test]
fn a_step_that_fails_is_told_and_leaves_nothing() {
    let Some(setting) = Setting::new("docker: a full disk") else {
        return;
    };
    let changes = undisturbed(&setting);
    let start = changes.iter().rposition(|change| change.contains("/start"));
    let start = start.expect("the agent's start");
    each(&setting, start, |host, at| {
        let full = "no space left on device";
        let relay = Relay::to(host.engine(), move |index, change| {
            // What is removed on the way out is not to fail as well.
            (index == at && !change.starts_with("DELETE")).then_some(full)
        });
        host.export("DOCKER_HOST", relay.host());
        let ended = host.agent_does(&["cat", "file"]);
        host.use_engine();
        let step = format!("{at}: {}", relay.changes()[at]);
        assert_nothing(host, &step);
        if !relay.changes()[at].starts_with("DELETE") {
            assert_eq!(ended.code(), 1, "{step}: {ended:#?}");
            assert_eq!(ended.stdout, "", "{step}");
            assert!(ended.stderr.contains(full), "{step}: {ended:#?}");
        }
    });
}

#[test]
fn nothing_else_is_removed() {
    let test = "docker: not ours";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    let Some(engine) = engine(test) else { return };
    let mut host = user(&setting);
    let other = user(&setting);
    let running = other.start();
    let (ended, _) = signalled(&mut host, 4, Signal::KILL);
    assert_eq!(ended.status.code(), None, "{ended:#?}");
    let slugs = host.slugs();
    let [slug] = &slugs[..] else {
        panic!("{slugs:?}")
    };
    // Named as ours would be, and not ours.
    let network = Outer::named(engine, &format!("bottle-{}-aaaaa-internal", host.agent()));
    let name = format!("bottle-{}-aaaaa-agent", host.agent());
    let place = ["--network", network.name()];
    let foreign = Container::named(engine, &name, &place, setting.image, &UP);

    let next = host.agent_does(&["true"]);
    assert_eq!(next.code(), 0, "{next:#?}");
    let command = format!("bottle cleanup {slug}");
    assert!(
        next.stderr.contains("bottle cleanup ") && next.stderr.contains(slug),
        "{command}: {next:#?}"
    );
    let list = host.run(&["list"]);
    assert!(list.stdout.contains(&command), "{list:#?}");
    let unasked = host.run(&["cleanup"]);
    assert_eq!(unasked.code(), 2, "{unasked:#?}");
    assert_eq!(host.slugs().len(), 1, "{unasked:#?}");
    let cleaned = host.run(&["cleanup", slug, running.slug(), "--yes"]);
    assert_eq!(cleaned.code(), 0, "{cleaned:#?}");
    assert_nothing(&host, "cleaned");
    assert_eq!(
        foreign.exec(&["true"]).code(),
        0,
        "a container that is not ours"
    );
    assert_eq!(running.exec(&["true"]).code(), 0, "a bottle that runs");
}
