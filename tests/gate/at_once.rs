//! Several at once, and clients that die: no update is lost, and the next is served.

use std::thread;
use std::time::{Duration, Instant};

use harness::sshd::GitService;

use crate::raw::Raw;
use crate::setting::Setting;

/// The time in which the next client must be served.
const NEXT: Duration = Duration::from_secs(20);

#[test]
fn of_two_pushes_at_once_none_is_lost() {
    let Some(setting) = Setting::new("of two pushes at once none is lost") else {
        return;
    };
    let url = setting.url();
    for folder in ["one", "two"] {
        setting.agent.clone(&url, folder);
        let message = folder.to_uppercase();
        setting.agent.commit(folder, &message, folder, b"content\n");
    }
    let push = |folder: &str, target: &str| {
        let refspec = format!("HEAD:refs/heads/{target}");
        setting.push(folder, &[&refspec])
    };
    let commit = |folder: &str| {
        let commit = setting.agent.must(folder, &["rev-parse", "HEAD"]);
        commit.trim().to_owned()
    };
    // Both are there before either is forwarded.
    let both = |targets: [&'static str; 2]| {
        let asked = setting.sshd.asked(GitService::ReceivePack);
        let hold = setting.sshd.hold(GitService::ReceivePack);
        thread::scope(|scope| {
            let first = scope.spawn(|| push("one", targets[0]));
            let second = scope.spawn(|| push("two", targets[1]));
            setting
                .sshd
                .wait_for_commands(GitService::ReceivePack, asked + 1);
            setting.gate.wait_for_children("two pushes", |children| {
                children
                    .iter()
                    .filter(|child| child.has("proc-receive"))
                    .count()
                    == 2
            });
            drop(hold);
            [first, second].map(|push| push.join().expect("a thread"))
        })
    };

    // To two branches: both land.
    let [first, second] = both(["left", "right"]);
    assert!(first.status.success(), "{}", first.stderr);
    assert!(second.status.success(), "{}", second.stderr);
    let refs = setting.upstream.refs();
    assert_eq!(refs["refs/heads/left"], commit("one"));
    assert_eq!(refs["refs/heads/right"], commit("two"));
    setting.assert_equal();

    // To the same new branch: one lands, and the other is told.
    let [first, second] = both(["same", "same"]);
    assert_ne!(
        first.status.success(),
        second.status.success(),
        "{first:?}{second:?}"
    );
    let winner = if first.status.success() { "one" } else { "two" };
    assert_eq!(
        setting.upstream.value("refs/heads/same"),
        Some(commit(winner))
    );
    setting.assert_equal();
}

#[test]
fn a_push_during_a_fetch_and_a_fetch_during_a_push_lose_nothing() {
    let test = "a push during a fetch and a fetch during a push lose nothing";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    let url = setting.url();
    setting.clone("fetching");
    setting.clone("pushing");
    for (number, service) in [GitService::UploadPack, GitService::ReceivePack]
        .into_iter()
        .enumerate()
    {
        let content = [b'0' + u8::try_from(number).expect("a digit"), b'\n'];
        let pushed = setting.agent.commit("pushing", "Clean", "file", &content);
        let fetch = || setting.agent.run("fetching", &["fetch", "--quiet"]);
        let push = || setting.push("pushing", &["pushing"]);
        let asked = setting.sshd.asked(service);
        let hold = setting.sshd.hold(service);
        let [first, second] = thread::scope(|scope| {
            let is_fetch = service == GitService::UploadPack;
            let first = scope.spawn(move || if is_fetch { fetch() } else { push() });
            setting.sshd.wait_for_commands(service, asked + 1);
            let second = scope.spawn(move || if is_fetch { push() } else { fetch() });
            let waits = if is_fetch {
                "proc-receive"
            } else {
                "access-hook"
            };
            setting.gate.wait_for_children(waits, |children| {
                children.iter().any(|child| child.has(waits))
            });
            drop(hold);
            [first, second].map(|it| it.join().expect("a thread"))
        });
        for finished in [first, second] {
            assert!(finished.status.success(), "{}", finished.stderr);
        }
        assert_eq!(
            setting.upstream.value("refs/heads/pushing"),
            Some(pushed.clone())
        );
        setting.assert_equal();
        setting.agent.must("fetching", &["fetch", "--quiet"]);
        let fetched = setting
            .agent
            .must("fetching", &["rev-parse", "origin/pushing"]);
        assert_eq!(fetched.trim(), pushed, "{url}");
    }
}

/// A push by another, which must land in time.
#[track_caller]
fn the_next_is_served(setting: &Setting, branch: &str) {
    let begun = Instant::now();
    let refspec = format!("HEAD:refs/heads/{branch}");
    setting.must_push("next", &[&refspec]);
    assert!(begun.elapsed() < NEXT, "took {:?}", begun.elapsed());
    let tip = setting.agent.must("next", &["rev-parse", "HEAD"]);
    let landed = setting.upstream.value(&format!("refs/heads/{branch}"));
    assert_eq!(landed.as_deref(), Some(tip.trim()));
}

#[test]
fn after_a_client_that_died_in_a_push_the_next_is_served() {
    let test = "after a client that died in a push the next is served";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    setting.clone("next");
    setting.agent.commit("next", "Next", "next", b"next\n");
    let incoming = || {
        let objects = setting.gate.files().mirror("app").join("objects");
        let names = objects.read_dir().expect("a folder").flatten();
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name.starts_with("tmp_objdir"))
            .collect::<Vec<_>>()
    };
    // In the middle of its pack, by a reset, by its end, and by half an end.
    for manner in ["reset", "closed", "half-closed"] {
        let client = Raw::begin_push(&setting.gate, "refs/heads/dead", 6);
        setting.gate.wait_for_children("receiving", |children| {
            children.iter().any(|child| child.has("index-pack"))
        });
        assert_eq!(incoming().len(), 1);
        match manner {
            "reset" => client.reset(),
            "closed" => drop(client),
            _ => {
                client.half_close();
                client.read_to_end();
            }
        }
        let gone = setting
            .gate
            .wait_for_children("ended", <[harness::gate::GateChild]>::is_empty);
        assert!(gone < Duration::from_secs(5), "{manner}: {gone:?}");
        // It is cleared away a moment after its processes are gone.
        let begun = Instant::now();
        while !incoming().is_empty() {
            assert!(begun.elapsed() < NEXT, "{manner}: {:?}", incoming());
            thread::yield_now();
        }
        the_next_is_served(&setting, &format!("after-{manner}"));
    }
    assert_eq!(setting.upstream.value("refs/heads/dead"), None);

    // A real client, killed while what it has pushed is on its way upstream.
    setting.clone("killed");
    let commit = setting
        .agent
        .commit("killed", "Killed", "file", b"content\n");
    let asked = setting.sshd.asked(GitService::ReceivePack);
    let hold = setting.sshd.hold(GitService::ReceivePack);
    let mut client = setting.agent.start("killed", &["push", "origin", "killed"]);
    setting
        .sshd
        .wait_for_commands(GitService::ReceivePack, asked + 1);
    client.kill();
    drop(client);
    drop(hold);
    the_next_is_served(&setting, "after-killed");
    // It has landed on both sides or on neither.
    let landed = setting.upstream.value("refs/heads/killed");
    assert!(landed.is_none() || landed == Some(commit), "{landed:?}");
    setting.assert_equal();
    setting
        .gate
        .wait_for_children("ended", <[harness::gate::GateChild]>::is_empty);
}
