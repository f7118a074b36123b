//! What a removal must leave, and what is left of one that is given up.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};

use harness::GUARD;
use harness::docker::{Container, Inventory, Relay};
use rustix::process::Signal;

use crate::setting::{Setting, UP, bearer};

fn manifest(setting: &Setting) {
    let url = format!("https://{}:9", setting.outer.address());
    setting.manifest(&[bearer("/api/", &url)]);
}

/// The names of the bottles in the user's state.
fn states(setting: &Setting) -> Vec<String> {
    let entries = fs::read_dir(setting.host.path("state/bottle"));
    let entries = entries.into_iter().flatten();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
    entries.filter_map(name).collect()
}

#[test]
fn a_name_that_is_taken_stops_a_start_and_stays_its_owners() {
    let Some(mut setting) = Setting::new("docker: a taken name") else {
        return;
    };
    manifest(&setting);
    let (engine, image) = (setting.engine, setting.image);
    let taken = Arc::new(OnceLock::<Container>::new());
    let owner = Arc::clone(&taken);
    let relay = Relay::to(engine, move |_, change| {
        // The first name that a start tells is that of a container which is made before the
        // agent's.
        let (_, name) = change.split_once("/containers/create?name=")?;
        let bottle = name.split('&').next()?.rsplit_once('-')?.0;
        let bottle = bottle.strip_suffix("-cred").unwrap_or(bottle);
        let name = format!("{bottle}-agent");
        owner.get_or_init(|| Container::named(engine, &name, &[], image, &UP));
        None
    });
    setting.host.export("DOCKER_HOST", relay.host());
    let ended = setting.host.agent_does(&["true"]);
    setting.host.use_engine();
    assert_eq!(ended.code(), 1, "{ended:#?}");
    let theirs = taken.get().expect("a container of that name");
    assert!(ended.stderr.contains(theirs.name()), "{ended:#?}");
    assert!(ended.stderr.contains("already in use"), "{ended:#?}");
    assert_eq!(theirs.exec(&["true"]).code(), 0, "it is somebody else's");
    let left = Inventory::of_agent(engine, setting.host.agent());
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(states(&setting), [""; 0]);
}

/// The removal of a bottle, held up at a change until the test lets it go on.
struct Held {
    relay: Relay,
    armed: Arc<AtomicBool>,
    reached: Receiver<()>,
    proceed: Sender<()>,
}

impl Held {
    /// Holds the first removal of such a thing from the moment at which it is armed.
    fn at(setting: &Setting, thing: &'static str) -> Held {
        let (tell, reached) = channel();
        let (proceed, wait) = channel::<()>();
        let armed = Arc::new(AtomicBool::new(false));
        let trigger = Arc::clone(&armed);
        let wait = Mutex::new(wait);
        let relay = Relay::to(setting.engine, move |_, change| {
            let is_it = change.starts_with("DELETE ") && change.contains(thing);
            if is_it && trigger.swap(false, Ordering::AcqRel) {
                let _gone = tell.send(());
                // Until the test ends, at the latest.
                let _gone = wait.lock().expect("a sound lock").recv();
            }
            None
        });
        Held {
            relay,
            armed,
            reached,
            proceed,
        }
    }
}

#[test]
fn a_removal_that_is_given_up_says_how_to_finish_it() {
    let Some(mut setting) = Setting::new("docker: twice") else {
        return;
    };
    manifest(&setting);
    for (thing, left_at_least) in [("/containers/", 4), ("/networks/", 2)] {
        let held = Held::at(&setting, thing);
        setting.host.export("DOCKER_HOST", held.relay.host());
        let bottle = setting.host.start();
        setting.host.use_engine();
        let slug = bottle.slug().to_owned();
        held.armed.store(true, Ordering::Release);
        bottle.signal(Signal::TERM);
        held.reached.recv_timeout(GUARD).expect("a removal");
        bottle.signal(Signal::INT);
        let warned = bottle.told().wait("warning", |lines| {
            let is_told = |line: &String| line.contains("once more leaves it as it is");
            lines.iter().any(is_told).then_some(())
        });
        assert!(warned.is_some(), "{}", bottle.told().text());
        assert_eq!(setting.host.slugs(), std::slice::from_ref(&slug));
        bottle.signal(Signal::INT);
        let ended = bottle.finish();
        assert_eq!(ended.code(), 128 + Signal::TERM.as_raw(), "{ended:#?}");
        let command = format!("remove the rest with: bottle cleanup {slug}");
        assert!(ended.stderr.contains(&command), "{ended:#?}");
        let left = ended.stderr.lines();
        let left = left.filter_map(|line| line.split_once("not removed: "));
        let left: Vec<_> = left.flat_map(|(_, names)| names.split(", ")).collect();
        assert!(left.len() >= left_at_least, "{ended:#?}");
        assert!(left.iter().all(|name| name.contains(&slug)), "{left:?}");
        assert_eq!(states(&setting), std::slice::from_ref(&slug));

        held.proceed.send(()).expect("a relay");
        let cleaned = setting.host.run(&["cleanup", &slug, "--yes"]);
        assert_eq!(cleaned.code(), 0, "{cleaned:#?}");
        let left = Inventory::of_agent(setting.engine, setting.host.agent());
        assert!(left.is_empty(), "{left:#?}");
        assert_eq!(states(&setting), [""; 0]);
    }
}
